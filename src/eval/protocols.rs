//! From a judged collection to libraries and what is asked of them.
//!
//! Besides the papers alone, a collection whose questions are what somebody wrote about its papers makes libraries such as our users
//! have: English abstracts with commentary in their own language. A set is taken for **notes** if each question has exactly one relevant
//! paper, no paper has two questions, and most questions are in another language than most of their papers' abstracts.
//!
//! - **mixed languages**: half of the papers carry their note; the notes of the other half are the questions, and their papers
//!   have nothing but the abstract. The right answers are all in the language that was not asked in. The notes are ordered by the SHA-256 of
//!   the question's id; the first half stays in the library, the second is asked.
//! - **a sentence of a note**: every paper carries its note, and the middle sentence of a note is asked. The counterweight: who makes
//!   commentary useless wins the protocol above and loses this one.
//! - **with notes in another language**: every paper carries its note; another split's questions, in another language, are asked.
//! - **related, with notes**: every paper carries its notes in all languages; related pairs are asked.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use sha2::{Digest, Sha256};
use unicode_segmentation::UnicodeSegmentation;

use super::judged::{Collection, Question, QuestionSet, RELATED};
use super::metrics::Judgements;
use crate::paper::{Commentary, Language, Note, Paper, letters_and_digits};

/// A sentence with fewer letters says too little to ask for one paper among a thousand.
const SHORTEST_SENTENCE: usize = 15;

/// A library, and what is asked of it.
pub(super) struct Trial<'c> {
    pub(super) papers: Cow<'c, [Paper]>,
    pub(super) sets: Vec<Asked<'c>>,
}

/// What is asked under one name.
pub(super) struct Asked<'c> {
    pub(super) name: String,
    pub(super) what: What<'c>,
}

pub(super) enum What<'c> {
    Questions(Cow<'c, [Question]>),
    Related(&'c HashMap<String, Judgements>),
}

/// Every trial of a collection in which one of `splits` is asked; all of them if there are none.
pub(super) fn trials<'c>(collection: &'c Collection, splits: &[String]) -> Vec<Trial<'c>> {
    let wanted = |split: &str| splits.is_empty() || splits.iter().any(|name| name == split);
    let related = !collection.related.is_empty() && wanted(RELATED);
    let asked =
        |name: String, questions: Cow<'c, [Question]>| Asked { name, what: What::Questions(questions) };
    let mut plain: Vec<Asked<'c>> = collection
        .sets
        .iter()
        .filter(|set| wanted(&set.split))
        .map(|set| asked(set.name.clone(), Cow::Borrowed(set.questions.as_slice())))
        .collect();
    if related {
        let name = format!("{} related", collection.name);
        plain.push(Asked { name, what: What::Related(&collection.related) });
    }
    let mut trials = vec![Trial { papers: Cow::Borrowed(&collection.papers), sets: plain }];

    let one_to_one: Vec<OneToOne<'_>> =
        collection.sets.iter().filter_map(|set| OneToOne::of(collection, set)).collect();
    let notes: Vec<&OneToOne<'_>> = one_to_one.iter().filter(|set| set.is_foreign()).collect();
    for note in &notes {
        let all = &note.set.questions;
        if wanted(&note.set.split) {
            let (kept, put) = halves(all);
            let name = format!("{}, mixed languages", note.set.name);
            trials.push(Trial {
                papers: with_notes(collection, &kept),
                sets: vec![asked(name, Cow::Owned(put.into_iter().cloned().collect()))],
            });
        }
        let mut sets = Vec::new();
        if wanted(&note.set.split) {
            let name = format!("{}, a sentence of a note", note.set.name);
            sets.push(asked(name, Cow::Owned(all.iter().filter_map(middle_sentence).collect())));
        }
        for other in
            one_to_one.iter().filter(|other| other.language != note.language && wanted(&other.set.split))
        {
            let name = format!("{}, with notes in {}", other.set.name, note.language);
            sets.push(asked(name, Cow::Borrowed(&other.set.questions)));
        }
        let papers = with_notes(collection, &all.iter().collect::<Vec<_>>());
        trials.push(Trial { papers, sets });
    }
    if related && !notes.is_empty() {
        let all: Vec<&Question> = one_to_one.iter().flat_map(|set| &set.set.questions).collect();
        let name = format!("{} related, with notes", collection.name);
        let sets = vec![Asked { name, what: What::Related(&collection.related) }];
        trials.push(Trial { papers: with_notes(collection, &all), sets });
    }
    trials.retain(|trial| !trial.sets.is_empty());
    trials
}

/// The questions of the sets that are what somebody wrote about the papers.
pub(super) fn commentaries(collection: &Collection) -> Vec<&Question> {
    let sets: Vec<OneToOne<'_>> =
        collection.sets.iter().filter_map(|set| OneToOne::of(collection, set)).collect();
    if !sets.iter().any(OneToOne::is_foreign) {
        return Vec::new();
    }
    sets.iter().flat_map(|set| &set.set.questions).collect()
}

/// A set in which question and paper go together, one to one.
struct OneToOne<'c> {
    set: &'c QuestionSet,
    language: Language,
    of_abstracts: Language,
}

impl<'c> OneToOne<'c> {
    fn of(collection: &Collection, set: &'c QuestionSet) -> Option<Self> {
        let papers: HashMap<&str, &Paper> =
            collection.ids.iter().map(String::as_str).zip(&collection.papers).collect();
        let mut seen = HashSet::new();
        let mut abstracts = Vec::new();
        for question in &set.questions {
            let paper = papers.get(paper_of(question)?)?;
            seen.insert(paper_of(question)?).then_some(())?;
            abstracts.extend(paper.abstract_text.as_deref().map(Language::of));
        }
        (!set.slice).then_some(())?;
        Some(Self {
            set,
            language: most(set.questions.iter().map(|question| Language::of(&question.text)))?,
            of_abstracts: most(abstracts.into_iter())?,
        })
    }

    fn is_foreign(&self) -> bool {
        self.language != self.of_abstracts
    }
}

/// The one paper that is relevant.
fn paper_of(question: &Question) -> Option<&str> {
    let mut relevant = question.judged.iter().filter(|(_, grade)| **grade > 0.0).map(|(id, _)| id.as_str());
    relevant.next().filter(|_| relevant.next().is_none())
}

fn most(languages: impl Iterator<Item = Language>) -> Option<Language> {
    let mut counts: BTreeMap<Language, usize> = BTreeMap::new();
    for language in languages {
        *counts.entry(language).or_default() += 1;
    }
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map(|(language, _)| language)
}

/// Those whose notes stay in the library, and those that are asked.
fn halves(questions: &[Question]) -> (Vec<&Question>, Vec<&Question>) {
    let mut ordered: Vec<&Question> = questions.iter().collect();
    ordered.sort_by_key(|question| Sha256::digest(question.id.as_bytes()).to_vec());
    let asked = ordered.split_off(questions.len() / 2);
    (ordered, asked)
}

fn with_notes<'c>(collection: &Collection, notes: &[&Question]) -> Cow<'c, [Paper]> {
    let position: HashMap<&str, usize> =
        collection.ids.iter().enumerate().map(|(at, id)| (id.as_str(), at)).collect();
    let mut papers = collection.papers.clone();
    for note in notes {
        let paper = paper_of(note).and_then(|id| position.get(id)).and_then(|at| papers.get_mut(*at));
        if let Some(paper) = paper {
            let commentary = Commentary { language: Language::of(&note.text), text: note.text.clone() };
            paper.commentaries.push(Note { commentary, date: None, file: String::new() });
        }
    }
    Cow::Owned(papers)
}

/// The middle one of the sentences; `None` of a note that has but one.
fn middle_sentence(question: &Question) -> Option<Question> {
    let sentences: Vec<&str> = question
        .text
        .unicode_sentences()
        .map(str::trim)
        .filter(|sentence| letters_and_digits(sentence) >= SHORTEST_SENTENCE)
        .collect();
    let middle = sentences.get(sentences.len() / 2).filter(|_| sentences.len() > 1)?;
    Some(Question { text: (*middle).to_owned(), ..question.clone() })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::paper::Record;

    const KOREAN: &str = "이 논문은 희소 어텐션을 다룹니다. 번째 실험에서 성능이 아주 좋아졌다고 합니다. 그래도 더 큰 모델에서는 궁금하네요.";

    /// Twelve English papers, each with a note in Korean and every second in English, and one related pair.
    pub(in crate::eval) fn collection() -> Collection {
        let paper = |at: usize| {
            let record = Record {
                title: format!("Paper number {at}"),
                abstract_text: Some(format!(
                    "We study the sparse attention of models, part {at}, in English words."
                )),
                ..Record::default()
            };
            Paper::merge(&[record], false).unwrap()
        };
        let question = |language: &str, at: usize, text: String| Question {
            id: format!("{language}:{at}"),
            text,
            judged: [(at.to_string(), 1.0)].into(),
        };
        let set = |split: &str, questions| QuestionSet {
            name: format!("c/{split}"),
            split: split.into(),
            slice: false,
            questions,
        };
        let korean = (0..12).map(|at| question("ko", at, format!("{at} {KOREAN}"))).collect();
        let english =
            (0..6).map(|at| question("en", 2 * at, format!("They make attention sparse, {at}."))).collect();
        Collection {
            name: "c".into(),
            papers: (0..12).map(paper).collect(),
            ids: (0..12).map(|at: usize| at.to_string()).collect(),
            sets: vec![set("en", english), set("ko", korean)],
            related: [
                ("1".to_owned(), [("2".to_owned(), 1.0)].into()),
                ("2".to_owned(), [("1".to_owned(), 1.0)].into()),
            ]
            .into(),
        }
    }

    fn questions<'t>(trials: &'t [Trial<'_>], name: &str) -> (&'t [Paper], &'t [Question]) {
        let found = trials.iter().find_map(|trial| {
            let set = trial.sets.iter().find(|set| set.name == name)?;
            let What::Questions(questions) = &set.what else { return None };
            Some((trial.papers.as_ref(), questions.as_ref()))
        });
        found.unwrap()
    }

    fn notes(papers: &[Paper]) -> Vec<&str> {
        papers
            .iter()
            .flat_map(|paper| &paper.commentaries)
            .map(|note| note.commentary.text.as_str())
            .collect()
    }

    #[test]
    fn in_the_mixed_library_no_question_is_there_and_no_asked_paper_has_a_note() {
        let collection = collection();
        let trials = trials(&collection, &[]);
        let (papers, asked) = questions(&trials, "c/ko, mixed languages");
        let notes = notes(papers);
        assert_eq!((notes.len(), asked.len()), (6, 6));
        for question in asked {
            assert!(!notes.contains(&question.text.as_str()), "{}", question.id);
            let at: usize = paper_of(question).unwrap().parse().unwrap();
            assert!(papers[at].commentaries.is_empty(), "{}", question.id);
        }
        assert!(papers.iter().all(|paper| paper.abstract_text.is_some()));
    }

    #[test]
    fn each_protocol_has_its_library() {
        let collection = collection();
        let trials = trials(&collection, &[]);
        let names: Vec<&str> =
            trials.iter().flat_map(|trial| &trial.sets).map(|set| set.name.as_str()).collect();
        let want = [
            "c/en",
            "c/ko",
            "c related",
            "c/ko, mixed languages",
            "c/ko, a sentence of a note",
            "c/en, with notes in ko",
            "c related, with notes",
        ];
        assert_eq!(names, want);
        let (papers, asked) = questions(&trials, "c/ko, a sentence of a note");
        assert_eq!((notes(papers).len(), asked.len()), (12, 12));
        assert_eq!(asked[3].text, "번째 실험에서 성능이 아주 좋아졌다고 합니다.");
        let (papers, asked) = questions(&trials, "c/en, with notes in ko");
        assert_eq!((notes(papers).len(), asked.len()), (12, 6));
        assert_eq!(notes(&trials.last().unwrap().papers).len(), 18, "in both languages");
        assert_eq!(notes(&trials[0].papers).len(), 0);
    }

    #[test]
    fn only_what_was_chosen_is_asked_and_only_notes_make_protocols() {
        let mut collection = collection();
        let names = |collection: &Collection, split: &str| -> Vec<String> {
            trials(collection, &[split.to_owned()])
                .into_iter()
                .flat_map(|trial| trial.sets)
                .map(|set| set.name)
                .collect()
        };
        assert_eq!(names(&collection, "en"), ["c/en", "c/en, with notes in ko"]);
        assert_eq!(names(&collection, "related"), ["c related", "c related, with notes"]);
        assert_eq!(commentaries(&collection).len(), 18);
        // A second relevant paper: these are questions, not notes.
        collection.sets[1].questions[0].judged.insert("9".into(), 1.0);
        assert_eq!(names(&collection, "ko"), ["c/ko"]);
        assert_eq!(names(&collection, "related"), ["c related"]);
        assert!(commentaries(&collection).is_empty());
    }
}
