//! The unit that is embedded: a chunk of title and abstract, or of a commentary.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Language, Paper, Span, chunk, code_points, telling_sentences};

/// So many sentences of a passage are embedded each by itself: an abstract has eight or so.
const MOST_SENTENCES: usize = 32;

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

impl TextHash {
    /// Of a text that is embedded.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut hash = [0; 16];
        hash.copy_from_slice(&Sha256::digest(text.as_bytes())[..16]);
        Self(hash)
    }
}

/// A passage: where it stands in its paper. Its text is a slice of the paper's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// Which text.
    pub kind: PassageKind,
    /// Which commentary, counted from 0; of abstracts, 0 is the paper's own, 1 the first of the others.
    pub ordinal: usize,
    /// The language of the passage.
    pub language: Language,
    /// First code point in the text.
    pub start: usize,
    /// One past the last code point.
    pub end: usize,
    /// Whether the title is embedded before it.
    pub titled: bool,
    /// Of the text that is embedded.
    pub hash: TextHash,
}

impl Passage {
    /// The text shown for the passage; `None` if `paper` is not the paper it was made from.
    #[must_use]
    pub fn text<'a>(&self, paper: &'a Paper) -> Option<&'a str> {
        let whole = match self.kind {
            PassageKind::Title => paper.title.as_str(),
            PassageKind::Abstract if self.ordinal == 0 => paper.abstract_text.as_deref()?,
            PassageKind::Abstract => &paper.other_abstracts.get(self.ordinal - 1)?.commentary.text,
            PassageKind::Commentary => paper.commentaries.get(self.ordinal)?.commentary.text.as_str(),
        };
        let byte = |point: usize| whole.char_indices().nth(point).map_or(whole.len(), |(at, _)| at);
        whole.get(byte(self.start)..byte(self.end))
    }

    /// The sentences of the passage that are embedded each by itself.
    #[must_use]
    pub fn sentences<'a>(&self, paper: &'a Paper) -> Vec<&'a str> {
        let Some(text) = self.text(paper) else { return Vec::new() };
        let telling = telling_sentences(text).into_iter().take(MOST_SENTENCES);
        telling.filter_map(|span| text.get(span)).collect()
    }

    /// The text that is embedded: an abstract's chunk stands behind its title, as the model was trained.
    #[must_use]
    pub fn embedded_text(&self, paper: &Paper) -> Option<String> {
        let shown = self.text(paper)?;
        Some(embedded(self.titled.then_some(&paper.title), shown))
    }
}

fn embedded(title: Option<&String>, shown: &str) -> String {
    title.map_or_else(|| shown.to_owned(), |title| format!("{title}\n{shown}"))
}

/// The passages of `paper`, each of at most `limit` by `measure` with all that is embedded, in order: abstract (or
/// title), commentaries.
pub fn passages_of(paper: &Paper, limit: usize, mut measure: impl FnMut(&str) -> usize) -> Vec<Passage> {
    let mut passages = Vec::new();
    let mut add = |kind, ordinal, titled: bool, whole: &str, spans: Vec<Span>| {
        for span in spans {
            let shown = &whole[span.clone()];
            passages.push(Passage {
                kind,
                ordinal,
                language: Language::of(shown),
                start: code_points(whole, span.start),
                end: code_points(whole, span.end),
                titled,
                hash: TextHash::of(&embedded(titled.then_some(&paper.title), shown)),
            });
        }
    };
    let title = measure(&paper.title);
    // A title of half a page would leave its abstract no room: then each stands for itself.
    let titled = title < limit / 2;
    if let Some(text) = &paper.abstract_text {
        // One more for the line break between them.
        let room = if titled { limit - title - 1 } else { limit };
        let spans = chunk(text, room, &mut measure);
        add(PassageKind::Abstract, 0, titled, text, spans);
        let language = Language::of(text);
        // A translation is another way to be found; an older version only counts twice.
        let translations =
            paper.other_abstracts.iter().enumerate().filter(|(_, note)| note.commentary.language != language);
        for (at, note) in translations {
            let spans = chunk(&note.commentary.text, limit, &mut measure);
            add(PassageKind::Abstract, at + 1, false, &note.commentary.text, spans);
        }
    }
    if !titled || paper.abstract_text.is_none() {
        let spans = chunk(&paper.title, limit, &mut measure);
        add(PassageKind::Title, 0, false, &paper.title, spans);
    }
    for (ordinal, note) in paper.commentaries.iter().enumerate() {
        let text = &note.commentary.text;
        let spans = chunk(text, limit, &mut measure);
        add(PassageKind::Commentary, ordinal, false, text, spans);
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

    #[test]
    fn nothing_embedded_is_over_the_limit_however_long_the_title() {
        for title in [0, 5, 9, 10, 11, 19, 20, 21, 60] {
            for text in [0, 5, 19, 20, 21, 100] {
                let record = Record {
                    title: "量".repeat(title),
                    abstract_text: (text > 0).then(|| "字。".repeat(text)),
                    ..Record::default()
                };
                let paper = Paper::merge(&[record], false).unwrap();
                let passages = passages_of(&paper, 20, |text| text.chars().count());
                let embedded: Vec<String> =
                    passages.iter().map(|passage| passage.embedded_text(&paper).unwrap()).collect();
                assert!(embedded.iter().all(|text| text.chars().count() <= 20), "{embedded:?}");
                let all: usize = embedded.iter().map(|text| text.matches('量').count()).max().unwrap_or(0);
                assert!(all >= title.min(20), "the title is embedded");
            }
        }
    }
}
