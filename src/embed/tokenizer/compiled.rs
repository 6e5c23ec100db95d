//! A unigram tokenizer in the form in which it is used: tables that lie in one run of bytes, read where they are,
//! whether a file was mapped or they were just made. Giving ids allocates nothing but room for the text.
//!
//! The bytes, little-endian: `MAGIC`; sha256 of the `tokenizer.json` they were made of, as text; sha256 of all that
//! follows; settings and special pieces; lengths of the four tables; the tables. Nothing is believed for having the right
//! checksum: every number that is read is checked where it is used, so garbled bytes give an error, or other ids.

use std::ops::{Deref, Range};

use memmap2::Mmap;
use sha2::{Digest, Sha256};
use yada::builder::DoubleArrayBuilder;

use super::super::bytes::Cursor;
use super::description::{Description, Special};
use super::normaliser::{Normaliser, SPACE};
use super::pieces::{Node, Pieces};
use super::trie::Trie;

/// The last byte counts versions: another layout, or other ids from the same file, is another version.
const MAGIC: &[u8; 16] = b"paperkin pieces\x01";

const FOLDS_SPACES: u8 = 1;
const SPLITS_AT_WHITE_SPACE: u8 = 2;

/// Length of a sha256, as text and as it is.
const HEX: usize = 64;
const HASH: usize = 32;

/// Where begins what the checksum is of.
pub(super) const BODY: usize = MAGIC.len() + HEX + HASH;

/// What an unknown character costs more than the rarest piece, as in SentencePiece.
const UNKNOWN_PENALTY: f64 = 10.0;

/// A unigram tokenizer.
pub(super) struct Compiled {
    bytes: Bytes,
    vocabulary: u32,
    unknown: u32,
    unknown_score: f64,
    folds_spaces: bool,
    splits_at_white_space: bool,
    before: Vec<u32>,
    after: Vec<u32>,
    specials: Vec<Special>,
    /// Bytes that a special piece begins with.
    starts: Vec<u8>,
    map: Range<usize>,
    replacements: Range<usize>,
    trie: Range<usize>,
    scores: Range<usize>,
}

/// Where the tables lie.
pub(super) enum Bytes {
    Mapped(Mmap),
    Made(Vec<u8>),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Made(bytes) => bytes,
        }
    }
}

/// Lays out what `description` says. None where a piece is there twice (the library has an order for that) or a table
/// would be too large.
fn compile(description: &Description, source: &str) -> Option<Vec<u8>> {
    let Description { pieces, normalisation, before, after, specials, .. } = description;
    let mut keys: Vec<(&str, u32)> = (0..).zip(pieces).map(|(id, (piece, _))| (piece.as_str(), id)).collect();
    keys.sort_unstable();
    if source.len() != HEX || keys.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return None;
    }
    let trie = DoubleArrayBuilder::build(&keys)?;
    let scores: Vec<u8> = pieces.iter().flat_map(|(_, score)| score.to_le_bytes()).collect();
    let lowest = pieces.iter().map(|(_, score)| *score).fold(f64::INFINITY, f64::min);
    let tables = [&normalisation.map, &normalisation.replacements, &trie, &scores];

    let mut body = Vec::with_capacity(tables.iter().map(|table| table.len()).sum::<usize>() + 4096);
    let count = |body: &mut Vec<u8>, number: usize| {
        body.extend_from_slice(&u32::try_from(number).ok()?.to_le_bytes());
        Some(())
    };
    count(&mut body, pieces.len())?;
    body.extend_from_slice(&description.unknown.to_le_bytes());
    body.extend_from_slice(&(lowest - UNKNOWN_PENALTY).to_le_bytes());
    let folds = if normalisation.folds_spaces { FOLDS_SPACES } else { 0 };
    body.push(folds | if description.splits_at_white_space { SPLITS_AT_WHITE_SPACE } else { 0 });
    for ids in [before, after] {
        count(&mut body, ids.len())?;
        ids.iter().for_each(|id| body.extend_from_slice(&id.to_le_bytes()));
    }
    count(&mut body, specials.len())?;
    for special in specials {
        body.extend_from_slice(&special.id.to_le_bytes());
        body.push(u8::from(special.takes_space_before));
        count(&mut body, special.text.len())?;
        body.extend_from_slice(special.text.as_bytes());
    }
    for table in tables {
        count(&mut body, table.len())?;
    }
    tables.iter().for_each(|table| body.extend_from_slice(table));
    let mut bytes = [&MAGIC[..], source.as_bytes(), &[0; HASH], &body].concat();
    seal(&mut bytes);
    Some(bytes)
}

/// Writes the checksum of what is there.
pub(super) fn seal(bytes: &mut [u8]) {
    let checksum = Sha256::digest(&bytes[BODY..]);
    bytes[BODY - HASH..BODY].copy_from_slice(&checksum);
}

impl Compiled {
    /// Compiles a `tokenizer.json`, whose sha256 is `source`; none where it is of another kind.
    pub(super) fn make(json: &[u8], source: &str) -> Option<Self> {
        let bytes = compile(&Description::read(json)?, source)?;
        Self::open(Bytes::Made(bytes), source).ok()
    }

    /// Takes bytes that [`compile`] gave for the file whose hash is `source`.
    ///
    /// # Errors
    /// A sentence, where they are not those.
    pub(super) fn open(bytes: Bytes, source: &str) -> Result<Self, String> {
        let mut cursor = Cursor::new(&bytes);
        if cursor.take(MAGIC.len())? != MAGIC {
            return Err("it is of another version".to_owned());
        }
        if cursor.take(HEX)? != source.as_bytes() {
            return Err("it was made of another tokenizer.json".to_owned());
        }
        let checksum = cursor.take(HASH)?;
        if Sha256::digest(&bytes[cursor.position()..])[..] != *checksum {
            return Err("its checksum does not fit".to_owned());
        }
        let vocabulary = cursor.u32()?;
        let id = |cursor: &mut Cursor<'_>| {
            let id = cursor.u32()?;
            if id < vocabulary { Ok(id) } else { Err(format!("an id {id} of {vocabulary} pieces")) }
        };
        let unknown = id(&mut cursor)?;
        let unknown_score = cursor.f64()?;
        let settings = cursor.u8()?;
        let mut around = [Vec::new(), Vec::new()];
        for ids in &mut around {
            for _ in 0..cursor.u32()? {
                ids.push(id(&mut cursor)?);
            }
        }
        let [before, after] = around;
        let mut specials = Vec::new();
        for _ in 0..cursor.u32()? {
            let (id, takes_space_before) = (id(&mut cursor)?, cursor.u8()? != 0);
            let length = cursor.count()?;
            let text = cursor.text(length)?.to_owned();
            if text.is_empty() {
                return Err("a special piece without text".to_owned());
            }
            specials.push(Special { id, text, takes_space_before });
        }
        let lengths = [cursor.count()?, cursor.count()?, cursor.count()?, cursor.count()?];
        let mut table = |length: usize| {
            let start = cursor.position();
            cursor.take(length).map(|_| start..cursor.position())
        };
        let [map, replacements, trie, scores] = lengths.map(&mut table);
        let (map, replacements, trie, scores) = (map?, replacements?, trie?, scores?);
        if scores.len() != vocabulary as usize * 8 {
            return Err(format!("{} bytes of scores for {vocabulary} pieces", scores.len()));
        }
        let mut starts: Vec<u8> = specials.iter().filter_map(|special| special.text.bytes().next()).collect();
        starts.dedup();
        Ok(Self {
            vocabulary,
            unknown,
            unknown_score,
            folds_spaces: settings & FOLDS_SPACES != 0,
            splits_at_white_space: settings & SPLITS_AT_WHITE_SPACE != 0,
            before,
            after,
            specials,
            starts,
            map,
            replacements,
            trie,
            scores,
            bytes,
        })
    }

    /// What [`Compiled::open`] takes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn vocabulary(&self) -> usize {
        self.vocabulary as usize
    }

    /// The ids of `text`, with those that stand around every text.
    pub(super) fn encode(&self, text: &str) -> Vec<u32> {
        let mut ids = self.before.clone();
        let mut room = Vec::new();
        self.split(text, |part| match part {
            Part::Special(id) => ids.push(id),
            Part::Word(word) => {
                let start = ids.len();
                self.pieces().backward(word, &mut room, |id| ids.push(id));
                ids[start..].reverse();
            }
        });
        ids.extend_from_slice(&self.after);
        ids
    }

    /// How many ids `text` itself has.
    pub(super) fn count(&self, text: &str) -> usize {
        let mut count = 0;
        let mut room: Vec<Node> = Vec::new();
        self.split(text, |part| match part {
            Part::Special(_) => count += 1,
            Part::Word(word) => self.pieces().backward(word, &mut room, |_| count += 1),
        });
        count
    }

    fn pieces(&self) -> Pieces<'_> {
        Pieces {
            trie: Trie::new(&self.bytes[self.trie.clone()]),
            scores: self.bytes[self.scores.clone()].as_chunks().0,
            unknown: self.unknown,
            unknown_score: self.unknown_score,
        }
    }

    fn normaliser(&self) -> Normaliser<'_> {
        Normaliser {
            map: Trie::new(&self.bytes[self.map.clone()]),
            replacements: &self.bytes[self.replacements.clone()],
            folds_spaces: self.folds_spaces,
            space: if self.splits_at_white_space { ' ' } else { SPACE },
        }
    }

    /// Special pieces, and between them normalised words, in the order of the text.
    fn split(&self, text: &str, mut visit: impl FnMut(Part<'_>)) {
        let mut normal = String::new();
        let mut words = |text: &str, visit: &mut dyn FnMut(Part<'_>)| {
            self.normaliser().normalise(text, &mut normal);
            if self.splits_at_white_space {
                normal.split_whitespace().for_each(|run| marked_words(run, visit));
            } else {
                marked_words(&normal, visit);
            }
        };
        let mut start = 0;
        while let Some((at, special)) = self.next_special(text, start) {
            let before = &text[start..at];
            words(if special.takes_space_before { before.trim_end() } else { before }, &mut visit);
            visit(Part::Special(special.id));
            start = at + special.text.len();
        }
        words(&text[start..], &mut visit);
    }

    /// The first special piece in `text` from `start`; of those at one place the longest.
    fn next_special(&self, text: &str, start: usize) -> Option<(usize, &Special)> {
        let bytes = text.as_bytes();
        (start..bytes.len()).filter(|at| self.starts.contains(&bytes[*at])).find_map(|at| {
            let here =
                self.specials.iter().filter(|special| bytes[at..].starts_with(special.text.as_bytes()));
            here.max_by_key(|special| special.text.len()).map(|special| (at, special))
        })
    }
}

/// A part of a text.
enum Part<'a> {
    Special(u32),
    /// Normalised, with its mark.
    Word(&'a str),
}

/// Cuts before every mark; what has none in front gets one.
fn marked_words(text: &str, visit: &mut dyn FnMut(Part<'_>)) {
    let mark = SPACE.len_utf8();
    let mut rest = text;
    if !text.is_empty() && !text.starts_with(SPACE) {
        let end = text.find(SPACE).unwrap_or(text.len());
        let (first, others) = text.split_at(end);
        visit(Part::Word(&format!("{SPACE}{first}")));
        rest = others;
    }
    while !rest.is_empty() {
        let end = rest[mark..].find(SPACE).map_or(rest.len(), |end| end + mark);
        let (word, others) = rest.split_at(end);
        visit(Part::Word(word));
        rest = others;
    }
}
