//! A model without weights: texts that share letters are near each other, always in the same way.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use paperkin::embed::{EncodeError, Encoder};
use paperkin::paper::{PassageVectors, Record, Role, UnitVector, passages_of};
use paperkin::store::{Pending, Store, Writer};

/// Hashes the bigrams of a text into 64 numbers. A text that holds [`ToyEncoder::PANIC`] makes it panic.
#[derive(Default)]
pub struct ToyEncoder {
    gate: Mutex<()>,
    /// Milliseconds that a batch of passages takes.
    pub slowness: AtomicU64,
}

impl ToyEncoder {
    /// What no model should be given.
    pub const PANIC: &str = "make the model panic";
    const DIMENSION: usize = 64;
    const LIMIT: usize = 400;

    /// Until the guard is dropped, encoding waits.
    pub fn hold(&self) -> MutexGuard<'_, ()> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn vector(text: &str) -> Result<UnitVector, EncodeError> {
        let mut values = vec![0.01; Self::DIMENSION];
        let letters: Vec<char> = text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
        for pair in letters.windows(2) {
            // FNV-1a: the same on every machine.
            let hash =
                pair.iter().fold(0x811c_9dc5_u32, |hash, c| (hash ^ u32::from(*c)).wrapping_mul(0x0100_0193));
            values[hash as usize % Self::DIMENSION] += 1.0;
        }
        Ok(UnitVector::new(values)?)
    }

    fn vectors(passage: &Pending) -> PassageVectors {
        let vector = |text: &String| Self::vector(text).unwrap();
        PassageVectors {
            whole: vector(&passage.text),
            sentences: passage.sentences.iter().map(vector).collect(),
        }
    }
}

impl Encoder for ToyEncoder {
    fn fingerprint(&self) -> &str {
        "toy"
    }

    fn dimension(&self) -> usize {
        Self::DIMENSION
    }

    fn token_limit(&self) -> usize {
        Self::LIMIT
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.chars().count()
    }

    fn encode(&self, role: Role, texts: &[&str]) -> Result<Vec<UnitVector>, EncodeError> {
        drop(self.hold());
        if role == Role::Passage {
            std::thread::sleep(Duration::from_millis(self.slowness.load(Ordering::SeqCst)));
        }
        assert!(!texts.iter().any(|text| text.contains(Self::PANIC)), "as asked");
        if let Some(position) = texts.iter().position(|text| self.count_tokens(text) > Self::LIMIT) {
            let tokens = self.count_tokens(texts[position]);
            return Err(EncodeError::TooLong { position, tokens, limit: Self::LIMIT });
        }
        texts.iter().map(|text| Self::vector(text)).collect()
    }
}

/// A library of `records` in a folder that goes with it, embedded by a toy.
pub struct ToyLibrary {
    /// Where it lies.
    pub folder: tempfile::TempDir,
    /// Its model.
    pub encoder: Arc<ToyEncoder>,
}

impl ToyLibrary {
    pub fn of(records: Vec<Record>) -> Self {
        let library = Self { folder: tempfile::tempdir().unwrap(), encoder: Arc::default() };
        library.put(records);
        library
    }

    /// Stores and embeds more, as another process would.
    pub fn put(&self, records: Vec<Record>) {
        let encoder = &self.encoder;
        let mut writer =
            Writer::open(self.folder.path(), encoder.fingerprint(), encoder.dimension()).unwrap();
        writer
            .put(records, &|paper| {
                passages_of(paper, encoder.token_limit(), |text| encoder.count_tokens(text))
            })
            .unwrap();
        let pending = Store::open(self.folder.path()).unwrap().pending(usize::MAX).unwrap();
        let vectors: Vec<_> =
            pending.into_iter().map(|passage| (passage.number, ToyEncoder::vectors(&passage))).collect();
        writer.put_vectors(&vectors).unwrap();
    }
}
