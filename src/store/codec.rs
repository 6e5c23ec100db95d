//! Values as bytes: one byte of version, eight of checksum, then JSON or little-endian f32.
//!
//! redb checks its pages only on request, so a flipped bit would be read as a changed word in somebody's
//! abstract. The checksum covers the key too: a value that ended up under another key is no value.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::error::Fault;
use crate::paper::{PassageVectors, UnitVector};

const VERSION: u8 = 1;
const HEADER: usize = 9;

fn checksum(key: u32, payload: &[u8]) -> [u8; 8] {
    let digest = Sha256::new().chain_update(key.to_le_bytes()).chain_update(payload).finalize();
    let mut head = [0; 8];
    head.copy_from_slice(&digest[..8]);
    head
}

/// `payload` under `key`, with version and checksum.
pub(super) fn seal(key: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + payload.len());
    bytes.push(VERSION);
    bytes.extend_from_slice(&checksum(key, payload));
    bytes.extend_from_slice(payload);
    bytes
}

/// The payload of `bytes` found under `key` of `table`.
pub(super) fn unseal<'b>(table: &str, key: u32, bytes: &'b [u8]) -> Result<&'b [u8], Fault> {
    let damaged = |why: &str| Fault::Value(format!("{table} {key}: {why}"));
    match bytes.split_first() {
        Some((&VERSION, rest)) => match rest.split_at_checked(HEADER - 1) {
            Some((sum, payload)) if sum == checksum(key, payload) => Ok(payload),
            Some(_) => Err(damaged("the checksum does not fit")),
            None => Err(damaged("too short")),
        },
        Some((version, _)) => Err(damaged(&format!("unknown version {version}"))),
        None => Err(damaged("empty")),
    }
}

/// The bytes of `value` under `key`.
pub(super) fn encode<T: Serialize>(table: &str, key: u32, value: &T) -> Result<Vec<u8>, Fault> {
    let json = serde_json::to_vec(value).map_err(|error| Fault::Value(format!("{table} {key}: {error}")))?;
    Ok(seal(key, &json))
}

/// The value of `bytes` found under `key`.
pub(super) fn decode<T: DeserializeOwned>(table: &str, key: u32, bytes: &[u8]) -> Result<T, Fault> {
    let json = unseal(table, key, bytes)?;
    serde_json::from_slice(json).map_err(|error| Fault::Value(format!("{table} {key}: {error}")))
}

/// The bytes of a passage's vectors under `key`: its own as f32, and then each sentence's with a byte a number.
pub(super) fn encode_vectors(key: u32, vectors: &PassageVectors) -> Vec<u8> {
    let whole = vectors.whole.as_slice().iter().flat_map(|value| value.to_le_bytes());
    let payload: Vec<u8> = whole.chain(vectors.sentences.iter().flat_map(UnitVector::to_bytes)).collect();
    seal(key, &payload)
}

/// A sealed value, moved from one key to another; the vectors put by are all under 0.
pub(super) fn resealed(from: u32, to: u32, bytes: &[u8]) -> Result<Vec<u8>, Fault> {
    Ok(seal(to, unseal("vectors", from, bytes)?))
}

/// The passage's own vector of `bytes` found under `key`, into `vector`.
pub(super) fn decode_vector(
    key: u32,
    bytes: &[u8],
    dimension: usize,
    vector: &mut Vec<f32>,
) -> Result<(), Fault> {
    let (whole, _) = parts(key, bytes, dimension)?;
    vector.clear();
    vector.extend(whole.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)));
    Ok(())
}

/// The vectors of the sentences in `bytes` found under `key`.
pub(super) fn decode_sentences(key: u32, bytes: &[u8], dimension: usize) -> Result<Vec<UnitVector>, Fault> {
    let (_, sentences) = parts(key, bytes, dimension)?;
    let vector = |bytes| {
        UnitVector::from_bytes(bytes).map_err(|error| Fault::Value(format!("vectors {key}: {error}")))
    };
    sentences.chunks_exact(dimension.max(1)).map(vector).collect()
}

/// The passage's own vector, and those of its sentences.
fn parts(key: u32, bytes: &[u8], dimension: usize) -> Result<(&[u8], &[u8]), Fault> {
    let payload = unseal("vectors", key, bytes)?;
    let parts = payload.split_at_checked(4 * dimension);
    parts.filter(|(_, sentences)| dimension > 0 && sentences.len().is_multiple_of(dimension)).ok_or_else(
        || {
            Fault::Value(format!(
                "vectors {key}: {} bytes are no vectors of {dimension} numbers",
                payload.len()
            ))
        },
    )
}
