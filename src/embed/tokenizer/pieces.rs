//! The best way to cut a word into pieces: the sum of the pieces' scores is the highest. Sums and ties are those of
//! the library (forward, in f64, the first of equals stays), so that ids are the same and not nearly the same.

use super::trie::Trie;

/// The vocabulary, seen as pieces.
#[derive(Clone, Copy)]
pub(super) struct Pieces<'a> {
    /// Pieces, to their ids.
    pub(super) trie: Trie<'a>,
    /// By id, f64 in little-endian.
    pub(super) scores: &'a [[u8; 8]],
    /// The id of what is no piece.
    pub(super) unknown: u32,
    /// What a character costs that is no piece.
    pub(super) unknown_score: f64,
}

/// The best path that ends at one byte of a word.
#[derive(Clone, Copy)]
pub(super) struct Node {
    score: f64,
    id: u32,
    /// Bytes of the last piece; 0 where no path ends.
    length: u32,
}

const UNREACHED: Node = Node { score: 0.0, id: 0, length: 0 };

impl Pieces<'_> {
    /// Gives the ids of `word` to `visit`, the last first. Characters in a row that are no pieces are one unknown.
    /// `nodes` is room to work in. Time grows as the length of the word, whatever it is made of: no search goes
    /// deeper than the longest piece.
    pub(super) fn backward(self, word: &str, nodes: &mut Vec<Node>, mut visit: impl FnMut(u32)) {
        let bytes = word.as_bytes();
        nodes.clear();
        nodes.resize(bytes.len() + 1, UNREACHED);
        for (start, character) in word.char_indices() {
            let before = nodes[start].score;
            let single = character.len_utf8();
            let mut has_single = false;
            for (length, id) in self.trie.prefixes(&bytes[start..]) {
                let Some(score) = self.scores.get(id as usize) else { continue };
                offer(nodes, start, length, before + f64::from_le_bytes(*score), id);
                has_single |= length == single;
            }
            if !has_single {
                offer(nodes, start, single, before + self.unknown_score, self.unknown);
            }
        }
        let mut end = bytes.len();
        let mut after = None;
        while end > 0 {
            let Node { id, length, .. } = nodes[end];
            if id != self.unknown || after != Some(id) {
                visit(id);
            }
            after = Some(id);
            // At least one, whatever a garbled trie made of it: this must end.
            end = end.saturating_sub((length as usize).max(1));
        }
    }
}

fn offer(nodes: &mut [Node], start: usize, length: usize, score: f64, id: u32) {
    let (Some(node), Ok(length)) = (nodes.get_mut(start + length), u32::try_from(length)) else { return };
    if node.length == 0 || score > node.score {
        *node = Node { score, id, length };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yada::builder::DoubleArrayBuilder;

    fn ids(pieces: &[(&str, f64)], word: &str) -> Vec<u32> {
        let mut keys: Vec<_> =
            pieces.iter().enumerate().map(|(id, (piece, _))| (*piece, id as u32)).collect();
        keys.sort_unstable();
        let trie = DoubleArrayBuilder::build(&keys).unwrap();
        let scores: Vec<_> = pieces.iter().map(|(_, score)| score.to_le_bytes()).collect();
        let pieces = Pieces { trie: Trie::new(&trie), scores: &scores, unknown: 0, unknown_score: -20.0 };
        let mut ids = Vec::new();
        pieces.backward(word, &mut Vec::new(), |id| ids.push(id));
        ids.reverse();
        ids
    }

    #[test]
    fn the_highest_sum_wins_and_the_first_of_equals() {
        let pieces = [("<unk>", 0.0), ("a", -1.0), ("aa", -1.0), ("b", -3.0), ("ab", -3.5)];
        assert_eq!(ids(&pieces, "ab"), [4]);
        assert_eq!(ids(&pieces, "aab"), [2, 3], "-4.0 against -4.5");
        assert_eq!(ids(&pieces, "aaa"), [1, 2], "a piece that begins earlier was there first");
        assert_eq!(ids(&pieces, ""), [0; 0]);
    }

    #[test]
    fn unknown_characters_in_a_row_are_one() {
        let pieces = [("<unk>", 0.0), ("a", -1.0)];
        assert_eq!(ids(&pieces, "xyａza"), [0, 1]);
        assert_eq!(ids(&pieces, "xa\0x"), [0, 1, 0]);
        assert_eq!(ids(&pieces, "x<unk>x"), [0], "the piece itself counts as one of them");
    }
}
