//! How near are two titles that are not equal? Nearness may merge only what differs in dress or spelling; a numeral, a
//! negation or a word like "Reply" makes another work, however many letters are shared.
//!
//! All of it looks at the head of a title only, so that a page taken for a title costs nothing.

use unicode_normalization::UnicodeNormalization;

use super::numerals::numerals;
use super::title::fold;
use super::{cut, normalised_title, unicode_of};

/// A title longer than this, in code points, is near to nothing.
const LONGEST: usize = 400;
/// From this share of equal letters on, two titles are alike to the eye.
pub(super) const ALIKE: f32 = 0.8;

/// How two titles that are not equal stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub(super) enum Nearness {
    /// They differ in a numeral, a negation or a mark such as "Erratum", or are not alike at all.
    Apart,
    /// Alike, but for a word or two, or for a remark such as "extended version".
    Alike,
    /// The same words: a spelling differs, or a subtitle is missing.
    Spelling,
}

/// A title taken apart, once for all its comparisons.
#[derive(Clone, Debug)]
pub(super) struct Title {
    /// [`normalised_title`], without accents.
    pub letters: Vec<char>,
    /// The same, of what stands before the subtitle, and without "extended version" and its like.
    pub head: String,
    pub bare: String,
    pub numerals: Vec<String>,
    words: Vec<String>,
    joined: String,
    /// How many letters there are of each kind, kinds folded into a few: bounds the edits from below.
    bag: [u16; 32],
    subtitled: bool,
    negations: usize,
    remark: bool,
    edition: bool,
    cut: bool,
}

impl Title {
    pub(super) fn of(title: &str) -> Self {
        let short = cut(title, LONGEST);
        let clean: String = unicode_of(short).nfkc().collect();
        let parts = parts(&clean, true);
        let headed = self::parts(&clean, false);
        let words = words(&clean);
        let bare: Vec<&str> = parts.iter().copied().filter(|part| !is_edition(part)).collect();
        let letters_of = |text: &str| fold(&normalised_title(text));
        let letters: Vec<char> = letters_of(&clean).chars().collect();
        let mut bag = [0; 32];
        for letter in &letters {
            if let Some(count) = bag.get_mut(u32::from(*letter) as usize % 32) {
                *count += 1;
            }
        }
        Self {
            letters,
            bag,
            joined: words.concat(),
            head: headed.first().map_or_else(String::new, |head| letters_of(head)),
            bare: letters_of(&bare.concat()),
            numerals: numerals(&clean),
            subtitled: headed.len() > 1,
            negations: words.iter().filter(|word| NEGATIONS.contains(&word.as_str())).count(),
            remark: parts.iter().any(|part| is_remark(part)),
            edition: bare.len() < parts.len(),
            cut: short.len() < title.len(),
            words,
        }
    }

    pub(super) fn nearness(&self, other: &Self) -> Nearness {
        let fixed = self.numerals == other.numerals
            && self.negations == other.negations
            && self.remark == other.remark
            && !self.cut
            && !other.cut;
        if !fixed {
            Nearness::Apart
        } else if self.edition == other.edition && (self.same_words(other) || self.is_head_of(other)) {
            Nearness::Spelling
        } else if self.bare == other.bare || self.is_head_of(other) || self.similarity(other) >= ALIKE {
            Nearness::Alike
        } else {
            Nearness::Apart
        }
    }

    /// "LLaVA-MoD" is "LLaVA-MoD: Making LLaVA Tiny".
    fn is_head_of(&self, other: &Self) -> bool {
        let whole = |title: &Self, head: &Self| {
            !title.subtitled && head.subtitled && title.letters.iter().copied().eq(head.head.chars())
        };
        whole(self, other) || whole(other, self)
    }

    fn same_words(&self, other: &Self) -> bool {
        self.joined == other.joined
            || (self.words.len() == other.words.len()
                && self.words.iter().zip(&other.words).all(|(left, right)| same_word(left, right)))
    }

    /// The share of letters that are equal in the best alignment, 1 for equal titles; 0 where it is less than [`ALIKE`] or
    /// the titles are too short to tell.
    pub(super) fn similarity(&self, other: &Self) -> f32 {
        let (short, long) = if self.letters.len() <= other.letters.len() {
            (&self.letters, &other.letters)
        } else {
            (&other.letters, &self.letters)
        };
        let enough = if long.first().is_some_and(char::is_ascii_alphanumeric) { 10 } else { 5 };
        let bound = ((1.0 - ALIKE) * long.len() as f32) as usize;
        let kinds = self.bag.iter().zip(&other.bag);
        let moved: usize = kinds.map(|(left, right)| usize::from(left.abs_diff(*right))).sum();
        if short.len() < enough || long.len() - short.len() > bound || moved > 2 * bound {
            return 0.0;
        }
        edits(short, long, bound).map_or(0.0, |edits| 1.0 - edits as f32 / long.len() as f32)
    }
}

/// Whether a title says nothing of what the work is about, so that many works have it.
pub(super) fn is_generic(title: &str) -> bool {
    const GENERIC: [&str; 58] = [
        "abstract",
        "abstracts",
        "acknowledgements",
        "acknowledgments",
        "afterword",
        "bookreview",
        "bookreviews",
        "closingremarks",
        "comment",
        "comments",
        "commentary",
        "conclusion",
        "conclusions",
        "contents",
        "correction",
        "correspondence",
        "corrigendum",
        "discussion",
        "editorial",
        "editorialboard",
        "editorsnote",
        "editorsintroduction",
        "erratum",
        "foreword",
        "frontmatter",
        "fromtheeditor",
        "guesteditorial",
        "guesteditorsintroduction",
        "index",
        "inmemoriam",
        "inthisissue",
        "introduction",
        "introductiontothespecialissue",
        "letter",
        "letters",
        "lettertotheeditor",
        "news",
        "obituary",
        "overview",
        "preface",
        "prologue",
        "references",
        "reply",
        "response",
        "tableofcontents",
        "summary",
        "권두언",
        "머리말",
        "서론",
        "서문",
        "편집자의말",
        "刊首语",
        "前言",
        "卷首语",
        "序言",
        "编者按",
        "巻頭言",
        "はじめに",
    ];
    GENERIC.contains(&normalised_title(cut(title, 60)).as_str())
}

/// Whether a title is so short that two works may well have it: "Attention", "序列标注".
pub(super) fn is_short(title: &str) -> bool {
    let letters = normalised_title(cut(title, 60));
    let columns: usize = letters.chars().map(|c| if c.len_utf8() > 2 { 3 } else { 1 }).sum();
    columns < 15
}

/// Marks that only the eye sees and that name another thing: C and C++ and C#, BERT and BERT+.
pub(super) fn signs(title: &str) -> usize {
    let clean: Vec<char> = unicode_of(cut(title, LONGEST)).nfkc().collect();
    let is_word = |at: usize| clean.get(at).is_some_and(|c| c.is_alphanumeric());
    let is_sign = |at: usize| {
        let behind = matches!(at.checked_sub(1).and_then(|at| clean.get(at)), Some(c) if c.is_alphanumeric() || *c == '+');
        matches!(clean.get(at), Some('+' | '#')) && behind && !is_word(at + 1)
    };
    (0..clean.len()).filter(|at| is_sign(*at)).count()
}

const NEGATIONS: [&str; 10] =
    ["cannot", "dont", "isnt", "neither", "never", "no", "non", "nor", "not", "without"];
const ARTICLES: [&str; 4] = ["a", "an", "and", "the"];

/// The words in small letters; hyphens and apostrophes join, articles are dropped unless they end the title
/// ("Appendix A").
fn words(clean: &str) -> Vec<String> {
    let all: Vec<String> = clean
        .split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '‐' | '\'' | '’')))
        .map(|word| fold(&normalised_title(word)))
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .collect();
    let last = all.len().saturating_sub(1);
    all.into_iter()
        .enumerate()
        .filter(|(at, word)| *at == last || !ARTICLES.contains(&word.as_str()))
        .map(|(_, word)| word)
        .collect()
}

/// Whether two words are one in two spellings: an ending, or one letter amid a long word. The beginnings must be equal:
/// "supervised" is not "unsupervised".
fn same_word(left: &str, right: &str) -> bool {
    const ENDINGS: [&str; 3] = ["", "s", "es"];
    if left == right {
        return true;
    }
    let (short, long) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    if long.strip_prefix(short).is_some_and(|ending| short.len() > 3 && ENDINGS.contains(&ending)) {
        return true;
    }
    let letters = |word: &str| -> Vec<char> { word.chars().collect() };
    let (short, long) = (letters(short), letters(long));
    // No two letters of Chinese or Hangul are a spelling of each other.
    long.len() >= 8
        && long.iter().chain(&short).all(|c| c.is_ascii_alphabetic())
        && short.get(..3) == long.get(..3)
        && edits(&short, &long, 1).is_some()
}

/// What stands between colons, dashes and question marks, and between brackets if they are asked for.
fn parts(clean: &str, brackets: bool) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = clean;
    while !rest.is_empty() {
        let end = rest.char_indices().find(|(at, c)| {
            let spaced = || rest.get(..*at).is_some_and(|before| before.ends_with(' '));
            match c {
                ':' | '—' | '?' | ';' | '。' => true,
                '(' | ')' | '[' | ']' | '【' | '】' => brackets,
                '-' | '–' | '~' => spaced(),
                _ => false,
            }
        });
        let (part, behind) = match end {
            Some((at, c)) => (rest.get(..at), rest.get(at + c.len_utf8()..)),
            None => (Some(rest), None),
        };
        parts.extend(part.map(str::trim).filter(|part| part.chars().any(char::is_alphanumeric)));
        rest = behind.unwrap_or_default();
    }
    parts
}

/// A part that makes a title that of a writing about the work.
fn is_remark(part: &str) -> bool {
    const BEGINNINGS: [&str; 32] = [
        "addendum",
        "answer to",
        "appendix",
        "author correction",
        "comment on",
        "comments on",
        "a comment on",
        "commentary on",
        "correction to",
        "corrections to",
        "corrigend",
        "discussion of",
        "editorial comment",
        "errata",
        "erratum",
        "expression of concern",
        "matters arising",
        "publisher correction",
        "a rejoinder",
        "rejoinder",
        "reply",
        "a reply",
        "response to",
        "a response",
        "retract",
        "review of",
        "supplement",
        "withdrawn",
        "勘误",
        "更正",
        "정오표",
        "訂正",
    ];
    const CONTAINED: [&str; 9] = [
        "的勘误",
        "的回复",
        "的评论",
        "에 대한 답변",
        "에 대한 논평",
        "への返答",
        "へのコメント",
        "の訂正",
        "정오표",
    ];
    let small = part.to_lowercase();
    let whole = matches!(small.as_str(), "comment" | "comments" | "correction" | "response" | "discussion");
    whole
        || BEGINNINGS.iter().any(|known| small.starts_with(known))
        || CONTAINED.iter().any(|known| small.contains(known))
}

/// A part that tells one edition of the work from another.
fn is_edition(part: &str) -> bool {
    const WHOLE: [&str; 26] = [
        "abstract",
        "demo",
        "dissertation",
        "doctoral dissertation",
        "draft",
        "extended",
        "extended abstract",
        "invited paper",
        "masters thesis",
        "phd thesis",
        "poster",
        "preprint",
        "revised",
        "short paper",
        "student abstract",
        "technical report",
        "thesis",
        "tutorial",
        "working paper",
        "확장판",
        "학위논문",
        "박사학위논문",
        "扩展版",
        "完整版",
        "博士论文",
        "拡張版",
    ];
    let small: String = part.to_lowercase().chars().filter(|c| !matches!(c, '\'' | '’' | '.')).collect();
    let small = small.strip_prefix("an ").unwrap_or(&small);
    WHOLE.contains(&small) || (small.ends_with(" version") && small.split(' ').count() <= 3)
}

/// Levenshtein distance if it is at most `bound`, in a band of that width (Ukkonen 1985).
fn edits(short: &[char], long: &[char], bound: usize) -> Option<usize> {
    if long.len() - short.len() > bound {
        return None;
    }
    let mut row: Vec<usize> = (0..=short.len()).collect();
    for (at, letter) in long.iter().enumerate() {
        let from = (at + 1).saturating_sub(bound);
        let to = (at + 1 + bound).min(short.len());
        let mut diagonal = row.get(from.saturating_sub(1)).copied()?;
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
        let mut left = if from <= 1 { at + 1 } else { usize::MAX / 2 };
        let mut best = left;
        for column in from.max(1)..=to {
            // Cells beside the band are beyond the bound in any case.
            let above = if column == at + 1 + bound { usize::MAX / 2 } else { row.get(column).copied()? };
            let same = short.get(column - 1) == Some(letter);
            let cell = (diagonal + usize::from(!same)).min(above + 1).min(left + 1);
            diagonal = row.get(column).copied()?;
            *row.get_mut(column)? = cell;
            left = cell;
            best = best.min(cell);
        }
        if best > bound {
            return None;
        }
    }
    row.last().copied().filter(|edits| *edits <= bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(left: &str, right: &str) -> Nearness {
        let (one, other) = (Title::of(left), Title::of(right));
        assert_eq!(one.nearness(&other), other.nearness(&one), "{left} / {right}");
        one.nearness(&other)
    }

    #[test]
    fn dress_and_spelling_are_near_and_meaning_is_not() {
        for (left, right, want) in [
            ("Multi-modal Learning", "Multimodal Learning", Nearness::Spelling),
            ("The Kinship of Papers", "Kinship of Papers", Nearness::Spelling),
            ("Optimising Kinship of Papers", "Optimizing Kinship of Paper", Nearness::Spelling),
            ("BERT: Pre-training of Transformers", "BERT", Nearness::Spelling),
            ("論文の近縁：その測り方", "論文の近縁", Nearness::Spelling),
            ("Kinship of Papers", "Kinship of Papers (extended version)", Nearness::Alike),
            ("Supervised Learning of Kin", "Unsupervised Learning of Kin", Nearness::Alike),
            ("Masked Kin as Learners for Images", "Masked Kin as Learners for Videos", Nearness::Alike),
            ("基于深度学习的图像分类方法", "基于深度学习的视频分类方法", Nearness::Alike),
            ("Kinship of Papers", "Kinship of Papers II", Nearness::Apart),
            ("Kinship of Papers", "Erratum: Kinship of Papers", Nearness::Apart),
            ("Kinship of Papers", "Reply to: Kinship of Papers", Nearness::Apart),
            ("Kinship Is All You Need", "Kinship Is Not All You Need", Nearness::Apart),
            ("Kinship of Papers", "Supplementary Material for Kinship of Papers", Nearness::Apart),
            ("LLaVA", "LLaMA", Nearness::Apart),
            ("Kinship of Papers", "A Wholly Different Matter", Nearness::Apart),
        ] {
            assert_eq!(near(left, right), want, "{left} / {right}");
        }
    }

    #[test]
    fn the_band_counts_as_the_whole_table_does() {
        let letters = |text: &str| text.chars().collect::<Vec<char>>();
        for (short, long, want) in [
            ("kitten", "sitting", 3),
            ("", "abc", 3),
            ("abc", "abc", 0),
            ("flaw", "lawn", 2),
            ("가나다", "가다라마", 3),
        ] {
            for bound in 0..6 {
                let found = edits(&letters(short), &letters(long), bound);
                assert_eq!(found, (want <= bound).then_some(want), "{short} {long} {bound}");
            }
        }
    }

    #[test]
    fn signs_and_common_titles() {
        assert_ne!(signs("Programming in C++"), signs("Programming in C"));
        assert_eq!(signs("BERT + RAG"), signs("BERT and RAG"));
        assert!(is_generic("Editor's Note") && !is_generic("Editorial Kinship"));
        assert!(is_short("Attention") && is_short("序列标注") && !is_short("Kinship of Papers"));
    }
}
