//! Texts to vectors, each text once: what the cache has is not embedded again.

use std::collections::HashMap;

use super::cache::{Key, VectorCache, key};
use super::{Embedded, EvalError};
use crate::embed::{EncodeError, Encoder, middles, plan};
use crate::paper::{Role, UnitVector, chunk};

/// The roles of a text that is kept, or compared with such.
pub(super) const BOTH: [Role; 2] = [Role::Query, Role::Passage];

/// Tokens between two looks at Ctrl+C, and between two writes of the cache.
const TOKENS_PER_BATCH: usize = 2_048;

/// The model, what it has embedded, and who is told.
pub struct Vectors<'a> {
    encoder: &'a dyn Encoder,
    cache: VectorCache,
    tell: Embedded<'a>,
}

impl<'a> Vectors<'a> {
    /// Vectors of `encoder`, of which `cache` has some.
    pub fn new(encoder: &'a dyn Encoder, cache: VectorCache, tell: Embedded<'a>) -> Self {
        Self { encoder, cache, tell }
    }

    /// The model.
    #[must_use]
    pub fn encoder(&self) -> &'a dyn Encoder {
        self.encoder
    }

    /// One vector a text, in order: the middle of its vectors in `roles`, as [`Encoder::encode_both`] makes it.
    ///
    /// # Errors
    /// If the model fails, the cache cannot be written, or the person stops it.
    pub fn embed(&mut self, roles: &[Role], texts: &[String]) -> Result<Vec<UnitVector>, EvalError> {
        let mut of_roles = roles.iter().map(|role| self.embed_in(*role, texts));
        let first = of_roles.next().unwrap_or_else(|| Ok(Vec::new()))?;
        of_roles.try_fold(first, |asked, stored| Ok(middles(asked, stored?).map_err(EncodeError::from)?))
    }

    fn embed_in(&mut self, role: Role, texts: &[String]) -> Result<Vec<UnitVector>, EvalError> {
        let keys: Vec<Key> = texts.iter().map(|text| key(self.encoder.fingerprint(), role, text)).collect();
        let mut missing: HashMap<Key, &str> = HashMap::new();
        let mut order = Vec::new();
        for (key, text) in keys.iter().zip(texts) {
            if self.cache.get(key).is_none() && missing.insert(*key, text).is_none() {
                order.push((*key, text.as_str()));
            }
        }
        let lengths: Vec<usize> = order.iter().map(|(_, text)| self.encoder.count_tokens(text)).collect();
        let mut done = 0;
        for batch in plan(&lengths, TOKENS_PER_BATCH) {
            let pieces: Vec<&str> = batch.iter().map(|at| order[*at].1).collect();
            let vectors = self.encoder.encode(role, &pieces)?;
            done += batch.len();
            self.cache.keep(batch.iter().map(|at| order[*at].0).zip(vectors).collect())?;
            if !(self.tell)(done, order.len()) {
                return Err(EvalError::Stopped);
            }
        }
        Ok(keys.iter().filter_map(|key| self.cache.get(key).cloned()).collect())
    }

    /// A text within what the model reads: as the product chunks it.
    #[must_use]
    pub fn chunks(&self, text: &str) -> Vec<String> {
        let spans = chunk(text, self.encoder.token_limit(), |piece| self.encoder.count_tokens(piece));
        spans.into_iter().map(|span| text[span].to_owned()).collect()
    }

    /// An error if the person has stopped it.
    pub(super) fn go_on(&mut self) -> Result<(), EvalError> {
        if (self.tell)(0, 0) { Ok(()) } else { Err(EvalError::Stopped) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::toy::Toy;
    use super::*;

    fn texts() -> Vec<String> {
        ["한국어", "中文", "English", "中文"].map(str::to_owned).to_vec()
    }

    #[test]
    fn what_was_embedded_once_is_not_embedded_again_and_damage_is_noted() {
        let folder = tempfile::tempdir().unwrap();
        let run = |embeds: usize, notes: usize| {
            let toy = Toy::default();
            let (cache, noted) = VectorCache::open(folder.path(), toy.dimension()).unwrap();
            assert_eq!(noted.len(), notes, "{noted:?}");
            let mut tell = |_, _| true;
            let mut vectors = Vectors::new(&toy, cache, &mut tell);
            let found = vectors.embed(&[Role::Passage], &texts()).unwrap();
            assert_eq!(toy.encoded.load(Ordering::SeqCst), embeds);
            found
        };
        let first = run(3, 0);
        assert_eq!(first[1], first[3]);
        assert_eq!(run(0, 0), first, "to the last bit");
        let file = folder.path().join("0001.vectors");
        let mut bytes = fs_err::read(&file).unwrap();
        bytes[24 + 40] ^= 1;
        bytes.extend(b"half a record");
        fs_err::write(&file, bytes).unwrap();
        assert_eq!(run(1, 1), first, "one record was damaged");
        assert!(folder.path().join("0002.vectors").exists());
        fs_err::write(&file, b"something else").unwrap();
        assert_eq!(run(2, 1), first);
    }

    #[test]
    fn roles_and_models_do_not_mix_and_a_stop_is_heeded() {
        assert_ne!(key("m", Role::Query, "x"), key("m", Role::Passage, "x"));
        assert_ne!(key("m", Role::Query, "x"), key("n", Role::Query, "x"));
        let toy = Toy::default();
        let asked = AtomicUsize::new(0);
        let mut tell = |_, _| {
            asked.fetch_add(1, Ordering::SeqCst);
            false
        };
        let stopped = Vectors::new(&toy, VectorCache::in_memory(), &mut tell).embed(&[Role::Query], &texts());
        assert!(matches!(stopped, Err(EvalError::Stopped)));
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
}
