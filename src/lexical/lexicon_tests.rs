//! What a score is, that it is the same however documents are spread, and what a phrase leaves out.

use std::sync::Arc;

use super::{Document, Glosses, Hit, LexicalIndex, Lexicon, Terms, matched, matched_in_english};

fn lexicon(documents: &[Document<'_>]) -> Lexicon {
    Lexicon::new(vec![Arc::new(LexicalIndex::in_memory(documents.iter().cloned()).unwrap())])
}

fn abstracts<'a>(texts: &[&'a str]) -> Vec<Document<'a>> {
    let texts = (0_u32..).zip(texts);
    texts
        .map(|(number, abstract_text)| Document {
            number,
            abstract_text: (*abstract_text).into(),
            ..Document::default()
        })
        .collect()
}

fn search(lexicon: &Lexicon, question: &str) -> Vec<Hit> {
    let mut hits: Vec<Hit> = lexicon.search(&Terms::of(question)).unwrap().hits().collect();
    hits.sort_by_key(|hit| hit.number);
    hits
}

fn numbers(texts: &[&str], question: &str) -> Vec<u32> {
    search(&lexicon(&abstracts(texts)), question).iter().map(|hit| hit.number).collect()
}

#[test]
fn the_score_is_the_one_computed_by_hand() {
    let documents = [
        Document {
            number: 3,
            title: "cats".into(),
            abstract_text: "dog cat dog".into(),
            ..Document::default()
        },
        Document { number: 4, abstract_text: "bird".into(), ..Document::default() },
        Document { number: 5, commentary: "dog".into(), ..Document::default() },
    ];
    let hits = search(&lexicon(&documents), "dog dogs");
    // Abstracts: 2 documents, 1 holds it, mean length 2: ln(1 + 1.5 / 1.5) 2 * 2.2 / (2 + 1.2 (0.25 + 0.75 * 3 / 2)).
    let in_abstract = 2.0_f32.ln() * 4.4 / (2.0 + 1.2 * (0.25 + 0.75 * 1.5));
    // Commentaries: the only one, of mean length: ln(1 + 0.5 / 1.5) 2.2 / 2.2.
    let in_commentary = (4.0_f32 / 3.0).ln();
    assert_eq!(hits.iter().map(|hit| hit.number).collect::<Vec<_>>(), [3, 5]);
    assert!((hits[0].score - in_abstract).abs() < 1e-6, "{} {in_abstract}", hits[0].score);
    assert!((hits[1].score - in_commentary).abs() < 1e-6, "{} {in_commentary}", hits[1].score);
    // Titles weigh 0.4: the only title, and one of two abstracts.
    let cat = search(&lexicon(&documents), "cat")[0].score;
    let expected = 0.4 * (4.0_f32 / 3.0).ln() + 2.0_f32.ln() * 2.2 / (1.0 + 1.2 * (0.25 + 0.75 * 1.5));
    assert!((cat - expected).abs() < 1e-6, "{cat} {expected}");
}

#[test]
fn a_score_means_the_same_in_every_index() {
    let texts: Vec<String> = (0..200)
        .map(|i| format!("graph {} 모델 {} network {}", i % 7, "학습 ".repeat(i % 5), i % 11))
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let documents = abstracts(&texts);
    let whole = lexicon(&documents);
    let (one, two) = documents.split_at(33);
    let parts = [one, two, &[]].map(|part| Arc::new(LexicalIndex::in_memory(part.iter().cloned()).unwrap()));
    let parts = Lexicon::new(parts.to_vec());
    for question in ["graph 3 모델", "network 학습 unheard", "\"network 4\" graph", "모"] {
        let hits = search(&whole, question);
        assert!(!hits.is_empty());
        assert_eq!(search(&parts, question), hits, "{question}");
    }
    assert_eq!((parts.len(), whole.len()), (200, 200));
}

#[test]
fn coverage_is_the_share_of_what_is_asked() {
    let lexicon = lexicon(&abstracts(&["alpha beta", "alpha", "gamma gamma", "GPT-4 delta", "gpt 4"]));
    let coverage = |question: &str| -> Vec<(u32, f32)> {
        search(&lexicon, question).iter().map(|hit| (hit.number, hit.coverage)).collect()
    };
    let idf = |holders: f32| (1.0 + (5.0 - holders + 0.5) / (holders + 0.5)).ln();
    let share = idf(2.0) / (idf(2.0) + idf(1.0));
    let found = coverage("alpha beta");
    assert_eq!(found[0], (0, 1.0));
    assert!((found[1].1 - share).abs() < 1e-6, "{found:?}");
    // What no document holds weighs as such.
    let found = coverage("gamma omega");
    assert!((found[0].1 - idf(1.0) / (idf(1.0) + idf(0.0))).abs() < 1e-6, "{found:?}");
    // However it is spelled, all of it is there.
    assert_eq!(coverage("gpt4").first(), Some(&(3, 1.0)));
    assert_eq!(coverage("GPT-4"), [(3, 1.0), (4, 1.0)]);
}

#[test]
fn every_spelling_finds_every_other() {
    for (question, text) in [
        ("gpt4", "by GPT-4 we"),
        ("GPT-4", "by GPT4 we"),
        ("llavamod", "LLaVA-MoD"),
        ("llava mod", "LLaVA-MoD"),
        ("LLaVA-MoD", "llava mod"),
        ("k-means", "kmeans"),
        ("schrodinger", "Schrödinger"),
        ("2408.15881v2", "see arXiv:2408.15881"),
        ("모", "큰 모델"),
        ("氢", "储氢材料"),
        ("10.1000/xyz-123", "https://doi.org/10.1000/xyz-123."),
    ] {
        assert_eq!(numbers(&["other", text], question), [1], "{question} in {text}");
    }
    assert_eq!(numbers(&["C and c", "modern C++"], "C++"), [1]);
    assert_eq!(numbers(&["the modern C++", "in c"], "C"), [1]);
}

#[test]
fn a_phrase_is_a_must_in_every_script() {
    let english = ["deep neural network", "network of a neural kind", "Deep Neural-Networks"];
    assert_eq!(numbers(&english, "\"neural network\""), [0, 2]);
    assert_eq!(numbers(&english, "deep “neural network” kind"), [0, 2]);
    assert_eq!(numbers(&english, "\"neural network"), [0, 1, 2], "an unclosed mark is none");
    let lexicon = lexicon(&abstracts(&english));
    let loose = Terms::of("\"neural network\"").without_phrases();
    assert_eq!(lexicon.search(&loose).unwrap().hits().count(), 3);
    assert_eq!(numbers(&english, "\"kind\" deep"), [1], "one word is a must as well");
    let korean = ["언어 모델을 학습", "모델의 언어 학습", "큰 언어 모델"];
    assert_eq!(numbers(&korean, "\"언어 모델\""), [0, 2]);
    let chinese = ["我们用GPT-4做实验", "用实验做GPT-4", "做实验"];
    assert_eq!(numbers(&chinese, "「用GPT-4做」"), [0]);
    assert_eq!(numbers(&chinese, "“做实验”"), [0, 2]);
    assert_eq!(numbers(&chinese, "\"实验\" \"gpt4\""), [0, 1]);
    assert_eq!(numbers(&["GPT-4 turbo", "turbo GPT-4"], "\"gpt4 turbo\""), [0]);
    assert_eq!(numbers(&["LLaVA-MoD: Making", "making llava mod"], "\"llava mod making\""), [0]);
}

#[test]
fn a_phrase_is_found_far_down_a_long_list() {
    let mut texts = vec!["common words stand apart: words common"; 1000];
    texts[700] = "rare then common words";
    texts[900] = "rare words common";
    assert_eq!(numbers(&texts, "\"rare then common words\""), [700]);
    assert_eq!(numbers(&texts, "rare \"common words\"").len(), 999);
    assert_eq!(numbers(&texts, "\"rare words\""), [900]);
}

#[test]
fn a_document_is_looked_up_by_its_number() {
    let documents = [8, 3, 70, 5].map(|number| Document {
        number,
        abstract_text: if number == 70 { "prose" } else { "graph" }.into(),
        ..Document::default()
    });
    let (one, two) = documents.split_at(2);
    let halves = [one, two].map(|half| Arc::new(LexicalIndex::in_memory(half.iter().cloned()).unwrap()));
    for lexicon in [lexicon(&documents), Lexicon::new(halves.to_vec())] {
        let scores = lexicon.search(&Terms::of("graph")).unwrap();
        let hits: Vec<Hit> = scores.hits().collect();
        assert_eq!(hits.iter().map(|hit| hit.number).collect::<Vec<_>>(), [8, 3, 5]);
        for hit in &hits {
            assert_eq!(scores.of(hit.number), Some(*hit));
        }
        assert_eq!([4, 70, 71].map(|number| scores.of(number)), [None; 3]);
        assert_eq!(lexicon.search(&Terms::of("?!")).unwrap().hits().count(), 0);
    }
}

#[test]
fn of_a_text_for_a_question_the_rarest_terms_count() {
    let words: Vec<String> = ('α'..='ω')
        .flat_map(|one| ('а'..='я').map(move |two| format!("{one}{two}")))
        .filter(|word| !word.contains(['ς', 'й']))
        .take(600)
        .collect();
    let all = words.join(" ");
    let lexicon = lexicon(&abstracts(&[&all, &all, &all, "rare", "rare alone"]));
    let score = |words: &[String]| search(&lexicon, &format!("alone {} rare", words.join(" ")));
    let (most, fewer) = (score(&words), score(&words[..40]));
    assert_eq!(most.len(), 5);
    assert!(most[4].score > most[3].score, "what one holds takes no other's place");
    // Of the 600 beside "rare" the first 47, and all of the 40.
    let ratio = most[0].score / fewer[0].score;
    assert!((ratio - 47.0 / 40.0).abs() < 1e-3, "{ratio}");
}

#[test]
fn a_hostile_question_takes_no_long_time() {
    let text = "a b c a-b 가나다 字字字 1.5 gpt4 the common words of all".repeat(3);
    let lexicon = lexicon(&abstracts(&vec![text.as_str(); 2000]));
    let numbered: String = (0..8000).map(|i| format!("a-{i} ")).collect();
    let quoted: String = (0..8000).map(|i| format!("«b {i}» ")).collect();
    let units = ["a-", "가", "字", "«a b»", "\"", "“", "the ", "a b c ", "gpt4-", "1.", "\u{301}"];
    let repeated = units.map(|unit| unit.repeat((1 << 16) / unit.len()));
    let insisting = format!("\"{}\"", "a b c ".repeat(10_000));
    for question in repeated.iter().chain([&numbered, &quoted, &insisting]) {
        let start = std::time::Instant::now();
        let terms = Terms::of(question);
        lexicon.search(&terms).unwrap();
        assert!(matched(&terms, question).len() <= terms.asked().len());
        let took = start.elapsed();
        assert!(took.as_secs_f32() < 1.0, "{}: {took:?}", question.chars().take(9).collect::<String>());
    }
}

#[test]
fn a_word_counts_by_what_it_means_and_once() {
    // 환각: illusion and hallucination; 양자화: quantization.
    let texts = [
        "hallucinations of models",
        "quantization of models",
        "an illusion, a hallucination, all quantized by quantization",
        "prose",
    ];
    let documents = abstracts(&texts);
    let ask = |lexicon: &Lexicon, question: &str| {
        let mut hits: Vec<Hit> = lexicon.search_glosses(&Glosses::of(question)).unwrap().hits().collect();
        hits.sort_by_key(|hit| hit.number);
        hits
    };
    let whole = lexicon(&documents);
    let one = ask(&whole, "환각");
    assert_eq!(one.iter().map(|hit| hit.number).collect::<Vec<_>>(), [0, 2]);
    assert!(one[1].score > one[0].score, "both meanings are more than one: {one:?}");
    assert!(one[1].score < 2.0 * one[0].score, "and are one word: {one:?}");
    assert!(one.iter().all(|hit| hit.coverage > 0.99));
    let both = ask(&whole, "환각 양자화");
    let coverage: Vec<f32> = both.iter().map(|hit| (hit.coverage * 10.0).round() / 10.0).collect();
    assert_eq!(coverage, [0.5, 0.5, 1.0]);
    assert!(ask(&whole, "환각 똠얌꿍")[0].coverage < 0.6, "what no glossary has is missing");
    assert!(ask(&whole, "hallucination").is_empty());

    // However documents are spread.
    let halves =
        documents.chunks(2).map(|half| Arc::new(LexicalIndex::in_memory(half.iter().cloned()).unwrap()));
    assert_eq!(ask(&Lexicon::new(halves.collect()), "환각 양자화"), both);

    let question = "GPT의 환각과 양자화";
    let text = "Quantized: no Hallucinations 🦙";
    let found = matched_in_english(&Glosses::of(question), question, text);
    let found: Vec<(&str, &str)> =
        found.iter().map(|found| (found.word, &text[found.place.clone()])).collect();
    assert_eq!(found, [("환각", "Hallucinations"), ("양자화", "Quantized")]);
}
