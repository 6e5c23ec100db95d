//! Where the tensors of a file lie: GGUF and safetensors headers read into one table of slots, which is checked
//! against the length of the file before any of it is used. candle's own GGUF reader allocates what a file's
//! lengths say; a garbled file must be an error here and not the end of the process.

use std::collections::HashMap;
use std::ops::Range;

use candle_core::quantized::GgmlDType;
use safetensors::{Dtype, SafeTensors};

use super::bytes::Cursor;

/// Where a tensor lies in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) kind: GgmlDType,
    /// Outermost dimension first.
    pub(super) shape: Vec<usize>,
    pub(super) range: Range<usize>,
}

impl Slot {
    /// Bytes of `count` weights of one row; rows begin at whole blocks.
    pub(super) fn bytes_of(kind: GgmlDType, count: usize) -> Result<usize, String> {
        let (block, size) = (kind.block_size(), kind.type_size());
        if !count.is_multiple_of(block) {
            return Err(format!("rows of {count} weights in blocks of {block}"));
        }
        (count / block).checked_mul(size).ok_or_else(|| format!("{count} weights"))
    }

    /// A slot that begins at `start`, and whose bytes the file has.
    fn new(kind: GgmlDType, shape: Vec<usize>, start: usize, file: usize) -> Result<Self, String> {
        let row = Self::bytes_of(kind, shape.last().copied().unwrap_or(1))?;
        let mut outer = shape.iter().rev().skip(1);
        let bytes = outer.try_fold(row, |bytes, rows| bytes.checked_mul(*rows));
        let end = bytes.and_then(|bytes| start.checked_add(bytes)).filter(|end| *end <= file);
        match end {
            Some(end) => Ok(Self { kind, shape, range: start..end }),
            None => Err(format!("shape {shape:?} at byte {start} ends after the file ({file} bytes)")),
        }
    }
}

/// Name to slot.
pub(super) type Slots = HashMap<String, Slot>;

/// The tensors of a safetensors file; those of integers (position ids in old exports) are left out.
pub(super) fn read_safetensors(file: &[u8]) -> Result<Slots, String> {
    let (header, metadata) = SafeTensors::read_metadata(file).map_err(|error| error.to_string())?;
    let mut slots = Slots::new();
    for (name, info) in metadata.tensors() {
        let kind = match info.dtype {
            Dtype::F32 => GgmlDType::F32,
            Dtype::F16 => GgmlDType::F16,
            Dtype::BF16 => GgmlDType::BF16,
            _ => continue,
        };
        let start = info.data_offsets.0.saturating_add(header).saturating_add(size_of::<u64>());
        let slot = Slot::new(kind, info.shape.clone(), start, file.len());
        slots.insert(name.clone(), slot.map_err(|reason| format!("{name}: {reason}"))?);
    }
    Ok(slots)
}

/// The tensors of a GGUF file, version 2 or 3.
pub(super) fn read_gguf(file: &[u8]) -> Result<Slots, String> {
    let mut cursor = Cursor::new(file);
    if cursor.take(4)? != b"GGUF" {
        return Err("it does not begin with GGUF".to_owned());
    }
    match cursor.u32()? {
        2 | 3 => {}
        other => return Err(format!("version {other} of GGUF is not known")),
    }
    let (tensors, values) = (cursor.u64()?, cursor.u64()?);
    let mut alignment = 32;
    for _ in 0..values {
        let key = string(&mut cursor)?;
        let kind = cursor.u32()?;
        if key == b"general.alignment" && kind == UINT32 {
            alignment = cursor.u32()? as usize;
        } else {
            skip(&mut cursor, kind)?;
        }
    }
    if !alignment.is_power_of_two() {
        return Err(format!("an alignment of {alignment}"));
    }

    let mut found = Vec::new();
    for _ in 0..tensors {
        let name = String::from_utf8_lossy(string(&mut cursor)?).into_owned();
        let dimensions = cursor.u32()?;
        if dimensions > 4 {
            return Err(format!("{name} has {dimensions} dimensions"));
        }
        let mut shape = (0..dimensions)
            .map(|_| usize::try_from(cursor.u64()?).map_err(|error| error.to_string()))
            .collect::<Result<Vec<_>, _>>()?;
        shape.reverse();
        let kind = kind(cursor.u32()?).map_err(|reason| format!("{name}: {reason}"))?;
        let offset = usize::try_from(cursor.u64()?).map_err(|error| error.to_string())?;
        found.push((name, kind, shape, offset));
    }
    let data = cursor.position().next_multiple_of(alignment);
    let mut slots = Slots::new();
    for (name, kind, shape, offset) in found {
        let slot = Slot::new(kind, shape, data.saturating_add(offset), file.len());
        slots.insert(name.clone(), slot.map_err(|reason| format!("{name}: {reason}"))?);
    }
    Ok(slots)
}

const UINT32: u32 = 4;
const STRING: u32 = 8;
const ARRAY: u32 = 9;

fn string<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], String> {
    let length = cursor.u64()?;
    cursor.take_u64(length)
}

/// Bytes of one value of a metadata type of fixed size.
fn width(kind: u32) -> Result<u64, String> {
    match kind {
        0 | 1 | 7 => Ok(1),
        2 | 3 => Ok(2),
        4..=6 => Ok(4),
        10..=12 => Ok(8),
        other => Err(format!("metadata of type {other}")),
    }
}

fn skip(cursor: &mut Cursor<'_>, kind: u32) -> Result<(), String> {
    match kind {
        STRING => string(cursor).map(drop),
        ARRAY => {
            let (kind, count) = (cursor.u32()?, cursor.u64()?);
            if kind == STRING {
                return (0..count).try_for_each(|_| string(cursor).map(drop));
            }
            cursor.take_u64(width(kind)?.checked_mul(count).ok_or("an endless array")?).map(drop)
        }
        fixed => cursor.take_u64(width(fixed)?).map(drop),
    }
}

/// GGML's number of a type, for the types that weights are stored in and that candle can expand.
fn kind(number: u32) -> Result<GgmlDType, String> {
    Ok(match number {
        0 => GgmlDType::F32,
        1 => GgmlDType::F16,
        2 => GgmlDType::Q4_0,
        3 => GgmlDType::Q4_1,
        6 => GgmlDType::Q5_0,
        7 => GgmlDType::Q5_1,
        8 => GgmlDType::Q8_0,
        10 => GgmlDType::Q2K,
        11 => GgmlDType::Q3K,
        12 => GgmlDType::Q4K,
        13 => GgmlDType::Q5K,
        14 => GgmlDType::Q6K,
        30 => GgmlDType::BF16,
        other => return Err(format!("weights of type {other} are not read")),
    })
}
