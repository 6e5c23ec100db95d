//! Text as the pieces spell it: the model's own map of characters, runs of spaces folded, a mark for a space.
//!
//! The map is applied as the library applies it, oddities included, since the model learned from what came out: a
//! grapheme of less than six bytes whose beginning is in the map becomes what its shortest beginning becomes, and the
//! rest of it is lost; the characters of any other grapheme are looked up one by one.

use unicode_segmentation::UnicodeSegmentation;

use super::trie::Trie;

/// What stands for a space in pieces.
pub(super) const SPACE: char = '▁';

/// Graphemes from this length are looked up by character.
const LONG_GRAPHEME: usize = 6;

/// The normaliser of one tokenizer.
#[derive(Clone, Copy)]
pub(super) struct Normaliser<'a> {
    /// Beginnings of graphemes, to offsets into `replacements`.
    pub(super) map: Trie<'a>,
    /// Texts, each ended by NUL.
    pub(super) replacements: &'a [u8],
    /// Whether runs of spaces become one.
    pub(super) folds_spaces: bool,
    /// What a space becomes.
    pub(super) space: char,
}

impl<'a> Normaliser<'a> {
    /// Writes the normal form of `text` over `out`.
    pub(super) fn normalise(self, text: &str, out: &mut String) {
        out.clear();
        let mut out = Spaced { out, space: self.space, folds: self.folds_spaces, after_space: false };
        let mut start = 0;
        while start < text.len() {
            let end = certain_boundary(text.as_bytes(), start);
            let part = &text[start..end];
            start = end;
            if part.len() == 1 {
                self.by_character(part, &mut out);
                continue;
            }
            for grapheme in part.graphemes(true) {
                match self.replacement(grapheme) {
                    Some(replacement) if grapheme.len() < LONG_GRAPHEME => out.push_text(replacement),
                    _ => self.by_character(grapheme, &mut out),
                }
            }
        }
    }

    fn by_character(self, text: &str, out: &mut Spaced<'_>) {
        for character in text.chars() {
            match self.replacement(character.encode_utf8(&mut [0; 4])) {
                Some(replacement) => out.push_text(replacement),
                None => out.push(character),
            }
        }
    }

    fn replacement(self, text: &str) -> Option<&'a str> {
        let (_, offset) = self.map.prefixes(text.as_bytes()).next()?;
        let replacement = self.replacements.get(offset as usize..)?;
        let end = replacement.iter().position(|byte| *byte == 0).unwrap_or(replacement.len());
        std::str::from_utf8(&replacement[..end]).ok()
    }
}

/// The next place after `start` between two ASCII characters: there is always an end of a grapheme but between CR and
/// LF, and what comes before has no say in what follows.
fn certain_boundary(text: &[u8], start: usize) -> usize {
    let mut pairs = text[start..].windows(2);
    let before = pairs.position(|pair| pair.is_ascii() && pair != b"\r\n");
    before.map_or(text.len(), |before| start + before + 1)
}

/// Writes text with its spaces as they shall be.
struct Spaced<'a> {
    out: &'a mut String,
    space: char,
    folds: bool,
    after_space: bool,
}

impl Spaced<'_> {
    fn push(&mut self, character: char) {
        let is_space = character == ' ';
        match (is_space, self.after_space && self.folds) {
            (false, _) => self.out.push(character),
            (true, false) => self.out.push(self.space),
            (true, true) => {}
        }
        self.after_space = is_space;
    }

    fn push_text(&mut self, text: &str) {
        text.chars().for_each(|character| self.push(character));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use tokenizers::normalizers::Precompiled;
    use unicode_segmentation::UnicodeSegmentation;
    use yada::builder::DoubleArrayBuilder;

    use super::*;

    /// A map with keys of several characters, as published ones have and ours has not.
    fn charsmap() -> Vec<u8> {
        let table = BTreeMap::from([
            ("\n", " "),
            ("\r", " "),
            ("\u{7}", ""),
            ("\u{ad}", ""),
            ("A\u{300}", "À"),
            ("e", "E"),
            ("か\u{3099}", "が"),
            ("™", "TM"),
            ("，", ","),
            ("\u{1f1e9}", "D"),
            ("ﷺ", "صلى الله عليه وسلم"),
        ]);
        let mut replacements = Vec::new();
        let mut keys = Vec::new();
        for (from, to) in table {
            keys.push((from, replacements.len() as u32));
            replacements.extend_from_slice(to.as_bytes());
            replacements.push(0);
        }
        let trie = DoubleArrayBuilder::build(&keys).unwrap();
        [&(trie.len() as u32).to_le_bytes()[..], &trie, &replacements].concat()
    }

    fn normalised(charsmap: &[u8], text: &str) -> String {
        let length = u32::from_le_bytes([charsmap[0], charsmap[1], charsmap[2], charsmap[3]]) as usize;
        let (map, replacements) = charsmap[4..].split_at(length);
        let normaliser = Normaliser { map: Trie::new(map), replacements, folds_spaces: false, space: SPACE };
        let mut out = "old".to_owned();
        normaliser.normalise(text, &mut out);
        out
    }

    #[test]
    fn spaces_are_folded_and_marked() {
        let normaliser =
            Normaliser { map: Trie::new(&[]), replacements: &[], folds_spaces: true, space: SPACE };
        let mut out = String::new();
        normaliser.normalise("  a b ▁  ▁▁   ", &mut out);
        assert_eq!(out, "▁a▁b▁▁▁▁▁▁");
        let apart = Normaliser { folds_spaces: false, ..normaliser };
        apart.normalise("a  b", &mut out);
        assert_eq!(out, "a▁▁b");
        Normaliser { space: ' ', ..apart }.normalise("a ▁ b", &mut out);
        assert_eq!(out, "a ▁ b");
    }

    proptest! {
        #[test]
        fn graphemes_are_mapped_as_the_library_maps_them(
            parts in prop::collection::vec(
                prop_oneof![
                    Just("\r"), Just("\n"), Just(" "), Just("e"), Just("A"), Just("\u{300}"), Just("\u{301}"),
                    Just("か"), Just("\u{3099}"), Just("™"), Just("\u{200d}"), Just("，"), Just("\u{1f1e9}"),
                    Just("\u{600}"), Just("ﷺ"), Just("\u{7}"), Just("\u{ad}"), Just("👩"), Just("क"),
                    Just("\u{94d}"), Just("ᄒ"), Just("ᅡ"), Just("\0"), Just("é"),
                ],
                0..24,
            ),
            any in any::<String>(),
        ) {
            let charsmap = charsmap();
            let library = Precompiled::from(&charsmap).unwrap();
            for text in [parts.concat(), parts.concat() + &any] {
                let expected = library.normalize_string(&text).replace(' ', "▁");
                prop_assert_eq!(normalised(&charsmap, &text), expected, "{:?}", text);
                let cuts: Vec<_> = text.grapheme_indices(true).map(|(at, _)| at).chain([text.len()]).collect();
                let mut at = 0;
                while at < text.len() {
                    at = certain_boundary(text.as_bytes(), at);
                    prop_assert!(cuts.contains(&at));
                }
            }
        }
    }
}
