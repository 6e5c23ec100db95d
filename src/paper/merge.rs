//! Records of one work, merged into the paper that answers show.

use std::borrow::Cow;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::identity::second_title_id;
use super::{
    Commentary, Language, Mention, PaperId, Record, normalise, normalised_title, single_line, unicode_of,
};

/// A text in the merged paper: what was written, where, when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Text and language.
    #[serde(flatten)]
    pub commentary: Commentary,
    /// The date of its source.
    pub date: Option<Date>,
    /// The file it stands in.
    pub file: String,
}

impl Note {
    fn of(record: &Record, language: Language, text: String) -> Self {
        Self {
            commentary: Commentary { language, text },
            date: record.date,
            file: record.source.file.clone(),
        }
    }
}

/// One work, from all that its sources say. Records keep LaTeX as it came; here it is shown as Unicode, so that people read
/// it, the model embeds it and offsets count it in one and the same form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paper {
    /// The best name known.
    pub id: PaperId,
    /// Its other names; they answer too.
    pub aliases: Vec<PaperId>,
    /// The title.
    pub title: String,
    /// Authors in order.
    pub authors: Vec<String>,
    /// The abstract: the newest version's, else that of the first source that has one.
    #[serde(rename = "abstract")]
    pub abstract_text: Option<String>,
    /// What other sources give as the abstract: older versions, translations.
    pub other_abstracts: Vec<Note>,
    /// The earliest date that a source gives.
    pub date: Option<Date>,
    /// Tags of all sources, each once.
    pub tags: Vec<String>,
    /// Languages of abstract and commentaries, each once.
    pub langs: Vec<Language>,
    /// Where it can be read.
    pub url: Option<String>,
    /// Where it was published.
    pub venue: Option<String>,
    /// Code repositories.
    pub repositories: Vec<String>,
    /// What was written about it.
    pub commentaries: Vec<Note>,
    /// Links from its commentaries to other papers.
    pub mentions: Vec<Mention>,
}

impl Paper {
    /// Merges `records`, in the order in which they came, of one work. `title_taken`: the title's hash names
    /// another work already. `None` if there are no records.
    #[must_use]
    pub fn merge(records: &[Record], title_taken: bool) -> Option<Self> {
        let first = records.first()?;
        // A source with the abstract spells the title as the paper does; a headline in capitals does not.
        let newest = newest_text(records);
        let named = newest
            .or_else(|| records.iter().find(|record| record.title.chars().any(char::is_lowercase)))
            .unwrap_or(first);
        let mut names: Vec<PaperId> = records.iter().flat_map(|record| record.ids.iter().cloned()).collect();
        names.sort();
        let own_names = records.iter().map(|record| {
            if title_taken { second_title_id(record) } else { PaperId::of_title(&record.title) }
        });
        names.extend(own_names);
        let mut aliases: Vec<PaperId> = Vec::new();
        unite(&mut aliases, names);
        let id = aliases.remove(0);

        let mut paper = Self {
            url: records.iter().find_map(|record| record.url.clone()).or_else(|| id.url()),
            id,
            aliases,
            title: single_line(&unicode_of(&named.title)),
            authors: std::iter::once(named)
                .chain(records)
                .map(|record| record.authors.clone())
                .find(|authors| !authors.is_empty())
                .unwrap_or_default(),
            abstract_text: newest.and_then(|record| record.abstract_text.as_deref()).map(shown),
            other_abstracts: Vec::new(),
            venue: records.iter().find_map(|record| record.venue.clone()),
            date: records.iter().filter_map(|record| record.date).min_by_key(|date| exactness(*date)),
            tags: Vec::new(),
            langs: Vec::new(),
            repositories: Vec::new(),
            commentaries: Vec::new(),
            mentions: Vec::new(),
        };
        for record in records {
            unite(&mut paper.tags, record.tags.iter().cloned());
            unite(&mut paper.repositories, record.repositories.iter().cloned());
            unite(&mut paper.mentions, record.mentions.iter().cloned());
            // The one that is shown is not compared with itself, which is dear where it holds LaTeX.
            let is_shown = newest.is_some_and(|newest| std::ptr::eq(newest, record));
            if let Some(text) = record.abstract_text.as_ref().filter(|_| !is_shown) {
                let known = paper
                    .abstract_text
                    .iter()
                    .chain(paper.other_abstracts.iter().map(|note| &note.commentary.text));
                if !known.into_iter().any(|known| same_text(known, text)) {
                    let text = shown(text);
                    paper.other_abstracts.push(Note::of(record, Language::of(&text), text));
                }
            }
            for commentary in &record.commentaries {
                // The same commentary from a vault and from its digest is one commentary.
                let known =
                    paper.commentaries.iter().any(|note| same_text(&note.commentary.text, &commentary.text));
                if !known {
                    paper.commentaries.push(Note::of(record, commentary.language, shown(&commentary.text)));
                }
            }
        }
        let own: Vec<PaperId> = paper.names().cloned().collect();
        paper.mentions.retain(|mention| !matches!(mention, Mention::Paper(id) if own.contains(id)));
        let languages = paper
            .abstract_text
            .iter()
            .map(|text| Language::of(text))
            .chain(
                paper.other_abstracts.iter().chain(&paper.commentaries).map(|note| note.commentary.language),
            )
            .collect::<Vec<_>>();
        unite(&mut paper.langs, languages);
        Some(paper)
    }

    /// Its id and its aliases.
    pub fn names(&self) -> impl Iterator<Item = &PaperId> {
        std::iter::once(&self.id).chain(&self.aliases)
    }
}

/// The record of the latest version that has an abstract; among equals the first.
fn newest_text(records: &[Record]) -> Option<&Record> {
    let with_text = records.iter().filter(|record| record.abstract_text.is_some());
    with_text.reduce(|best, record| {
        if (record.version, record.updated) > (best.version, best.updated) { record } else { best }
    })
}

/// The text as people read it; formulas may leave space at the ends of lines.
fn shown(text: &str) -> String {
    match unicode_of(text) {
        Cow::Borrowed(text) => text.to_owned(),
        Cow::Owned(text) => normalise(&text),
    }
}

/// Orders dates by time, but for the first of January or of a month, which may stand for a year or a month that is all
/// that a source says: behind those of the same year or month.
fn exactness(date: Date) -> (i16, i8, i8) {
    match (date.month(), date.day()) {
        (1, 1) => (date.year(), 13, 1),
        (month, 1) => (date.year(), month, 32),
        (month, day) => (date.year(), month, day),
    }
}

fn same_text(left: &str, right: &str) -> bool {
    left == right || normalised_title(left) == normalised_title(right)
}

/// Appends what is not there yet.
pub(super) fn unite<T: PartialEq>(into: &mut Vec<T>, more: impl IntoIterator<Item = T>) {
    for value in more {
        if !into.contains(&value) {
            into.push(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paper::Source;

    #[test]
    fn a_digest_and_an_article_make_one_paper() {
        let digest = Record {
            source: Source { file: "digest.txt".into(), line: 20, slot: "x".into() },
            title: "LLaVA-MoD: Making LLaVA Tiny via MoE Knowledge Distillation".into(),
            authors: vec!["Fangxun Shu".into()],
            abstract_text: Some("We introduce LLaVA-MoD.".into()),
            commentaries: vec![Commentary { language: Language::KOREAN, text: "증류 연구".into() }],
            tags: vec!["moe".into()],
            mentions: vec![Mention::Paper("2408.15881".parse().unwrap())],
            ..Record::default()
        };
        let article = Record {
            source: Source { file: "article.txt".into(), line: 1, slot: String::new() },
            ids: vec!["2408.15881".parse().unwrap()],
            title: "LLAVA-MOD: MAKING LLAVA TINY VIA MOEKNOWLEDGE DISTILLATION".into(),
            commentaries: vec![Commentary { language: Language::CHINESE, text: "简介".into() }],
            tags: vec!["moe".into()],
            ..Record::default()
        };
        let paper = Paper::merge(&[digest.clone(), article.clone()], false).unwrap();
        assert_eq!(paper.id.to_string(), "arxiv:2408.15881");
        assert_eq!(paper.aliases, [PaperId::of_title(&digest.title)]);
        assert_eq!(paper.title, digest.title);
        assert_eq!(paper.langs, [Language::ENGLISH, Language::KOREAN, Language::CHINESE]);
        assert_eq!(paper.tags, ["moe"]);
        assert!(paper.mentions.is_empty(), "a paper does not mention itself");
        assert_eq!(
            Paper::merge(&[article, digest], false).unwrap().title,
            paper.title,
            "the order does not matter"
        );
    }

    #[test]
    fn latex_is_shown_and_the_record_keeps_it() {
        let record = Record {
            title: r"$\beta$-VAE에 대한 연구".into(),
            abstract_text: Some(r"Skills are \textit{transferred}, $1.5\times$ faster.".into()),
            commentaries: vec![Commentary {
                language: Language::CHINESE,
                text: r"快了 $20\times$ 倍".into(),
            }],
            ..Record::default()
        };
        let shown = Record {
            title: "β-VAE에 대한 연구".into(),
            abstract_text: Some("Skills are transferred, 1.5× faster.".into()),
            commentaries: vec![Commentary { language: Language::CHINESE, text: "快了 20× 倍".into() }],
            ..Record::default()
        };
        let paper = Paper::merge(std::slice::from_ref(&record), false).unwrap();
        assert_eq!(
            paper,
            Paper::merge(std::slice::from_ref(&shown), false).unwrap(),
            "one title, one id, one text"
        );
        assert_eq!(paper, Paper::merge(&[record, shown], false).unwrap(), "and one text of two sources");
        let passages = crate::paper::passages_of(&paper, 40, |text| text.chars().count());
        let texts: Vec<&str> = passages.iter().map(|passage| passage.text(&paper).unwrap()).collect();
        assert!(texts.contains(&"快了 20× 倍"), "{texts:?}");
    }
}
