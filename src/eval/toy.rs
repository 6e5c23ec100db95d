//! For the tests of this room: a model without weights, to which texts that share letters are alike.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::embed::{EncodeError, Encoder};
use crate::paper::{Role, UnitVector};

/// Hashes the characters of a text into sixteen numbers, and counts the texts.
#[derive(Default)]
pub(super) struct Toy {
    pub(super) encoded: AtomicUsize,
}

impl Encoder for Toy {
    fn fingerprint(&self) -> &str {
        "toy"
    }

    fn dimension(&self) -> usize {
        16
    }

    fn token_limit(&self) -> usize {
        200
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.chars().count()
    }

    fn encode(&self, role: Role, texts: &[&str]) -> Result<Vec<UnitVector>, EncodeError> {
        self.encoded.fetch_add(texts.len(), Ordering::SeqCst);
        let vector = |text: &&str| {
            let mut numbers = vec![if role == Role::Query { 0.2 } else { 0.1 }; 16];
            for c in text.chars() {
                numbers[((c as usize).wrapping_mul(2_654_435_761) >> 16) % 16] += 1.0;
            }
            Ok(UnitVector::new(numbers)?)
        };
        texts.iter().map(vector).collect()
    }
}
