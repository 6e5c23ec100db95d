//! What sentences do to a ranking, where nothing else tells papers apart.

use super::super::question::Piece;
use super::*;
use crate::paper::{Record, passages_of};

fn vector(values: [f32; 4]) -> UnitVector {
    UnitVector::new(values.to_vec()).unwrap()
}

#[test]
fn of_two_papers_on_the_same_the_one_with_the_sentence_that_answers_is_first() {
    let paper = |title: &str| {
        let record = Record {
            title: title.into(),
            abstract_text: Some("One thing. Another thing.".into()),
            ..Record::default()
        };
        Paper::merge(&[record], false).unwrap()
    };
    let papers = [paper("Answers beside"), paper("Answers"), paper("Answers without sentences")];
    let whole = vector([1.0, 1.0, 1.0, 0.0]);
    let answer = vector([0.0, 0.0, 1.0, 0.0]);
    let sentences = [
        vec![vector([1.0, 0.0, 0.0, 0.0]), vector([0.0, 1.0, 0.0, 0.0])],
        vec![vector([1.0, 0.0, 0.0, 0.0]), answer.clone()],
        Vec::new(),
    ];
    let rows: Vec<_> = (0..)
        .map(PaperNumber)
        .zip(&papers)
        .zip(sentences)
        .map(|((number, paper), sentences)| {
            let passage = passages_of(paper, usize::MAX, |_| 0).remove(0);
            (number, passage, PassageVectors { whole: whole.clone(), sentences })
        })
        .collect();
    let ranker = Ranker::in_memory(&papers, &rows, &Centring::none(), 4).unwrap();
    let question = Question {
        text: "zzz".into(),
        pieces: vec![Piece { language: Language::ENGLISH, vector: vector([0.2, 0.2, 1.0, 0.0]) }],
        sentences: Vec::new(),
        glosses: Glosses::default(),
    };
    let first = |method| ranker.rank(&question, method, 3, &|_| true).unwrap()[0].paper.0;
    assert_eq!((first(Method::Shipped), first(Method::Dense)), (1, 0), "by the whole they are alike");
}
