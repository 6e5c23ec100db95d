//! A hit as a page shows it: what was found, by which of its words and sentences, and why, in the reader's language.

use super::address::{Said, address};
use super::view::{LinkView, code, links_of, name_of};
use super::words::Words;
use crate::paper::{Language, PaperId, PassageKind};
use crate::search::{Hit, Marks, Place, Tie};

/// The authors that stand in a list; the paper's own page has them all.
const AUTHORS_SHOWN: usize = 3;
/// From so near in meaning on a paper would be found without a word of the question: what has nothing to do with it comes to 0.1.
const BY_MEANING: f32 = 0.15;

/// One hit.
pub(super) struct HitView {
    /// As links and scripts name it.
    pub(super) key: String,
    /// None where it is the hash of a title, which tells a reader nothing.
    pub(super) id: Option<PaperId>,
    pub(super) title: Vec<Piece>,
    /// The title as it is.
    pub(super) name: String,
    pub(super) title_lang: String,
    pub(super) href: String,
    pub(super) related: String,
    /// Where papers steer a list: the same list with this paper as one to be like, and to be unlike.
    pub(super) steer: Option<(String, String)>,
    pub(super) links: Vec<LinkView>,
    pub(super) authors: Option<String>,
    pub(super) date: Option<String>,
    pub(super) tags: Vec<TagView>,
    /// None where papers are only listed.
    pub(super) score: Option<ScoreView>,
    /// Empty where papers are only listed, or relate without a question.
    pub(super) found_by: &'static str,
    pub(super) kind: &'static str,
    pub(super) lang: String,
    pub(super) lang_name: String,
    pub(super) matched: String,
    pub(super) text: Vec<Piece>,
    pub(super) why: Vec<String>,
    pub(super) tie: Option<TieView>,
}

/// How well a hit answers.
pub(super) struct ScoreView {
    pub(super) percent: u8,
    pub(super) told: String,
}

/// A tag, and where its papers are.
pub(super) struct TagView {
    pub(super) tag: String,
    pub(super) href: String,
}

impl TagView {
    pub(super) fn all(tags: &[String]) -> Vec<Self> {
        let tag = |tag: &String| Self { tag: tag.clone(), href: address("/", [("tag", tag)]) };
        tags.iter().map(tag).collect()
    }
}

/// A piece of a text, marked or not.
#[derive(Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) is_word: bool,
    pub(super) is_in_sentence: bool,
}

/// A pair of sentences.
pub(super) struct TieView {
    pub(super) asked: String,
    pub(super) asked_lang: String,
    pub(super) found: String,
    pub(super) found_lang: String,
}

impl From<&Tie> for TieView {
    fn from(tie: &Tie) -> Self {
        Self {
            asked: tie.asked.text.clone(),
            asked_lang: code(tie.asked.lang),
            found: tie.found.text.clone(),
            found_lang: code(tie.found.lang),
        }
    }
}

impl HitView {
    /// `hit`, of an answer to what `said` asks.
    pub(super) fn new(hit: &Hit, words: &Words, said: &Said) -> Self {
        let paper = &hit.paper;
        let key = paper.id.to_string();
        let steers = said.first("related").is_some();
        // Of papers that are like a paper every second word is marked, which says nothing.
        let asks = said.first("q").is_some();
        let marks = if asks { hit.marks.clone() } else { Marks::default() };
        let percent = (hit.score.clamp(0.0, 1.0) * 100.0).round() as u8;
        let lang_name = name_of(hit.matched.lang);
        let kind = match hit.matched.passage {
            PassageKind::Title => words.title_kind,
            PassageKind::Abstract => words.abstract_kind,
            PassageKind::Commentary => words.commentary_kind,
        };
        Self {
            id: paper.id.is_registered().then(|| paper.id.clone()),
            title: pieces(&paper.title, &marks.title, None),
            name: paper.title.clone(),
            title_lang: code(Language::of(&paper.title)),
            href: address("/paper", [("id", &key)]),
            related: address("/", [("related", &key)]),
            steer: steers.then(|| (said.with("related", &key), said.with("unlike", &key))),
            links: links_of(&paper.id, paper.url.as_ref(), &[], words),
            authors: authors(&paper.authors),
            date: paper.date.map(|date| date.to_string()),
            tags: TagView::all(&paper.tags),
            score: Some(ScoreView {
                percent,
                told: (words.score)(percent, &format!("{:.3}", hit.similarity)),
            }),
            found_by: if asks { found_by(hit, words) } else { "" },
            kind,
            lang: code(hit.matched.lang),
            matched: (words.matched)(kind, &lang_name),
            lang_name,
            text: pieces(&hit.matched.text, &marks.passage, marks.sentence),
            why: why(hit, words),
            tie: hit.why.tie.as_ref().map(TieView::from),
            key,
        }
    }

    /// Without a score, which papers that are only listed do not have.
    pub(super) fn listed(self) -> Self {
        Self { score: None, found_by: "", ..self }
    }
}

/// What found it: its meaning, its words, or both.
fn found_by(hit: &Hit, words: &Words) -> &'static str {
    let by_words = !hit.why.words.is_empty() || !hit.why.in_english.is_empty();
    match (hit.why.signals.meaning >= BY_MEANING, by_words) {
        (true, true) => words.by_both,
        (false, true) => words.by_words,
        (_, false) => words.by_meaning,
    }
}

/// `text` in pieces: between and within `words` and the `sentence`.
fn pieces(text: &str, words: &[Place], sentence: Option<Place>) -> Vec<Piece> {
    let mut cuts: Vec<usize> =
        words.iter().chain(&sentence).flat_map(|place| [place.start, place.end]).collect();
    cuts.push(usize::MAX);
    cuts.sort_unstable();
    cuts.dedup();
    let mut pieces = Vec::new();
    let (mut rest, mut at) = (text, 0);
    for cut in cuts {
        let bytes = rest.char_indices().nth(cut - at).map_or(rest.len(), |(byte, _)| byte);
        let (piece, behind) = rest.split_at(bytes);
        let within = |place: &Place| place.start <= at && at < place.end;
        if !piece.is_empty() {
            pieces.push(Piece {
                text: piece.to_owned(),
                is_word: words.iter().any(within),
                is_in_sentence: sentence.is_some_and(|place| within(&place)),
            });
        }
        (rest, at) = (behind, cut);
    }
    pieces
}

fn why(hit: &Hit, words: &Words) -> Vec<String> {
    let mut why = Vec::new();
    if hit.why.named {
        why.push(words.named.to_owned());
    }
    why.extend(hit.why.glosses());
    if !hit.why.shared_tags.is_empty() {
        why.push((words.shares)(&hit.why.shared_tags.join(", ")));
    }
    for link in &hit.why.mentions {
        let this = |id: &PaperId| *id == hit.paper.id || hit.paper.aliases.contains(id);
        why.push(match (this(&link.from), this(&link.to)) {
            (true, _) => (words.mentions)(&link.to.to_string()),
            (_, true) => (words.is_mentioned_by)(&link.from.to_string()),
            _ => (words.mention)(&link.from.to_string(), &link.to.to_string()),
        });
    }
    why
}

/// The first authors of a list.
pub(super) fn authors(authors: &[String]) -> Option<String> {
    let shown = authors.get(..AUTHORS_SHOWN).unwrap_or(authors).join(", ");
    let more = if authors.len() > AUTHORS_SHOWN { " et al." } else { "" };
    (!shown.is_empty()).then(|| format!("{shown}{more}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_at_marks_and_nowhere_else() {
        let place = |start, end| Place { start, end };
        let shown = |text, words: &[Place], sentence| -> Vec<(String, bool, bool)> {
            let pieces = pieces(text, words, sentence).into_iter();
            pieces.map(|piece| (piece.text, piece.is_word, piece.is_in_sentence)).collect()
        };
        let piece = |text: &str, word, sentence| (text.to_owned(), word, sentence);
        assert_eq!(
            shown("하나 🦙 two. 셋째 문장", &[place(3, 4), place(10, 12)], Some(place(0, 9))),
            [
                piece("하나 ", false, true),
                piece("🦙", true, true),
                piece(" two.", false, true),
                piece(" ", false, false),
                piece("셋째", true, false),
                piece(" 문장", false, false),
            ]
        );
        assert_eq!(shown("없음", &[], None), [piece("없음", false, false)]);
        assert_eq!(shown("short", &[place(3, 90)], Some(place(50, 60))).len(), 2, "marks of another text");
        assert!(shown("", &[], None).is_empty());
    }

    #[test]
    fn three_authors_then_others() {
        let names = ["A", "B", "C", "D"].map(String::from);
        assert_eq!(authors(&names).as_deref(), Some("A, B, C et al."));
        assert_eq!(authors(&names[..3]).as_deref(), Some("A, B, C"));
        assert_eq!(authors(&[]), None);
    }
}
