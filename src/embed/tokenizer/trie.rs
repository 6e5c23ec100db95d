//! A double array over bytes, as SentencePiece and `yada` write it, read where it lies. Every step is checked, since
//! the bytes are those of a file: what is garbled ends the search and nothing else.

/// Low byte: the label; bit 8: a value hangs here; bit 9: the offset is in steps of 256; from bit 10: the offset. In
/// a unit that holds a value bit 31 is set, so that it is nobody's label.
const HAS_VALUE: u32 = 1 << 8;
const LABEL: u32 = 1 << 31 | 0xff;
const VALUE: u32 = (1 << 31) - 1;

/// The trie.
#[derive(Clone, Copy)]
pub(super) struct Trie<'a> {
    units: &'a [[u8; 4]],
}

impl<'a> Trie<'a> {
    /// Over the bytes of whole units; what is left over is not looked at.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { units: bytes.as_chunks().0 }
    }

    fn unit(self, at: u32) -> Option<u32> {
        self.units.get(at as usize).copied().map(u32::from_le_bytes)
    }

    /// The keys that `text` begins with, shortest first: length and value. NUL is in no key.
    pub(super) fn prefixes(self, text: &[u8]) -> impl Iterator<Item = (usize, u32)> {
        let mut node = self.unit(0).map_or(0, offset);
        let mut bytes = text.iter().enumerate();
        std::iter::from_fn(move || {
            loop {
                let (at, byte) = bytes.next().filter(|(_, byte)| **byte != 0)?;
                let child = node ^ u32::from(*byte);
                let unit = self.unit(child).filter(|unit| unit & LABEL == u32::from(*byte))?;
                node = child ^ offset(unit);
                if unit & HAS_VALUE != 0 {
                    return Some((at + 1, self.unit(node)? & VALUE));
                }
            }
        })
    }
}

fn offset(unit: u32) -> u32 {
    (unit >> 10) << ((unit & 1 << 9) >> 6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use yada::builder::DoubleArrayBuilder;

    fn found(bytes: &[u8], text: &str) -> Vec<(usize, u32)> {
        Trie::new(bytes).prefixes(text.as_bytes()).collect()
    }

    #[test]
    fn every_prefix_is_found_and_nothing_else() {
        let keys: Vec<String> = (0..30_000).map(|number| format!("{number:x}")).collect();
        let mut sorted: Vec<_> = keys.iter().enumerate().map(|(id, key)| (key.as_str(), id as u32)).collect();
        sorted.sort_unstable();
        let bytes = DoubleArrayBuilder::build(&sorted).unwrap();
        for (id, key) in keys.iter().enumerate() {
            let expected: Vec<_> = (1..=key.len())
                .filter_map(|end| Some((end, u32::from_str_radix(&key[..end], 16).ok()?)))
                .filter(|(end, value)| keys.get(*value as usize).is_some_and(|found| found == &key[..*end]))
                .collect();
            assert_eq!(found(&bytes, &format!("{key}z")), expected, "{id}");
        }
        assert!(
            found(&bytes, "").is_empty() && found(&bytes, "z").is_empty() && found(&bytes, "\0").is_empty()
        );
        assert_eq!(found(&bytes, "1\u{0}a"), [(1, 1)]);
    }

    #[test]
    fn garbled_units_end_the_search() {
        let bytes = DoubleArrayBuilder::build(&[("a", 1), ("ab", 2), ("abc", 3), ("b", 4)]).unwrap();
        for length in 0..bytes.len() {
            found(&bytes[..length], "abcabc");
        }
        for at in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut garbled = bytes.clone();
                garbled[at] = value;
                assert!(found(&garbled, "abcabc").len() <= 6);
            }
        }
    }
}
