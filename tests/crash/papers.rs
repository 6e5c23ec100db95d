//! Papers made from a seed, in files that change from round to round: what was given at any time is known exactly.

use std::path::{Path, PathBuf};

use paperkin::paper::{Commentary, Language, PaperId, Record};
use serde_json::json;

use crate::support::Random;

/// Papers of one file, one a line.
const PER_FILE: usize = 50;

const WORDS: [&[&str]; 3] = [
    &[
        "sparse",
        "attention",
        "gradient",
        "tokenizer",
        "$\\mathcal{O}(n^2)$",
        "retrieval",
        "lattice",
        "🦙 llama",
    ],
    &["희소", "어텐션이", "기울기를", "토크나이저는", "검색", "격자에서", "학습합니다", "빠르군요"],
    &["稀疏", "注意力机制", "梯度", "分词器", "检索", "晶格", "残差连接", "训练更快"],
];
const LANGUAGES: [Language; 3] = [Language::ENGLISH, Language::KOREAN, Language::CHINESE];

/// The files, and which version of each paper they hold now; version 0 is none at all.
pub struct Papers {
    seed: u64,
    folder: PathBuf,
    versions: Vec<u32>,
}

impl Papers {
    /// `count` papers to be written under `folder`; nothing is written yet.
    pub fn new(folder: &Path, seed: u64, count: usize) -> Self {
        Self { seed, folder: fs_err::canonicalize(folder).unwrap(), versions: vec![0; count] }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn len(&self) -> usize {
        self.versions.len()
    }

    /// The version of a paper that its file holds.
    pub fn version(&self, paper: usize) -> u32 {
        self.versions[paper]
    }

    /// The paper on line `line` of `file`.
    pub fn at(&self, file: &str, line: usize) -> Option<usize> {
        let name = file.strip_prefix(self.folder.to_str()?)?.strip_prefix('/')?;
        let number: usize = name.strip_suffix(".jsonl")?.parse().ok()?;
        Some(number * PER_FILE + line.checked_sub(1)?).filter(|paper| *paper < self.len())
    }

    /// The paper with this id, if any has it.
    pub fn with_id(&self, id: &PaperId) -> Option<usize> {
        let number = id.to_string().rsplit(['.', '/']).next()?.parse::<usize>().ok()?;
        let paper = number.checked_sub(1).filter(|paper| *paper < self.len())?;
        (self.id(paper) == *id).then_some(paper)
    }

    /// Gives each file a new version of all its papers, with a chance of one in `odds`, and writes it.
    pub fn revise(&mut self, random: &mut Random, odds: u64) {
        for (number, start) in (0..self.len()).step_by(PER_FILE).enumerate() {
            if random.below(odds) > 0 {
                continue;
            }
            let mut lines = String::new();
            for paper in start..(start + PER_FILE).min(self.len()) {
                self.versions[paper] += 1;
                lines.push_str(&self.line(paper, self.versions[paper]));
                lines.push('\n');
            }
            fs_err::write(self.folder.join(format!("{number:05}.jsonl")), lines).unwrap();
        }
    }

    /// What a sound store says of `paper` in its `version`; but for the place it was read at.
    pub fn record(&self, paper: usize, version: u32) -> Record {
        // The title stays: a paper is the same paper in its next version.
        let mut constant = Random::new(self.seed ^ (paper as u64) << 20);
        let title = format!(
            "{} {} no. {}",
            words(&mut constant, 0, 3),
            words(&mut constant, paper % 3, 4),
            paper + 1
        );
        let mut random = Random::new(self.seed ^ (paper as u64) << 20 ^ u64::from(version));
        let commentaries = LANGUAGES
            .iter()
            .enumerate()
            .skip(1)
            .map(|(language, name)| Commentary { language: *name, text: words(&mut random, language, 12) })
            .collect();
        Record {
            ids: vec![self.id(paper)],
            title,
            authors: vec!["Ada Lovelace".into(), format!("김민수{}", paper % 97)],
            abstract_text: Some(format!("Version {version}: {}.", words(&mut random, 0, 40))),
            date: format!("2024-01-{:02}", 1 + version % 28).parse().ok(),
            tags: vec![format!("round{version}")],
            commentaries,
            ..Record::default()
        }
    }

    fn id(&self, paper: usize) -> PaperId {
        let number = paper + 1;
        let text =
            if paper % 7 == 3 { format!("doi:10.5555/crash.{number}") } else { format!("2401.{number:05}") };
        text.parse().unwrap()
    }

    fn line(&self, paper: usize, version: u32) -> String {
        let told = self.record(paper, version);
        let commentary: Vec<_> = told
            .commentaries
            .iter()
            .map(|one| json!({"language": one.language.code(), "text": one.text}))
            .collect();
        json!({
            "id": told.ids[0], "title": told.title, "authors": told.authors, "abstract": told.abstract_text,
            "date": told.date, "tags": told.tags, "commentary": commentary,
        })
        .to_string()
    }
}

fn words(random: &mut Random, language: usize, count: usize) -> String {
    let list = WORDS[language];
    (0..count).map(|_| list[random.below(list.len() as u64) as usize]).collect::<Vec<_>>().join(" ")
}
