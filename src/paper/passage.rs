//! The unit that is embedded: a chunk of title and abstract, or of a commentary.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Language, Paper, Span, chunk, code_points};

/// Which text of the paper a passage is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PassageKind {
    /// The title alone, of a paper without abstract.
    Title,
    /// A chunk of the abstract; it is embedded behind the title.
    Abstract,
    /// A chunk of a commentary.
    Commentary,
}

impl PassageKind {
    /// As answers spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Abstract => "abstract",
            Self::Commentary => "commentary",
        }
    }
}

/// SHA-256, first 16 bytes, of what is embedded: equal hash, equal vector, no second embedding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TextHash(pub [u8; 16]);

/// A passage: where it stands in its paper. Its text is a slice of the paper's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// Which text.
    pub kind: PassageKind,
    /// Which commentary, counted from 0; 0 for the other kinds.
    pub ordinal: usize,
    /// The language of the passage.
    pub language: Language,
    /// First code point in the text.
    pub start: usize,
    /// One past the last code point.
    pub end: usize,
    /// Of the text that is embedded.
    pub hash: TextHash,
}

impl Passage {
    /// The text shown for the passage; `None` if `paper` is not the paper it was made from.
    #[must_use]
    pub fn text<'a>(&self, paper: &'a Paper) -> Option<&'a str> {
        let whole = match self.kind {
            PassageKind::Title => paper.title.as_str(),
            PassageKind::Abstract => paper.abstract_text.as_deref()?,
            PassageKind::Commentary => paper.commentaries.get(self.ordinal)?.commentary.text.as_str(),
        };
        let byte = |point: usize| whole.char_indices().nth(point).map_or(whole.len(), |(at, _)| at);
        whole.get(byte(self.start)..byte(self.end))
    }

    /// The text that is embedded: an abstract's chunk stands behind its title, as the model was trained.
    #[must_use]
    pub fn embedded_text(&self, paper: &Paper) -> Option<String> {
        let shown = self.text(paper)?;
        Some(embedded(self.kind, &paper.title, shown))
    }
}

fn embedded(kind: PassageKind, title: &str, shown: &str) -> String {
    match kind {
        PassageKind::Abstract => format!("{title}\n{shown}"),
        PassageKind::Title | PassageKind::Commentary => shown.to_owned(),
    }
}

/// The passages of `paper`, each of at most `limit` by `measure`, in order: abstract (or title), commentaries.
pub fn passages_of(paper: &Paper, limit: usize, mut measure: impl FnMut(&str) -> usize) -> Vec<Passage> {
    let mut passages = Vec::new();
    let mut add = |kind, ordinal, whole: &str, spans: Vec<Span>| {
        for span in spans {
            let shown = &whole[span.clone()];
            let digest = Sha256::digest(embedded(kind, &paper.title, shown).as_bytes());
            let mut hash = [0u8; 16];
            hash.copy_from_slice(&digest[..16]);
            passages.push(Passage {
                kind,
                ordinal,
                language: Language::of(shown),
                start: code_points(whole, span.start),
                end: code_points(whole, span.end),
                hash: TextHash(hash),
            });
        }
    };
    match &paper.abstract_text {
        Some(text) => {
            // A title of a page's length must not push the abstract out of its own passage.
            let room = limit.saturating_sub(measure(&paper.title)).max(limit / 2);
            add(PassageKind::Abstract, 0, text, chunk(text, room, &mut measure));
        }
        None => {
            let spans = chunk(&paper.title, limit, &mut measure);
            add(PassageKind::Title, 0, &paper.title, spans);
        }
    }
    for (ordinal, note) in paper.commentaries.iter().enumerate() {
        let text = &note.commentary.text;
        let spans = chunk(text, limit, &mut measure);
        add(PassageKind::Commentary, ordinal, text, spans);
    }
    passages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paper::{Commentary, Record};

    #[test]
    fn offsets_count_code_points_and_give_the_text_back() {
        let record = Record {
            title: "제목".into(),
            abstract_text: Some("🦙 One sentence. 两句话。세 번째 문장.".into()),
            commentaries: vec![Commentary {
                language: Language::KOREAN, text: "가나다. 라마바.".into()
            }],
            ..Record::default()
        };
        let paper = Paper::merge(&[record], false).unwrap();
        let passages = passages_of(&paper, 20, |text| text.chars().count());
        let texts: Vec<&str> = passages.iter().map(|passage| passage.text(&paper).unwrap()).collect();
        assert_eq!(texts, ["🦙 One sentence.", "两句话。세 번째 문장.", "가나다. 라마바."]);
        assert_eq!((passages[1].start, passages[1].end), (16, 28));
        assert_eq!(passages[0].embedded_text(&paper).unwrap(), "제목\n🦙 One sentence.");
    }
}
