//! What a `tokenizer.json` of the SentencePiece unigram kind says. The parts are read strictly: what is not known here
//! may change ids, and then the file is left to the library, which knows every kind.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::normaliser::SPACE;

/// Bytes. SentencePiece's own limit is 16 characters; this one bounds how deep the trie is and how far a search goes.
const LONGEST_PIECE: usize = 512;

/// The parts of one tokenizer.
pub(super) struct Description {
    /// Piece and score, the logarithm of a probability; a piece's id is its position.
    pub(super) pieces: Vec<(String, f64)>,
    pub(super) unknown: u32,
    pub(super) normalisation: Normalisation,
    /// Whether white space that the normaliser left ends words and belongs to none.
    pub(super) splits_at_white_space: bool,
    /// Ids around every text.
    pub(super) before: Vec<u32>,
    pub(super) after: Vec<u32>,
    pub(super) specials: Vec<Special>,
}

/// What is done to text before it is cut.
#[derive(Default)]
pub(super) struct Normalisation {
    /// A double array.
    pub(super) map: Vec<u8>,
    pub(super) replacements: Vec<u8>,
    pub(super) folds_spaces: bool,
}

/// A piece that is itself wherever a text has it literally.
pub(super) struct Special {
    pub(super) id: u32,
    pub(super) text: String,
    /// Whether it takes the white space before it along.
    pub(super) takes_space_before: bool,
}

impl Description {
    /// Reads a file; none where it is of another kind, or no tokenizer at all.
    pub(super) fn read(json: &[u8]) -> Option<Self> {
        let file: File = serde_json::from_slice(json).ok()?;
        let (pieces, unknown) = file.model.pieces()?;
        let specials = file.added_tokens.into_iter().map(|token| token.special(&pieces));
        let specials = specials.collect::<Option<Vec<_>>>()?;
        let splits_at_white_space = file.pre_tokenizer.splits_at_white_space()?;
        let (before, after) =
            file.post_processor.map_or_else(|| Some(Default::default()), Template::around)?;
        let normalisation = file.normalizer.map_or_else(|| Some(Default::default()), Normaliser::steps)?;
        Some(Self { pieces, unknown, normalisation, splits_at_white_space, before, after, specials })
    }
}

#[derive(Deserialize)]
struct File {
    #[serde(rename = "version")]
    _version: Version,
    added_tokens: Vec<AddedToken>,
    normalizer: Option<Normaliser>,
    pre_tokenizer: PreTokenizer,
    post_processor: Option<Template>,
    model: Unigram,
}

#[derive(Deserialize)]
enum Version {
    #[serde(rename = "1.0")]
    One,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unigram {
    r#type: UnigramType,
    unk_id: u32,
    vocab: Vec<(String, f64)>,
    #[serde(default)]
    byte_fallback: bool,
}

#[derive(Deserialize)]
enum UnigramType {
    Unigram,
}

impl Unigram {
    fn pieces(self) -> Option<(Vec<(String, f64)>, u32)> {
        let Self { r#type: UnigramType::Unigram, unk_id, vocab, byte_fallback } = self;
        let (unknown, _) = vocab.get(unk_id as usize)?;
        // The library looks up the text of unknown characters in a row once more. Where scores are logarithms of
        // probabilities, and no piece holds "<unk>" and more, such a text is never a piece.
        let plain = |(piece, score): &(String, f64)| {
            let apart = piece == unknown || !piece.contains(unknown.as_str());
            let fits = (1..=LONGEST_PIECE).contains(&piece.len()) && !piece.contains('\0');
            apart && fits && *score <= 0.0
        };
        (!byte_fallback && vocab.iter().all(plain)).then_some((vocab, unk_id))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddedToken {
    id: u32,
    content: String,
    single_word: bool,
    lstrip: bool,
    rstrip: bool,
    normalized: bool,
    #[serde(rename = "special")]
    _special: bool,
}

impl AddedToken {
    fn special(self, pieces: &[(String, f64)]) -> Option<Special> {
        let is_piece = pieces.get(self.id as usize).is_some_and(|(piece, _)| *piece == self.content);
        let is_plain = is_piece && !self.single_word && !self.rstrip && !self.normalized;
        is_plain.then_some(Special { id: self.id, text: self.content, takes_space_before: self.lstrip })
    }
}

#[derive(Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
enum Normaliser {
    Sequence { normalizers: Vec<Normaliser> },
    Precompiled { precompiled_charsmap: String },
    Replace { pattern: Pattern, content: String },
}

#[derive(Deserialize, PartialEq)]
enum Pattern {
    Regex(String),
    String(String),
}

impl Normaliser {
    fn steps(self) -> Option<Normalisation> {
        let (first, second) = match self {
            Self::Sequence { normalizers } => {
                let mut steps = normalizers.into_iter();
                let two = (steps.next()?, steps.next());
                if steps.next().is_some() {
                    return None;
                }
                two
            }
            one => (one, None),
        };
        let Self::Precompiled { precompiled_charsmap } = first else { return None };
        let folds_spaces = match second {
            None => false,
            Some(Self::Replace { pattern, content })
                if pattern == Pattern::Regex(" {2,}".to_owned()) && content == " " =>
            {
                true
            }
            Some(_) => return None,
        };
        let charsmap = STANDARD.decode(precompiled_charsmap).ok()?;
        let (length, rest) = charsmap.split_first_chunk()?;
        let (map, replacements) = rest.split_at_checked(u32::from_le_bytes(*length) as usize / 4 * 4)?;
        std::str::from_utf8(replacements).ok()?;
        Some(Normalisation { map: map.to_vec(), replacements: replacements.to_vec(), folds_spaces })
    }
}

#[derive(Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
enum PreTokenizer {
    Sequence {
        pretokenizers: Vec<PreTokenizer>,
    },
    WhitespaceSplit,
    Metaspace {
        replacement: char,
        add_prefix_space: Option<bool>,
        prepend_scheme: Option<String>,
        split: Option<bool>,
        #[serde(rename = "str_rep")]
        _text: Option<String>,
    },
}

impl PreTokenizer {
    /// Metaspace, alone or after a split at white space.
    fn splits_at_white_space(&self) -> Option<bool> {
        match self {
            Self::Metaspace { replacement, add_prefix_space, prepend_scheme, split, .. } => {
                let always = prepend_scheme.as_deref().is_none_or(|scheme| scheme == "always");
                let is_plain =
                    *replacement == SPACE && *add_prefix_space != Some(false) && *split != Some(false);
                (always && is_plain).then_some(false)
            }
            Self::Sequence { pretokenizers } => match pretokenizers.as_slice() {
                [Self::WhitespaceSplit, metaspace @ Self::Metaspace { .. }] => {
                    metaspace.splits_at_white_space().map(|_| true)
                }
                _ => None,
            },
            Self::WhitespaceSplit => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Template {
    r#type: TemplateType,
    single: Vec<Part>,
    #[serde(rename = "pair")]
    _pair: serde::de::IgnoredAny,
    special_tokens: BTreeMap<String, SpecialToken>,
}

#[derive(Deserialize)]
enum TemplateType {
    TemplateProcessing,
}

#[derive(Deserialize)]
enum Part {
    SpecialToken { id: String },
    Sequence { id: String },
}

#[derive(Deserialize)]
struct SpecialToken {
    ids: Vec<u32>,
}

impl Template {
    /// The ids before and after the one text.
    fn around(self) -> Option<(Vec<u32>, Vec<u32>)> {
        let Self { r#type: TemplateType::TemplateProcessing, single, special_tokens, .. } = self;
        let text = |part: &Part| matches!(part, Part::Sequence { id } if id == "A");
        let at = single.iter().position(text)?;
        let ids = |parts: &[Part]| {
            let mut ids = Vec::new();
            for part in parts {
                let Part::SpecialToken { id } = part else { return None };
                ids.extend_from_slice(&special_tokens.get(id)?.ids);
            }
            Some(ids)
        };
        Some((ids(&single[..at])?, ids(&single[at + 1..])?))
    }
}
