//! The seeds answer: three Korean digests and a Chinese article, asked in four languages.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use paperkin::embed::Encoder;
use paperkin::index::Centring;
use paperkin::ingest::{Event, Model, Observer, Report, Task, ingest};
use paperkin::paper::{Language, Mention, PaperId, Role};
use paperkin::search::{Answer, Example, Floor, Missing, RelatedRequest, Remark, SearchRequest, Searcher};
use paperkin::store::{Store, Writer};
use tempfile::TempDir;

use crate::support::nonsense::nonsense;
use crate::support::{encoder, prior, shared_data};

struct Silent;

fn task(paths: &[PathBuf]) -> Task {
    Task { paths: paths.to_vec(), ..Task::default() }
}

fn model(prior: &Centring) -> Model<'_> {
    Model { encoder: encoder().as_ref(), prior }
}

impl Observer for Silent {
    fn see(&mut self, _: Event<'_>) {}

    fn should_stop(&self) -> bool {
        false
    }
}

fn read_into(library: &Path, source: &Path) -> Report {
    let encoder = encoder();
    let mut writer = Writer::open(library, encoder.fingerprint(), encoder.dimension()).unwrap();
    ingest(library, &task(&[source.to_owned()]), &mut writer, Some(model(prior())), &mut Silent).unwrap()
}

/// The seeds, read once for all tests here.
fn seeds() -> Option<&'static Path> {
    static LIBRARY: OnceLock<Option<TempDir>> = OnceLock::new();
    let library = LIBRARY.get_or_init(|| {
        let data = shared_data()?;
        let library = tempfile::tempdir().unwrap();
        let report = read_into(library.path(), &data.join("seeds"));
        assert_eq!((report.refused, report.new, report.records), (0, 20, 21));
        Some(library)
    });
    library.as_ref().map(TempDir::path)
}

fn searcher(library: &Path) -> Searcher {
    Searcher::open(library, encoder().clone(), prior()).unwrap()
}

fn titles(answer: &Answer) -> Vec<&str> {
    answer.hits.iter().map(|hit| hit.paper.title.as_str()).collect()
}

/// The rank, from 1, of the first title that begins so.
fn rank(answer: &Answer, beginnings: &[&str]) -> usize {
    let of = |title: &&str| beginnings.iter().any(|beginning| title.starts_with(beginning));
    titles(answer).iter().position(of).map_or(usize::MAX, |at| at + 1)
}

#[test]
fn each_sentence_of_a_passage_is_embedded_as_a_question() {
    let Some(library) = seeds() else { return };
    let snapshot = Store::open(library).unwrap().snapshot().unwrap();
    let mut languages = std::collections::BTreeSet::new();
    for (number, paper, passage) in snapshot.passages().unwrap() {
        let paper = snapshot.paper(paper).unwrap().unwrap();
        let (sentences, stored) = (passage.sentences(&paper), snapshot.sentences(number).unwrap());
        assert_eq!(sentences.len(), stored.len(), "{}", paper.title);
        // As many as one pass takes are enough.
        let sentences = &sentences[..sentences.len().min(2)];
        for (asked, stored) in encoder().encode(Role::Query, sentences).unwrap().iter().zip(stored) {
            assert!(asked.cosine(&stored) > 0.999, "{}", paper.title);
            languages.insert(passage.language.to_string());
        }
    }
    for language in ["ko", "zh", "en"] {
        assert!(languages.contains(language), "{languages:?}");
    }
}

#[test]
fn questions_find_their_paper_whatever_the_language() {
    let Some(library) = seeds() else { return };
    let searcher = searcher(library);
    let mut wrong = Vec::new();
    for (question, expected, within) in [
        ("load balancing without an auxiliary loss", &["Auxiliary-Loss-Free"][..], 1),
        ("无辅助损失的专家负载均衡", &["Auxiliary-Loss-Free"], 1),
        ("小型多模态模型的知识蒸馏", &["LLaVA-MoD"], 1),
        ("n-gram 언어 모델로 웹 말뭉치 품질 필터링", &["Rethinking KenLM"], 1),
        ("Shampoo와 Adam을 결합한 옵티마이저", &["SOAP"], 1),
        ("モンテカルロ木探索で推論を学習する", &["CPL"], 1),
        ("统一的图像生成模型", &["OmniGen"], 1),
        ("이미지 종횡비를 유지하는 비전 인코더", &["Announcing Pixtral"], 1),
        ("RLHF 학습 프레임워크의 처리량 개선", &["HybridFlow"], 1),
        ("여러 판사를 쓰는 RLHF", &["The Perfect Blend"], 1),
        ("텐서 병렬에서 통신과 연산 겹치기", &["Introducing Async Tensor Parallelism"], 1),
        ("코드로 수학 문제 풀기", &["SIaM"], 1),
        ("mixture of vision encoders", &["Eagle"], 1),
        ("멀티모달 소형 모델 증류", &["LLaVA-MoD"], 1),
        ("学习率如何随训练 token 数变化", &["Scaling Optimal LR"], 1),
        ("残差连接的替代方案", &["Hyper-Connections"], 1),
        ("통합 이미지 생성 모델", &["OmniGen"], 1),
        ("能力组合的泛化", &["Can Models Learn Skill Composition", "Law of the Weakest Link"], 1),
    ] {
        let answer = searcher.search(&SearchRequest::new(question, 10)).unwrap();
        let found = rank(&answer, expected);
        println!("{question}: rank {found}");
        if found > within {
            wrong.push(format!("{question}: rank {found}, wanted {within}: {:?}", titles(&answer)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nonsense_finds_nothing_unless_the_nearest_are_wanted() {
    let Some(library) = seeds() else { return };
    let searcher = searcher(library);
    let found: Vec<String> = nonsense()
        .into_iter()
        .filter(|question| {
            let answer = searcher.search(&SearchRequest::new(question.as_str(), 10)).unwrap();
            assert_eq!(answer.hits.is_empty(), answer.below_floor, "{question}");
            !answer.hits.is_empty()
        })
        .collect();
    println!("{} of 200 find something: {found:?}", found.len());
    assert!(found.len() <= 10, "{found:?}");

    let mut request = SearchRequest::new("김치찌개 맛있게 끓이는 법", 10);
    assert!(searcher.search(&request).unwrap().below_floor);
    request.options.floor = Floor::None;
    assert_eq!(searcher.search(&request).unwrap().hits.len(), 10);
    // Who filters has chosen; and a word that is there is no nonsense, however far its meaning.
    assert!(!searcher.search(&SearchRequest::new("김치찌개 lang:ko", 10)).unwrap().hits.is_empty());
    assert!(!searcher.search(&SearchRequest::new("attention", 10)).unwrap().hits.is_empty());
    // By example as by question.
    let example = |text: &str| RelatedRequest::new(vec![Example::Text { text: text.into() }], 10);
    assert!(searcher.related(&example("garlic, umbrella and a wedding")).unwrap().hits.is_empty());
    assert!(
        !searcher
            .related(&example("보조 손실 없이 전문가들의 부하를 고르게 하는 방법"))
            .unwrap()
            .hits
            .is_empty()
    );
}

#[test]
fn how_much_is_shown_changes_nothing_of_what_answers() {
    let Some(library) = seeds() else { return };
    let searcher = searcher(library);
    for question in ["残差连接的替代方案", "SOAP", "여러 판사를 쓰는 RLHF", "garlic and umbrellas"]
    {
        let ten = searcher.search(&SearchRequest::new(question, 10)).unwrap();
        for limit in 1..10 {
            let few = searcher.search(&SearchRequest::new(question, limit)).unwrap();
            assert_eq!(few.below_floor, ten.below_floor, "{question}, {limit}");
            let shown = |answer: &Answer| -> Vec<(String, f32)> {
                answer.hits.iter().take(limit).map(|hit| (hit.paper.title.clone(), hit.score)).collect()
            };
            assert_eq!(shown(&few), shown(&ten), "{question}, {limit}");
        }
    }
}

#[test]
fn words_find_their_english_and_say_so() {
    let Some(library) = seeds() else { return };
    let searcher = searcher(library);
    for (question, word, english, title) in [
        ("잔차 연결의 대안", "연결", "Connections", "Hyper-Connections"),
        ("残差连接的替代方案", "残差连接", "Connections", "Hyper-Connections"),
        ("知識の蒸留", "蒸留", "Distillation", "LLaVA-MoD"),
    ] {
        let answer = searcher.search(&SearchRequest::new(question, 3)).unwrap();
        let first = answer.hits.first().unwrap_or_else(|| panic!("{question} finds nothing"));
        assert!(first.paper.title.starts_with(title), "{question}: {}", first.paper.title);
        let found = &first.why.in_english;
        assert!(found.iter().any(|one| one.word == word && one.english == english), "{question}: {found:?}");
        assert!(first.why.signals.words_in_english > 0.0);
    }
    // Of a question in English there is nothing to translate.
    let answer = searcher.search(&SearchRequest::new("residual connections", 3)).unwrap();
    assert!(answer.hits.iter().all(|hit| hit.why.in_english.is_empty()));
}

#[test]
fn what_is_left_out_missing_or_named_is_told() {
    let Some(library) = seeds() else { return };
    let searcher = searcher(library);
    let ask = |text: &str| searcher.search(&SearchRequest::new(text, 20)).unwrap();

    let with = ask("RLHF");
    let without = ask("RLHF -judge -\"mixture of judges\"");
    assert!(titles(&with).iter().any(|title| title.starts_with("The Perfect Blend")));
    assert!(titles(&without).iter().all(|title| !title.starts_with("The Perfect Blend")));
    assert!(without.total < with.total && without.remarks.is_empty());
    let listed = ask("-model -학습");
    assert!(listed.listed && listed.total < 20, "{}", listed.total);

    let quoted = ask("\"experts of mixture\" load balancing");
    assert_eq!(quoted.remarks, [Remark::PhrasesNotFound(vec!["experts of mixture".into()])]);
    assert!(!quoted.hits.is_empty(), "answered without the quotation marks");
    assert!(ask("\"load balance\" experts").remarks.is_empty());

    let named = ask("2408.15881 arxiv:1706.03762");
    assert_eq!(named.remarks, [Remark::NotInLibrary(PaperId::parse("1706.03762").unwrap())]);
    assert_eq!(titles(&named).len(), 1, "the letters of an id are like nothing: {:?}", titles(&named));
    assert!(named.hits[0].why.named);

    assert_eq!(ask("tag: moe").remarks, [Remark::NoValue("tag:".into())]);
    let none = ask("optimizer tag:nosuchtag");
    let missing = Missing { key: "tag", value: "nosuchtag".into(), near: None };
    assert_eq!((none.remarks, none.hits.len()), (vec![Remark::NoPaperLeft, Remark::Missing(missing)], 0));
    let misspelt = ask("tag:moe tag:vision-langauge -tag:neither");
    assert_eq!(
        misspelt.remarks.len(),
        1,
        "papers of the one that is there are listed: {:?}",
        misspelt.remarks
    );
    assert!(
        misspelt.remarks[0].to_string().ends_with("perhaps 'vision-language' is meant"),
        "{}",
        misspelt.remarks[0]
    );

    // What is new comes first, and its score says how well it answers.
    let mut request = SearchRequest::new("optimizer", 20);
    let plain = searcher.search(&request).unwrap();
    request.options.recency = Some(1.0);
    let recent = searcher.search(&request).unwrap();
    let scores = |answer: &Answer| {
        let mut scores: Vec<f32> = answer.hits.iter().map(|hit| hit.score).collect();
        scores.sort_by(f32::total_cmp);
        scores
    };
    assert_eq!(scores(&plain), scores(&recent));
    assert!(titles(&plain) != titles(&recent));

    let paper = named.hits[0].paper.id.clone();
    let negative = vec![Example::Paper(paper.clone())];
    let both = RelatedRequest { negative, ..RelatedRequest::new(vec![Example::Paper(paper)], 5) };
    assert!(searcher.related(&both).unwrap_err().to_string().contains("both like and unlike"));
}

fn id_of(searcher: &Searcher, question: &str, beginning: &str) -> PaperId {
    let answer = searcher.search(&SearchRequest::new(question, 20)).unwrap();
    answer.hits.into_iter().find(|hit| hit.paper.title.starts_with(beginning)).unwrap().paper.id
}

#[test]
fn related_papers_are_of_the_same_topic_and_never_the_paper_itself() {
    let Some(library) = seeds() else { return };
    let searcher = searcher(library);
    let nvlm = id_of(&searcher, "NVLM", "NVLM");
    let answer = searcher.related(&RelatedRequest::new(vec![Example::Paper(nvlm.clone())], 20)).unwrap();
    let first: Vec<&str> = titles(&answer).into_iter().take(4).collect();
    println!("related to NVLM: {first:?}");
    let kin = ["Eagle", "MM1.5", "Announcing Pixtral", "LLaVA-MoD"];
    let found = kin.iter().filter(|kin| first.iter().any(|title| title.starts_with(*kin))).count();
    assert!(found >= 3, "{first:?}");
    assert_eq!(answer.hits.len(), 19, "every other paper, once");
    assert!(answer.hits.iter().all(|hit| hit.paper.id != nvlm));

    let nexus = id_of(&searcher, "Nexus upcycling MoE", "Nexus");
    let answer = searcher.related(&RelatedRequest::new(vec![Example::Paper(nexus)], 4)).unwrap();
    println!("related to Nexus: {:?}", titles(&answer));
    assert!(rank(&answer, &["Auxiliary-Loss-Free"]) <= 2, "{:?}", titles(&answer));
    assert!(answer.hits.iter().any(|hit| hit.why.shared_tags.contains(&"moe".to_owned())));
}

/// Both sentences are slices of their papers' texts, where they say to be, and nearer than sentences are by chance.
#[test]
fn related_papers_are_tied_by_a_pair_of_sentences() {
    let Some(library) = seeds() else { return };
    let searcher = searcher(library);
    let store = Store::open(library).unwrap();
    let nvlm = id_of(&searcher, "NVLM", "NVLM");
    let article: PaperId = "arxiv:2408.15881".parse().unwrap();
    let mut languages = std::collections::BTreeSet::new();
    for asked in [nvlm, article] {
        let mut request = RelatedRequest::new(vec![Example::Paper(asked.clone())], 12);
        let plain = searcher.related(&request).unwrap();
        assert!(plain.hits.iter().all(|hit| hit.why.tie.is_none()), "only where it was asked for");
        request.sentences = true;
        let answer = searcher.related(&request).unwrap();
        assert_eq!(titles(&answer), titles(&plain));
        assert!(answer.hits[10..].iter().all(|hit| hit.why.tie.is_none()));
        for hit in &answer.hits[..10] {
            let tie = hit.why.tie.as_ref().unwrap();
            assert_eq!((&tie.asked.paper, &tie.found.paper), (&asked, &hit.paper.id));
            assert_eq!(tie.found.passage, hit.matched.passage);
            let at = tie.found.start - hit.matched.start;
            let shown: String =
                hit.matched.text.chars().skip(at).take(tie.found.end - tie.found.start).collect();
            assert_eq!(shown, tie.found.text);
            let (_, paper) = store.paper_by_name(&asked).unwrap().unwrap();
            let notes = paper.commentaries.iter().map(|note| note.commentary.text.as_str());
            let slice = |text: &str| {
                text.chars().skip(tie.asked.start).take(tie.asked.end - tie.asked.start).collect::<String>()
            };
            assert!(notes.chain(paper.abstract_text.as_deref()).any(|text| slice(text) == tie.asked.text));
            languages.extend([tie.asked.lang, tie.found.lang]);
        }
        let best = answer.hits[0].why.tie.as_ref().unwrap();
        println!("{:.2}: {} ~ {}", best.similarity, best.asked.text, best.found.text);
        assert!(best.similarity > 0.3, "{}", best.similarity);
    }
    assert!(languages.contains(&Language::KOREAN) && languages.contains(&Language::ENGLISH), "{languages:?}");
}

#[test]
fn one_paper_is_one_paper_across_files_and_languages() {
    let Some(library) = seeds() else { return };
    let store = Store::open(library).unwrap();
    assert_eq!(store.counts().unwrap().papers, 20);
    let id: PaperId = "arxiv:2408.15881".parse().unwrap();
    let (number, paper) = store.paper_by_name(&id).unwrap().unwrap();
    assert_eq!(paper.title, "LLaVA-MoD: Making LLaVA Tiny via MoE Knowledge Distillation");
    assert!(paper.abstract_text.is_some());
    assert_eq!(paper.langs, [Language::ENGLISH, Language::KOREAN, Language::CHINESE]);
    let by_title = store.paper_by_name(&PaperId::of_title(&paper.title)).unwrap().unwrap();
    assert_eq!(by_title.0, number, "the old name still answers");
    let mut mentions = 0;
    store
        .visit_papers(|_, paper| {
            mentions += paper.mentions.len();
            // Of all seeds only the article tells its paper's id; links in commentary lead to other papers.
            assert!(paper.id == id || !paper.id.is_registered(), "{} took a mention for its id", paper.title);
            assert!(paper.mentions.iter().all(|mention| matches!(mention, Mention::Paper(_))));
        })
        .unwrap();
    assert!(mentions >= 8, "{mentions} links to other papers");
}

#[test]
fn the_articles_unrelated_tail_is_no_passage() {
    let Some(library) = seeds() else { return };
    let searcher = searcher(library);
    for question in ["Xbox 게임 생성 AI", "Sonar 收购 AutoCodeRover", "数据中心 液冷 电力"] {
        for hit in searcher.search(&SearchRequest::new(question, 20)).unwrap().hits {
            for blurb in ["Xbox", "Muse", "Sonar", "数据中心"] {
                assert!(!hit.matched.text.contains(blurb), "{question} finds {}", hit.matched.text);
            }
        }
    }
}

#[test]
fn answers_tell_where_the_passage_stands() {
    let Some(library) = seeds() else { return };
    let searcher = searcher(library);
    for question in ["残差连接的替代方案", "Shampoo와 Adam을 결합한 옵티마이저", "mixture of vision encoders"]
    {
        for hit in searcher.search(&SearchRequest::new(question, 20)).unwrap().hits {
            let paper = searcher.paper(&hit.paper.id).unwrap();
            let texts = std::iter::once(&paper.title)
                .chain(&paper.abstract_text)
                .chain(paper.commentaries.iter().map(|note| &note.commentary.text));
            let slice = |text: &String| -> String {
                text.chars().skip(hit.matched.start).take(hit.matched.end - hit.matched.start).collect()
            };
            assert!(texts.map(slice).any(|slice| slice == hit.matched.text), "{question}: {:?}", hit.matched);
            assert!((0.0..=1.0).contains(&hit.score) && (-1.0..=1.0).contains(&hit.similarity));
        }
    }
}

/// One way to embed, whatever a text is for: who asks a passage word for word is at no distance from it.
#[test]
fn what_is_asked_is_embedded_as_what_is_stored() {
    let Some(library) = seeds() else { return };
    let searcher = searcher(library);
    for question in ["残差连接的替代方案", "Shampoo와 Adam을 결합한 옵티마이저", "mixture of vision encoders"]
    {
        let hit = searcher.search(&SearchRequest::new(question, 1)).unwrap().hits.remove(0);
        let paper = searcher.paper(&hit.paper.id).unwrap();
        let note = &paper.commentaries[0].commentary.text;
        let asked = searcher.search(&SearchRequest::new(note.as_str(), 1)).unwrap();
        assert_eq!((asked.hits[0].paper.id.clone(), asked.chunks), (hit.paper.id, 1));
        assert!(asked.hits[0].similarity > 0.9999, "{question}: {}", asked.hits[0].similarity);
    }
}

#[test]
fn a_named_paper_comes_first_and_long_questions_are_chunked() {
    let Some(library) = seeds() else { return };
    let searcher = searcher(library);
    for question in
        ["2408.15881", "what of https://arxiv.org/pdf/2408.15881v2.pdf ?", "arxiv:2408.15881 요약"]
    {
        let answer = searcher.search(&SearchRequest::new(question, 3)).unwrap();
        assert!(titles(&answer)[0].starts_with("LLaVA-MoD") && answer.hits[0].why.named, "{question}");
        // The letters of an id are like nothing.
        assert_eq!(answer.hits.len(), if question == "2408.15881" { 1 } else { 3 }, "{question}");
    }
    let long = "증류는 큰 모델의 지식을 작은 모델로 옮깁니다. 小型多模态模型的知识蒸馏。".repeat(40);
    let answer = searcher.search(&SearchRequest::new(long.as_str(), 3)).unwrap();
    assert!(answer.chunks > 1, "{}", answer.chunks);
    assert!(titles(&answer)[0].starts_with("LLaVA-MoD"));
    assert!(searcher.search(&SearchRequest::new(" \u{0}\n ", 3)).is_err());
}

#[test]
fn the_same_files_again_change_nothing() {
    let Some(data) = shared_data() else { return };
    let library = tempfile::tempdir().unwrap();
    assert!(read_into(library.path(), &data.join("seeds")).published);
    let revision = Store::open(library.path()).unwrap().revision().unwrap();
    let again = read_into(library.path(), &data.join("seeds"));
    assert_eq!((again.new, again.changed, again.unchanged, again.embedded), (0, 0, 21, 0));
    assert!(!again.published);
    assert_eq!(Store::open(library.path()).unwrap().revision().unwrap(), revision);
}

/// The control: by the model's plain cosine the language of a passage counts for more than what it says.
#[test]
fn without_centring_language_beats_content() {
    let Some(data) = shared_data() else { return };
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path();
    let encoder = encoder();
    let mut writer = Writer::open(library, encoder.fingerprint(), encoder.dimension()).unwrap();
    let none = Centring::none();
    let seeds = [data.join("seeds")];
    ingest(library, &task(&seeds), &mut writer, Some(model(&none)), &mut Silent).unwrap();
    drop(writer);
    let plain = Searcher::open(library, encoder.clone(), &none).unwrap();
    let question = "无辅助损失的专家负载均衡";
    let mut answer = plain.search(&SearchRequest::new(question, 20)).unwrap();
    // Words would answer by themselves.
    answer.hits.sort_by(|left, right| right.similarity.total_cmp(&left.similarity));
    assert!(rank(&answer, &["LLaVA-MoD"]) < rank(&answer, &["Auxiliary-Loss-Free"]), "{:?}", titles(&answer));

    // Other means make another generation from the vectors that are there: nothing is embedded again.
    let mut writer = Writer::open(library, encoder.fingerprint(), encoder.dimension()).unwrap();
    let report = ingest(library, &task(&[]), &mut writer, Some(model(prior())), &mut Silent).unwrap();
    assert_eq!((report.embedded, report.published), (0, true));
    drop(writer);
    let answer = searcher(library).search(&SearchRequest::new(question, 20)).unwrap();
    assert_eq!(rank(&answer, &["Auxiliary-Loss-Free"]), 1, "{:?}", titles(&answer));
}
