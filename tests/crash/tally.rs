//! What was given, what was acknowledged and what is there, compared paper by paper.
//!
//! Counted as in the crash tests of vector databases: *lost* (acknowledged, or seen before, and now absent or older),
//! *phantom* (never given), *duplicate* (given once, there twice), *malformed* (there, with other words than were given, or
//! refused by the store's own check). What was under way at the kill may be either way and is counted apart.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use paperkin::paper::{Record, Source, unicode_of};
use paperkin::store::{Store, StoreError, Writer};

use super::papers::Papers;
use super::run::Said;

/// Sums over all rounds.
#[derive(Debug, Default)]
pub struct Tally {
    pub kills: usize,
    pub acknowledged: usize,
    pub in_flight: usize,
    pub lost: usize,
    pub phantom: usize,
    pub duplicate: usize,
    pub malformed: usize,
    /// The longest that opening the store after a kill has taken.
    pub slowest_opening: Duration,
    /// The first of what went wrong, in words.
    pub examples: Vec<String>,
    /// The version of each paper that the store held when it was last looked at.
    stored: HashMap<usize, u32>,
}

impl Tally {
    /// Looks at the library after an ingest of `papers` that said `said`.
    pub fn look(&mut self, library: &Path, papers: &Papers, said: &Said) {
        self.kills += usize::from(said.was_killed() || said.died());
        self.acknowledged += said.acknowledged.len();
        let begin = Instant::now();
        let store = match Store::open(library) {
            Ok(store) => store,
            Err(StoreError::Missing(_)) => {
                self.lost += said.acknowledged.len() + self.stored.len();
                return;
            }
            Err(error) => panic!("a kill must not damage the store: {error}"),
        };
        self.slowest_opening = self.slowest_opening.max(begin.elapsed());

        let now = self.versions_in(&store, papers);
        drop(store);
        let mut acknowledged = vec![false; papers.len()];
        for line in &said.acknowledged {
            match papers.at(&line.file, line.line) {
                Some(paper) if papers.record(paper, 1).ids[0].to_string() == line.id => {
                    acknowledged[paper] = true;
                }
                _ => {
                    self.malformed += 1;
                    self.example(format!("{}:{} was acknowledged as {}", line.file, line.line, line.id));
                }
            }
        }
        for (paper, acknowledged) in acknowledged.into_iter().enumerate() {
            let before = self.stored.get(&paper).copied().unwrap_or(0);
            let given = papers.version(paper);
            let after = now.get(&paper).copied().unwrap_or(0);
            let wanted = if acknowledged { given } else { before };
            if after < wanted {
                self.lost += 1;
                self.example(format!("paper {paper}: version {wanted} is gone, {after} is there"));
            }
            self.in_flight += usize::from(!acknowledged && after > before);
        }
        self.stored = now;
    }

    /// The store's own check, which reads every page, value and rule.
    pub fn check(&mut self, library: &Path) {
        let findings = match Writer::check_library(library) {
            Err(StoreError::Missing(_)) => return,
            findings => findings.unwrap(),
        };
        for finding in findings {
            self.malformed += 1;
            self.example(finding.what);
        }
    }

    /// Whether the store holds every paper as it was given last.
    pub fn is_complete(&self, papers: &Papers) -> bool {
        (0..papers.len()).all(|paper| self.stored.get(&paper) == Some(&papers.version(paper)))
    }

    /// The one line, and the verdict.
    pub fn conclude(&self, name: &str) {
        println!(
            "{name}: {} kills, {} acknowledged, {} lost, {} phantom, {} duplicate, {} malformed; {} in flight, opened after {:?} at most",
            self.kills,
            self.acknowledged,
            self.lost,
            self.phantom,
            self.duplicate,
            self.malformed,
            self.in_flight,
            self.slowest_opening
        );
        let wrong = self.lost + self.phantom + self.duplicate + self.malformed;
        assert_eq!(wrong, 0, "for example:\n{}", self.examples.join("\n"));
    }

    /// Which version of each paper is there.
    fn versions_in(&mut self, store: &Store, papers: &Papers) -> HashMap<usize, u32> {
        let mut versions = HashMap::new();
        let snapshot = store.snapshot().unwrap();
        let mut numbers = Vec::new();
        snapshot.visit_papers(|number, paper| numbers.push((number, paper))).unwrap();
        for (number, merged) in numbers {
            let records = snapshot.records(number).unwrap();
            let Some(given) = merged.names().find_map(|name| papers.with_id(name)) else {
                self.phantom += 1;
                self.example(format!("nobody gave {}", merged.id));
                continue;
            };
            self.duplicate += records.len().saturating_sub(1);
            for record in &records {
                match self.version_of(papers, given, record) {
                    Some(version) if merged.abstract_text == record.abstract_text.as_deref().map(shown) => {
                        if versions.insert(given, version).is_some() {
                            self.duplicate += 1;
                            self.example(format!("{} is there twice", merged.id));
                        }
                    }
                    _ => {
                        self.malformed += 1;
                        self.example(format!("{} is not as it was given: {record:?}", merged.id));
                    }
                }
            }
        }
        versions
    }

    /// The version of the paper that `record` is, word by word: the one seen before or the one given now.
    fn version_of(&self, papers: &Papers, paper: usize, record: &Record) -> Option<u32> {
        let before = self.stored.get(&paper).copied();
        let bare = Record { source: Source::default(), ..record.clone() };
        let at_its_place = papers.at(&record.source.file, record.source.line) == Some(paper);
        [Some(papers.version(paper)), before]
            .into_iter()
            .flatten()
            .find(|version| at_its_place && *version > 0 && papers.record(paper, *version) == bare)
    }

    fn example(&mut self, text: String) {
        if self.examples.len() < 10 {
            self.examples.push(text);
        }
    }
}

/// As a paper shows what its source writes in LaTeX.
fn shown(text: &str) -> String {
    unicode_of(text).into_owned()
}
