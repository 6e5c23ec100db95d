//! The weights of a BERT, from safetensors or GGUF, through one interface. Everything is found and its shape
//! checked when the file is opened; a tensor is expanded to f32 when it is asked for. The word table, four fifths
//! of the file, is never expanded: its rows are decoded from the mapped file as texts need them.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{Device, Tensor};
use memmap2::Mmap;

use super::config::ModelConfig;
use super::error::ModelError;
use super::folder::VerifiedModel;
use super::names::TensorName;
use super::slots::{Slot, Slots, read_gguf, read_safetensors};

/// The weights of one model, opened.
pub struct Weights {
    config: ModelConfig,
    device: Device,
    file: PathBuf,
    map: Mmap,
    slots: Slots,
    naming: Naming,
}

/// How a file names its tensors.
#[derive(Clone, Copy, Debug)]
enum Naming {
    Gguf,
    /// With this before every name: exports of a model with a head say `bert.`.
    Published(&'static str),
}

impl Naming {
    fn of(self, name: TensorName) -> String {
        match self {
            Self::Gguf => name.gguf(),
            Self::Published(prefix) => format!("{prefix}{}", name.published()),
        }
    }
}

impl Weights {
    /// Opens the weights of `model`; its tensors will be made on `device`.
    ///
    /// # Errors
    /// Where config or weights are damaged, of another architecture, or of shapes that do not fit each other.
    pub fn load(model: &VerifiedModel, device: &Device) -> Result<Self, ModelError> {
        Self::open(&model.file("config.json"), &model.weights()?, device)
    }

    pub(super) fn open(config: &Path, file: &Path, device: &Device) -> Result<Self, ModelError> {
        let config = ModelConfig::read(config)?;
        let opened = fs_err::File::open(file)?;
        #[expect(unsafe_code, reason = "memory mapping is unsafe by nature")]
        // SAFETY: the map is only read, and nothing of ours writes into a model's file once it has its name: fetch
        // writes under other names and renames, which leaves a mapped file as it was.
        let map = unsafe { Mmap::map(opened.file()) }?;
        let is_gguf = file.extension().is_some_and(|end| end == "gguf");
        let wanted = if is_gguf { "GGUF weights" } else { "safetensors weights" };
        let bad = |reason: String| ModelError::Format { file: file.to_owned(), wanted, reason };

        let slots = if is_gguf { read_gguf(&map) } else { read_safetensors(&map) }.map_err(bad)?;
        let naming = if is_gguf {
            Naming::Gguf
        } else if slots.contains_key(&format!("bert.{}", TensorName::Words.published())) {
            Naming::Published("bert.")
        } else {
            Naming::Published("")
        };
        for name in TensorName::all(config.layers) {
            let (called, shape) = (naming.of(name), name.shape(&config));
            match slots.get(&called) {
                None => return Err(bad(format!("it has no tensor {called}"))),
                Some(slot) if slot.shape != shape => {
                    return Err(bad(format!("{called} is {:?}, the config says {shape:?}", slot.shape)));
                }
                Some(_) => {}
            }
        }
        Ok(Self { config, device: device.clone(), file: file.to_owned(), map, slots, naming })
    }

    /// The shape of the model.
    #[must_use]
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// A tensor in f32 on the device; for a dense part one row an output.
    ///
    /// # Errors
    /// Where the model has no such layer, or the device no memory.
    pub fn tensor(&self, name: TensorName) -> Result<Tensor, ModelError> {
        Ok(Tensor::from_vec(self.values(name)?, self.slot(name)?.shape.as_slice(), &self.device)?)
    }

    /// A tensor in f32, one row after the other.
    ///
    /// # Errors
    /// Where the model has no such layer.
    pub(super) fn values(&self, name: TensorName) -> Result<Vec<f32>, ModelError> {
        let (kind, bytes) = self.stored(name)?;
        decode(kind, bytes)
    }

    /// A tensor as the file has it.
    ///
    /// # Errors
    /// Where the model has no such layer.
    pub(super) fn stored(&self, name: TensorName) -> Result<(GgmlDType, &[u8]), ModelError> {
        let slot = self.slot(name)?;
        Ok((slot.kind, &self.map[slot.range.clone()]))
    }

    /// The rows of the word table for `ids`, one after the other, in f32.
    ///
    /// # Errors
    /// Where an id is not below [`ModelConfig::rows`].
    pub fn word_rows(&self, ids: &[u32]) -> Result<Vec<f32>, ModelError> {
        let slot = self.slot(TensorName::Words)?;
        let table = &self.map[slot.range.clone()];
        let row = Slot::bytes_of(slot.kind, self.config.hidden).map_err(|reason| self.bad(reason))?;
        let mut rows = Vec::with_capacity(ids.len() * row);
        for id in ids {
            let start = (*id as usize).checked_mul(row);
            let bytes = start.and_then(|start| table.get(start..)?.get(..row));
            rows.extend_from_slice(bytes.ok_or_else(|| self.bad(format!("the word table has no row {id}")))?);
        }
        decode(slot.kind, &rows)
    }

    fn slot(&self, name: TensorName) -> Result<&Slot, ModelError> {
        let called = self.naming.of(name);
        self.slots.get(&called).ok_or_else(|| self.bad(format!("it has no tensor {called}")))
    }

    fn bad(&self, reason: String) -> ModelError {
        ModelError::Format { file: self.file.clone(), wanted: "weights", reason }
    }
}

/// Expands whole blocks to f32.
fn decode(kind: GgmlDType, bytes: &[u8]) -> Result<Vec<f32>, ModelError> {
    if kind == GgmlDType::F32 {
        return Ok(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect());
    }
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let count = bytes.len() / kind.type_size() * kind.block_size();
    // A copy, because candle asserts an alignment that neither a file nor a slice of it promises; any allocation
    // that is not empty has the four bytes that blocks need.
    let storage = QStorage::from_data(Cow::Owned(bytes.to_vec()), &Device::Cpu, kind)?;
    Ok(QTensor::new(storage, count)?.dequantize(&Device::Cpu)?.to_vec1()?)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use candle_core::DType;
    use candle_core::quantized::gguf_file;
    use std::collections::HashMap;

    const CONFIG: &str = r#"{"model_type":"bert","hidden_act":"gelu","hidden_size":32,"num_hidden_layers":1,
        "num_attention_heads":2,"intermediate_size":64,"max_position_embeddings":16,"vocab_size":10,
        "type_vocab_size":2,"layer_norm_eps":1e-12}"#;

    /// A folder with the config, and a tensor for every name: small multiples of 1/8, exact in every kind of float.
    pub(in crate::embed) fn setting() -> (tempfile::TempDir, ModelConfig, Vec<(TensorName, Tensor)>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        fs_err::write(&path, CONFIG).unwrap();
        let config = ModelConfig::read(&path).unwrap();
        let tensors = TensorName::all(1).enumerate().map(|(number, name)| {
            let shape = name.shape(&config);
            let count = shape.iter().product::<usize>();
            let values = (0..count).map(|i| ((i * 7 + number) % 33) as f32 / 8.0 - 2.0).collect::<Vec<_>>();
            (name, Tensor::from_vec(values, shape, &Device::Cpu).unwrap())
        });
        let tensors = tensors.collect();
        (folder, config, tensors)
    }

    pub(in crate::embed) fn open(folder: &tempfile::TempDir, file: &str) -> Result<Weights, ModelError> {
        Weights::open(&folder.path().join("config.json"), &folder.path().join(file), &Device::Cpu)
    }

    pub(in crate::embed) fn gguf(tensors: &[(TensorName, Tensor)], kind: GgmlDType) -> Vec<u8> {
        mixed_gguf(tensors, |_| kind)
    }

    /// With a kind for each matrix, as makers of smaller files choose them.
    pub(in crate::embed) fn mixed_gguf(
        tensors: &[(TensorName, Tensor)],
        kind: impl Fn(TensorName) -> GgmlDType,
    ) -> Vec<u8> {
        let quantised = |name: TensorName, tensor: &Tensor| {
            let kind = if tensor.rank() == 2 { kind(name) } else { GgmlDType::F32 };
            QTensor::quantize(tensor, kind).unwrap()
        };
        let tensors: Vec<_> =
            tensors.iter().map(|(name, tensor)| (name.gguf(), quantised(*name, tensor))).collect();
        let tensors: Vec<_> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
        let name = gguf_file::Value::String("tiny".to_owned());
        let list = gguf_file::Value::Array(vec![gguf_file::Value::U32(1), gguf_file::Value::U32(2)]);
        let mut out = std::io::Cursor::new(Vec::new());
        gguf_file::write(&mut out, &[("general.name", &name), ("a.list", &list)], &tensors).unwrap();
        out.into_inner()
    }

    fn same(weights: &Weights, tensors: &[(TensorName, Tensor)]) {
        for (name, expected) in tensors {
            let found = weights.tensor(*name).unwrap();
            assert_eq!(found.dims(), expected.dims(), "{name:?}");
            let values = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert_eq!(values(&found), values(expected), "{name:?}");
        }
        let table = tensors[0].1.to_vec2::<f32>().unwrap();
        assert_eq!(weights.word_rows(&[3, 9, 3]).unwrap(), [&table[3][..], &table[9], &table[3]].concat());
        assert_eq!(weights.word_rows(&[]).unwrap(), [0.0f32; 0]);
        assert!(weights.word_rows(&[10]).is_err());
    }

    #[test]
    fn every_format_gives_the_same_numbers() {
        let (folder, _, tensors) = setting();
        for (prefix, kind) in [("", DType::F32), ("bert.", DType::F16), ("", DType::BF16)] {
            let mut named: HashMap<String, Tensor> = tensors
                .iter()
                .map(|(name, tensor)| {
                    (format!("{prefix}{}", name.published()), tensor.to_dtype(kind).unwrap())
                })
                .collect();
            let ids = Tensor::arange(0i64, 16, &Device::Cpu).unwrap();
            named.insert(format!("{prefix}embeddings.position_ids"), ids);
            candle_core::safetensors::save(&named, folder.path().join("model.safetensors")).unwrap();
            same(&open(&folder, "model.safetensors").unwrap(), &tensors);
        }
        for kind in [GgmlDType::F32, GgmlDType::F16, GgmlDType::BF16] {
            fs_err::write(folder.path().join("model.gguf"), gguf(&tensors, kind)).unwrap();
            same(&open(&folder, "model.gguf").unwrap(), &tensors);
        }
    }

    #[test]
    fn quantised_rows_are_those_of_the_whole_table() {
        let (folder, _, tensors) = setting();
        for kind in [GgmlDType::Q4_0, GgmlDType::Q4_1, GgmlDType::Q5_0, GgmlDType::Q5_1, GgmlDType::Q8_0] {
            fs_err::write(folder.path().join("model.gguf"), gguf(&tensors, kind)).unwrap();
            let weights = open(&folder, "model.gguf").unwrap();
            let table = weights.tensor(TensorName::Words).unwrap().to_vec2::<f32>().unwrap();
            assert_eq!(weights.word_rows(&[9, 0]).unwrap(), [&table[9][..], &table[0]].concat());
        }
    }

    #[test]
    fn shapes_that_do_not_fit_the_config_are_named() {
        let (folder, _, mut tensors) = setting();
        fs_err::write(folder.path().join("model.gguf"), gguf(&tensors[1..], GgmlDType::F32)).unwrap();
        let error = open(&folder, "model.gguf").err().unwrap().to_string();
        assert!(error.contains("token_embd.weight") && error.contains("model.gguf"), "{error}");
        tensors[0].1 = Tensor::zeros((11, 32), DType::F32, &Device::Cpu).unwrap();
        fs_err::write(folder.path().join("model.gguf"), gguf(&tensors, GgmlDType::F32)).unwrap();
        let error = open(&folder, "model.gguf").err().unwrap().to_string();
        assert!(error.contains("[11, 32]") && error.contains("[10, 32]"), "{error}");
    }

    #[test]
    fn garbled_files_are_errors() {
        let (folder, _, tensors) = setting();
        let named: HashMap<String, Tensor> =
            tensors.iter().map(|(name, tensor)| (name.published(), tensor.clone())).collect();
        candle_core::safetensors::save(&named, folder.path().join("model.safetensors")).unwrap();
        let safetensors = fs_err::read(folder.path().join("model.safetensors")).unwrap();
        for (file, whole) in
            [("model.gguf", gguf(&tensors, GgmlDType::Q4_0)), ("model.safetensors", safetensors)]
        {
            let path = folder.path().join(file);
            for length in (0..whole.len()).step_by(whole.len() / 60) {
                fs_err::write(&path, &whole[..length]).unwrap();
                let error = open(&folder, file).err().unwrap().to_string();
                assert!(error.contains(file), "{error}");
            }
            for at in 0..1500 {
                for value in [0, 0x7f, 0xff] {
                    let mut garbled = whole.clone();
                    garbled[at] = value;
                    let read =
                        if file.ends_with("gguf") { read_gguf(&garbled) } else { read_safetensors(&garbled) };
                    for slot in read.iter().flat_map(Slots::values) {
                        let bytes = garbled.get(slot.range.clone()).unwrap();
                        decode(slot.kind, bytes).unwrap();
                    }
                }
            }
        }
    }
}
