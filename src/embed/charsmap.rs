//! A table "code point to its replacement" as the `precompiled_charsmap` of SentencePiece, which is what the
//! `Precompiled` normaliser of `tokenizers` reads: length of the trie, a double array over UTF-8 bytes, then the
//! replacements, each ended by a NUL. The same table gives the same bytes on every machine.

use std::collections::BTreeMap;

use yada::builder::DoubleArrayBuilder;

/// Builds the map. An empty replacement drops the code point.
///
/// # Errors
/// A sentence, where the table holds NUL (the format's own mark) or is too large for it.
pub(super) fn build(table: &BTreeMap<char, String>) -> Result<Vec<u8>, String> {
    let mut replacements = Vec::new();
    let mut offsets = BTreeMap::<&str, u32>::new();
    let mut keys = Vec::with_capacity(table.len());
    for (from, to) in table {
        if *from == '\0' || to.contains('\0') {
            return Err("the normalisation map holds NUL".to_owned());
        }
        let next = u32::try_from(replacements.len()).map_err(|_| "the normalisation map is too large")?;
        let offset = *offsets.entry(to).or_insert_with(|| {
            replacements.extend_from_slice(to.as_bytes());
            replacements.push(0);
            next
        });
        // Characters in order are UTF-8 in order, which is what the builder wants.
        keys.push((from.to_string(), offset));
    }
    if keys.is_empty() {
        return Err("the normalisation map is empty".to_owned());
    }
    let trie = DoubleArrayBuilder::build(&keys).ok_or("the normalisation map cannot be built")?;
    let length = u32::try_from(trie.len()).map_err(|_| "the normalisation map is too large")?;
    Ok([&length.to_le_bytes()[..], &trie, &replacements].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokenizers::normalizers::Precompiled;

    #[test]
    fn the_library_reads_back_every_entry() {
        let table: BTreeMap<char, String> = (1u32..0x2_0000)
            .step_by(7)
            .filter_map(char::from_u32)
            .enumerate()
            .map(|(number, from)| {
                (from, if number % 5 == 0 { String::new() } else { format!("<{}>", number % 97) })
            })
            .collect();
        let map = Precompiled::from(&build(&table).unwrap()).unwrap();
        for code in 1u32..0x2_0000 {
            let Some(from) = char::from_u32(code) else { continue };
            let expected = table.get(&from).map(String::as_str);
            assert_eq!(map.transform(from.encode_utf8(&mut [0; 4])), expected, "U+{code:04X}");
        }
    }

    #[test]
    fn what_the_format_cannot_say_is_refused() {
        assert!(build(&BTreeMap::new()).is_err());
        assert!(build(&BTreeMap::from([('\0', "a".to_owned())])).is_err());
        assert!(build(&BTreeMap::from([('a', "\0".to_owned())])).is_err());
    }
}
