//! One work is one paper and two works are two, through the real store: near misses stay apart, spellings meet, and fifty
//! papers in eleven formats are fifty papers in any order.

use std::collections::{BTreeMap, BTreeSet};

use paperkin::paper::{
    Evidence, Paper, PaperId, Passage, Record, Source, Verdict, doubt, passages_of, same_work,
};
use paperkin::store::Writer;

use crate::support::{Random, fifty};

fn cut(paper: &Paper) -> Vec<Passage> {
    passages_of(paper, 400, |text| text.chars().count())
}

/// `title | author; author | id id | repository | date`, all but the title as may be.
fn record(file: &str, line: &str) -> Record {
    let mut parts = line.split(" | ").map(str::trim);
    let mut next = || parts.next().unwrap_or_default();
    let list = |text: &str, by: char| -> Vec<String> {
        text.split(by).map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    Record {
        source: Source { file: file.into(), line: 1, slot: String::new() },
        title: next().into(),
        authors: list(next(), ';'),
        ids: list(next(), ' ').iter().map(|id| id.parse().unwrap()).collect(),
        repositories: list(next(), ' '),
        date: Some(next()).filter(|date| !date.is_empty()).map(|date| date.parse().unwrap()),
        ..Record::default()
    }
}

/// How many papers the two are, whichever comes first.
fn papers_of(left: &Record, right: &Record) -> u64 {
    let count = |records: Vec<Record>| {
        let library = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(library.path(), "test-model", 4).unwrap();
        writer.put(records, &cut).unwrap();
        writer.counts().unwrap().papers
    };
    let (one, other) = (count(vec![left.clone(), right.clone()]), count(vec![right.clone(), left.clone()]));
    assert_eq!(one, other, "the order decides: {} / {}", left.title, right.title);
    one
}

const LISTED: bool = true;
const CLEAR: bool = false;

/// Two works, and whether a person should be asked.
const NEAR_MISSES: [(&str, &str, bool); 52] = [
    // Numerals.
    ("Scaling Kinship, Part 1 | Ada Lovelace", "Scaling Kinship, Part 2 | Ada Lovelace", CLEAR),
    ("Scaling Kinship I | Ada Lovelace", "Scaling Kinship II | Ada Lovelace", CLEAR),
    ("Scaling Kinship | Ada Lovelace", "Scaling Kinship II | Ada Lovelace", CLEAR),
    ("Scaling Kinship: Part One | Ada Lovelace", "Scaling Kinship: Part Two | Ada Lovelace", CLEAR),
    ("Scaling Kinship. Volume A | Ada Lovelace", "Scaling Kinship. Volume B | Ada Lovelace", CLEAR),
    (
        "Llama 2: Open Models | Hugo Touvron |  | https://github.com/m/llama",
        "Llama 3: Open Models | Hugo Touvron |  | https://github.com/m/llama",
        CLEAR,
    ),
    ("GPT-4 Technical Report | OpenAI", "GPT-4V Technical Report | OpenAI", CLEAR),
    ("GPT-4 System Card | OpenAI", "GPT-4o System Card | OpenAI", CLEAR),
    ("Qwen2.5 Technical Report | An Yang", "Qwen2 Technical Report | An Yang", CLEAR),
    ("Qwen2-VL Technical Report | An Yang", "Qwen2.5-VL Technical Report | An Yang", CLEAR),
    (
        "EfficientNet: Rethinking Scaling | Mingxing Tan",
        "EfficientNetV2: Rethinking Scaling | Mingxing Tan",
        CLEAR,
    ),
    ("YOLOv8: Real-Time Detection | Glenn Jocher", "YOLOv9: Real-Time Detection | Glenn Jocher", CLEAR),
    ("The First Workshop on Kin | Ada Lovelace", "The Second Workshop on Kin | Ada Lovelace", CLEAR),
    (
        "Findings of the 2023 Shared Task | Ada Lovelace",
        "Findings of the 2024 Shared Task | Ada Lovelace",
        CLEAR,
    ),
    ("논문의 친족 관계 제1부 | 김민수", "논문의 친족 관계 제2부 | 김민수", CLEAR),
    ("논문의 친족 관계 (상) | 김민수", "논문의 친족 관계 (하) | 김민수", CLEAR),
    ("논문의 친족 관계 전편 | 김민수", "논문의 친족 관계 후편 | 김민수", CLEAR),
    ("论文的亲缘关系（上） | 王芳", "论文的亲缘关系（下） | 王芳", CLEAR),
    ("论文的亲缘关系之一 | 王芳", "论文的亲缘关系之二 | 王芳", CLEAR),
    ("论文的亲缘关系上篇 | 王芳", "论文的亲缘关系下篇 | 王芳", CLEAR),
    ("論文の近縁関係 前編 | 山田太郎", "論文の近縁関係 後編 | 山田太郎", CLEAR),
    ("論文の近縁関係 第1巻 | 山田太郎", "論文の近縁関係 第2巻 | 山田太郎", CLEAR),
    // Words that turn the meaning.
    ("Attention Is All You Need | Ashish Vaswani", "Attention Is Not All You Need | Yihe Dong", CLEAR),
    (
        "Attention Is All You Need | Ashish Vaswani",
        "Attention Is All You Need in Speech Separation | Cem Subakan",
        CLEAR,
    ),
    ("Kinship Is All You Need | Ada Lovelace", "Kinship Is Not All You Need | Ada Lovelace", CLEAR),
    ("Learning Kin with Labels | Ada Lovelace", "Learning Kin without Labels | Ada Lovelace", CLEAR),
    (
        "Supervised Learning of Kinship | Ada Lovelace",
        "Unsupervised Learning of Kinship | Ada Lovelace",
        LISTED,
    ),
    (
        "Masked Learners of Kinship in Images | Ada Lovelace",
        "Masked Learners of Kinship in Videos | Ada Lovelace",
        LISTED,
    ),
    ("基于深度学习的论文图像分类方法 | 王芳", "基于深度学习的论文视频分类方法 | 王芳", LISTED),
    ("그래프 신경망을 이용한 논문 검색 | 김민수", "그래프 신경망을 이용한 논문 추천 | 김민수", LISTED),
    // Writings about the work.
    ("The Kinship of Papers | Ada Lovelace", "Erratum: The Kinship of Papers | Ada Lovelace", CLEAR),
    (
        "The Kinship of Papers | Ada Lovelace",
        "Corrigendum to \"The Kinship of Papers\" | Ada Lovelace",
        CLEAR,
    ),
    ("The Kinship of Papers | Ada Lovelace", "Reply to: The Kinship of Papers | Ada Lovelace", CLEAR),
    ("The Kinship of Papers | Ada Lovelace", "Comment on \"The Kinship of Papers\" | Emmy Noether", CLEAR),
    (
        "The Kinship of Papers | Ada Lovelace",
        "Supplementary Material for The Kinship of Papers | Ada Lovelace",
        CLEAR,
    ),
    ("The Kinship of Papers | Ada Lovelace", "Retraction: The Kinship of Papers | Ada Lovelace", CLEAR),
    (
        "The Kinship of Papers | Ada Lovelace",
        "The Kinship of Papers (extended version) | Ada Lovelace",
        LISTED,
    ),
    (
        "The Kinship of Papers: A Survey | Ada Lovelace",
        "The Kinship of Papers: A Survey (Extended Abstract) | Ada Lovelace",
        LISTED,
    ),
    ("The Kinship of Papers | Ada Lovelace", "The Kinship of Papers (PhD thesis) | Ada Lovelace", LISTED),
    // One title, two works.
    ("The Kinship of Papers | Ada Lovelace", "The Kinship of Papers | Emmy Noether", LISTED),
    ("The Kinship of Papers | Wei Zhang", "The Kinship of Papers | Wei Liu", LISTED),
    ("The Kinship of Papers |  | 2101.00001", "The Kinship of Papers |  | 2202.00002", LISTED),
    (
        "The Kinship of Papers | Ada Lovelace | 10.1145/1.2",
        "The Kinship of Papers | Ada Lovelace | 10.1109/3.4",
        LISTED,
    ),
    ("Programming in C | Ada Lovelace", "Programming in C++ | Ada Lovelace", CLEAR),
    ("Editorial | Ada Lovelace", "Editorial | Emmy Noether", CLEAR),
    ("Editorial | Ada Lovelace |  |  | 2020-01-01", "Editorial | Ada Lovelace |  |  | 2021-01-01", LISTED),
    ("서문 | 김민수", "서문 | 이영희", CLEAR),
    ("Attention |  |  |  | 2014-01-01", "Attention |  |  |  | 2021-01-01", LISTED),
    // One repository, two works.
    (
        "LoRA on Graphs | Ada Lovelace |  | https://github.com/huggingface/transformers",
        "Speech without Labels | Emmy Noether |  | https://github.com/huggingface/transformers",
        CLEAR,
    ),
    (
        "A Loader of Graphs | Ada Lovelace |  | https://github.com/ada/kin",
        "What Papers Share | Ada Lovelace |  | https://github.com/ada/kin",
        LISTED,
    ),
    (
        "Kin: Finding Papers | Ada Lovelace |  | https://github.com/ada/kin",
        "Kin: Losing Papers Again and Again | Ada Lovelace |  | https://github.com/ada/kin",
        LISTED,
    ),
    (
        "Mistral of Experts | Albert Jiang |  | https://github.com/m/src",
        "Mixtral of Experts | Albert Jiang |  | https://github.com/m/src",
        LISTED,
    ),
];

#[test]
fn near_misses_stay_apart_and_a_person_is_asked_where_it_helps() {
    for (left, right, listed) in NEAR_MISSES {
        let (left, right) = (record("left", left), record("right", right));
        assert_eq!(same_work(&left, &right), Verdict::Different, "{} / {}", left.title, right.title);
        assert_eq!(papers_of(&left, &right), 2, "{} / {}", left.title, right.title);
        let reason = doubt(&left, &right);
        assert_eq!(reason.is_some(), listed, "{} / {}: {reason:?}", left.title, right.title);
        assert_eq!(doubt(&right, &left).is_some(), listed, "{} / {}", left.title, right.title);
    }
}

/// One work in two records. Titles in LaTeX belong here too, but readers undress them before this.
const ONE_WORK: [(&str, &str); 36] = [
    ("Kinship of Papers |  | 2408.15881", "Anything |  | 2408.15881v3"),
    ("Kinship of Papers |  | 2408.15881", "Anything |  | 10.48550/arXiv.2408.15881"),
    ("Kinship of Papers |  | 2408.15881", "Anything |  | https://arxiv.org/pdf/2408.15881v2.pdf"),
    ("Kinship of Papers |  | hep-ex/0307015", "Anything |  | https://arxiv.org/abs/hep-ex/0307015v1"),
    ("Kinship of Papers |  | cs/0112017", "Anything |  | cs.CL/0112017v1"),
    (
        "Kinship of Papers |  | 10.1145/3292500.3330701",
        "Anything |  | https://doi.org/10.1145/3292500.3330701",
    ),
    ("Kinship of Papers |  | 10.1002/ABC.123", "Anything |  | doi:10.1002/abc.123"),
    ("Kinship of Papers |  | 2408.15881 10.1145/1.2", "Anything | Emmy Noether | 10.1145/1.2"),
    ("Kinship of Papers", "KINSHIP OF PAPERS"),
    ("Kinship of Papers: A Study", "Kinship of papers - a study."),
    (
        "LLaVA-MoD: Making LLaVA Tiny via MoE Knowledge Distillation",
        "LLAVA-MOD: MAKING LLAVA TINY VIA MOEKNOWLEDGE DISTILLATION",
    ),
    ("Kinship of Papers", "Ｋｉｎｓｈｉｐ ｏｆ Ｐａｐｅｒｓ"),
    ("Efficient Kinship", "E\u{fb03}cient Kinship"),
    ("“Kinship” of Papers", "\"Kinship\" of Papers"),
    ("Kinship–of–Papers", "Kinship-of-Papers"),
    ("논문의 친족 관계", "논문의 친족관계"),
    ("논문의 친족 관계", "\u{1102}\u{1169}\u{11ab}\u{1106}\u{116e}\u{11ab}의 친족 관계"),
    ("论文的亲缘关系：一项研究", "论文的亲缘关系: 一项研究"),
    ("論文の近縁「調査」", "論文の近縁『調査』"),
    ("Kinship of Papers, Part II | Ada Lovelace", "Kinship of Papers - Part II | Lovelace, A."),
    ("Kinship of Papers | Ada Lovelace", "Kinship of Papers | Lovelace, Ada"),
    ("Kinship of Papers | Ada Lovelace", "Kinship of Papers | A. Lovelace; others"),
    ("Kinship of Papers | Ada Lovelace; Emmy Noether", "Kinship of Papers | Noether E; Lovelace A"),
    ("Kinship of Papers | Ahmet Üstün", "Kinship of Papers | Ustun, A."),
    ("Kinship of Papers | Minsu Kim", "Kinship of Papers | Kim Minsu"),
    ("Kinship of Papers | 김민수", "Kinship of Papers | Minsu Kim"),
    ("Kinship of Papers | 李 娜; 王 芳", "Kinship of Papers | 王芳; 李娜"),
    ("Announcing Kin 12B | Mistral AI", "Announcing Kin 12B | Albert Jiang"),
    ("Kinship of Papers | Ada Lovelace | 2408.15881", "Kinship of Papers | Ada Lovelace | 10.1145/1.2"),
    (
        "Kinship of Papers | Ada Lovelace | 10.21203/rs.3.rs-1/v1",
        "Kinship of Papers | Ada Lovelace | 10.21203/rs.3.rs-1/v2",
    ),
    ("Kinship of Papers | Ada Lovelace |  |  | 2019-05-01", "Kinship of Papers |  |  |  | 2024-10-01"),
    ("Editorial | Ada Lovelace |  |  | 2020-01-01", "Editorial | A. Lovelace |  |  | 2020-03-01"),
    // With the repository as evidence.
    (
        "Kin: Finding Papers | Ada Lovelace |  | https://github.com/ada/kin",
        "Kin |  |  | https://github.com/Ada/Kin.git",
    ),
    (
        "Multi-modal Kinship of Papers | Ada Lovelace |  | https://github.com/ada/kin",
        "The Multimodal Kinship of Paper | Lovelace, A. | 2408.15881 | https://github.com/ada/kin",
    ),
    (
        "Optimising Kinship | Ada Lovelace |  | https://github.com/ada/kin",
        "Optimizing Kinship | Ada Lovelace |  | https://github.com/ada/kin",
    ),
    (
        "논문의 근연: 한 연구 | 김민수 |  | https://github.com/ada/kin",
        "논문의 근연 | 김민수 |  | https://github.com/ada/kin",
    ),
];

#[test]
fn spellings_of_one_work_meet() {
    for (left, right) in ONE_WORK {
        let (left, right) = (record("left", left), record("right", right));
        let verdict = same_work(&left, &right);
        assert_eq!(verdict, same_work(&right, &left));
        match verdict {
            Verdict::Different => panic!("{} / {}", left.title, right.title),
            // The store must look papers up by repository for this: see store/put.rs.
            Verdict::Same(Evidence::Repository(_)) => {}
            Verdict::Same(_) => assert_eq!(papers_of(&left, &right), 1, "{} / {}", left.title, right.title),
        }
    }
}

/// The papers of a store after `records` came in this order: each id with the formats of its records.
fn stored(records: Vec<Record>) -> BTreeMap<PaperId, BTreeSet<String>> {
    let library = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(library.path(), "test-model", 4).unwrap();
    writer.put(records, &cut).unwrap();
    assert_eq!(writer.check().unwrap(), []);
    let mut numbers = Vec::new();
    writer.snapshot().unwrap().visit_papers(|number, paper| numbers.push((number, paper.id))).unwrap();
    let format = |record: &Record| {
        let file = record.source.file.replace('\\', "/");
        fifty::FORMATS.iter().find(|name| file.contains(&format!("/{name}."))).unwrap().to_string()
    };
    numbers
        .into_iter()
        .map(|(number, id)| (id, writer.records(number).unwrap().iter().map(format).collect()))
        .collect()
}

#[test]
fn fifty_papers_in_eleven_formats_are_fifty_in_any_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut records = Vec::new();
    for path in fifty::write(folder.path()) {
        let reader = paperkin::corpus::open(&path).unwrap_or_else(|error| panic!("{error}"));
        for record in reader {
            records.push(record.unwrap_or_else(|error| panic!("{error}")));
        }
    }
    let papers = fifty::papers();
    assert_eq!(papers.len(), 50);
    let expected: usize = papers.iter().map(|paper| paper.formats().len()).sum();
    assert_eq!(records.len(), expected);

    let first = stored(records.clone());
    let wanted: BTreeMap<PaperId, BTreeSet<String>> = papers
        .iter()
        .map(|paper| (paper.id(), paper.formats().iter().map(|name| (*name).to_owned()).collect()))
        .collect();
    assert_eq!(first, wanted);

    let mut random = Random::new(7);
    for _ in 0..20 {
        for at in (1..records.len()).rev() {
            let other = random.below(at as u64 + 1) as usize;
            records.swap(at, other);
        }
        assert_eq!(stored(records.clone()), wanted, "another order, other papers");
    }
}
