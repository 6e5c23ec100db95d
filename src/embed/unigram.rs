//! Pieces, scores and a normalisation map as a `tokenizer.json` of the Hugging Face kind: nmt_nfkc by code point,
//! runs of spaces folded, Metaspace with a leading mark, unigram, `<s> $A </s>`.
//!
//! The file is written from a template and not by the library, so that the bytes, whose hash the manifest pins, stay
//! the same when the library's own serialisation changes.

use std::collections::BTreeMap;

use tokenizers::normalizers::Precompiled;

use super::charsmap;

/// What a unigram tokenizer is made of. A piece's id is its position.
pub(super) struct Unigram<'a> {
    pub(super) pieces: Vec<&'a str>,
    pub(super) scores: Vec<f32>,
    pub(super) map: BTreeMap<char, String>,
    pub(super) bos: usize,
    pub(super) eos: usize,
    pub(super) pad: usize,
    pub(super) unknown: usize,
}

impl Unigram<'_> {
    /// The file.
    ///
    /// # Errors
    /// A sentence, where an id names no piece or the map cannot be built.
    pub(super) fn to_json(&self) -> Result<Vec<u8>, String> {
        let failed = |error: serde_json::Error| error.to_string();
        let mask = self.pieces.iter().position(|piece| *piece == "<mask>").ok_or("it has no piece <mask>")?;
        let piece = |id: usize| {
            let piece =
                self.pieces.get(id).ok_or_else(|| format!("its special piece {id} does not exist"))?;
            serde_json::to_string(piece).map_err(failed)
        };
        let special = |id: usize, eats_space: bool| {
            piece(id).map(|piece| {
                format!(
                    "{{\"id\":{id},\"content\":{piece},\"single_word\":false,\"lstrip\":{eats_space},\
                     \"rstrip\":false,\"normalized\":false,\"special\":true}}"
                )
            })
        };
        let mut specials = [self.bos, self.pad, self.eos, self.unknown];
        specials.sort_unstable();
        let mut added = specials.into_iter().map(|id| special(id, false)).collect::<Result<Vec<_>, _>>()?;
        added.push(special(mask, true)?);

        let map = Precompiled::from(&charsmap::build(&self.map)?).map_err(|error| error.to_string())?;
        let vocabulary: Vec<_> =
            self.pieces.iter().zip(self.scores.iter().map(|score| f64::from(*score))).collect();
        Ok(TEMPLATE
            .replace("@ADDED@", &added.join(","))
            .replace("@MAP@", &serde_json::to_string(&map).map_err(failed)?)
            .replace("@BOS@", &piece(self.bos)?)
            .replace("@BOS_ID@", &self.bos.to_string())
            .replace("@EOS@", &piece(self.eos)?)
            .replace("@EOS_ID@", &self.eos.to_string())
            .replace("@UNKNOWN_ID@", &self.unknown.to_string())
            // Last: a piece may look like a mark of ours.
            .replace("@VOCABULARY@", &serde_json::to_string(&vocabulary).map_err(failed)?)
            .into_bytes())
    }
}

const TEMPLATE: &str = r#"{"version":"1.0","truncation":null,"padding":null,"added_tokens":[@ADDED@],"normalizer":{"type":"Sequence","normalizers":[@MAP@,{"type":"Replace","pattern":{"Regex":" {2,}"},"content":" "}]},"pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true},"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":@BOS@,"type_id":0}},{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":@EOS@,"type_id":0}}],"pair":[{"SpecialToken":{"id":@BOS@,"type_id":0}},{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":@EOS@,"type_id":0}},{"SpecialToken":{"id":@EOS@,"type_id":0}},{"Sequence":{"id":"B","type_id":0}},{"SpecialToken":{"id":@EOS@,"type_id":0}}],"special_tokens":{@BOS@:{"id":@BOS@,"ids":[@BOS_ID@],"tokens":[@BOS@]},@EOS@:{"id":@EOS@,"ids":[@EOS_ID@],"tokens":[@EOS@]}}},"decoder":{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true},"model":{"type":"Unigram","unk_id":@UNKNOWN_ID@,"vocab":@VOCABULARY@,"byte_fallback":false}}
"#;
