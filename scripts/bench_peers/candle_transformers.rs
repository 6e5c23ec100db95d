//! candle's own BERT under the contract of `contract.py`: what a Rust program gets from the crates as they are.
//!
//! fp32, texts sorted by length and padded to the longest of their batch, the threads and the allocator that candle takes
//! by itself. It is the "times candle-transformers" of the README's speed table, and an example because a second
//! package would compile candle again.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, bail};
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config, HiddenAct};
use clap::Parser;
use paperkin::embed::{Manifest, ModelFolder, Part, TensorName, Term, Weights};
use serde::Deserialize;
use serde_json::json;
use tokenizers::Tokenizer;

const BATCHES: [usize; 6] = [1, 4, 8, 16, 32, 64];
const QUERY: &str = "query: ";
const PASSAGE: &str = "passage: ";

/// One engine under the contract of scripts/bench_peers/contract.py.
#[derive(Parser)]
struct Arguments {
    /// Folder of model.gguf and tokenizer.json.
    #[arg(long)]
    model: PathBuf,
    /// Without it the engine ends when it is ready.
    #[arg(long)]
    texts: Option<PathBuf>,
    #[arg(long)]
    questions: Option<PathBuf>,
    #[arg(long, default_value_t = 1)]
    rounds: usize,
    /// What is noted; candle itself reads RAYON_NUM_THREADS.
    #[arg(long)]
    threads: usize,
    /// Texts a batch; else the best of a sweep.
    #[arg(long)]
    batch: Option<usize>,
    #[arg(long)]
    vectors: Option<PathBuf>,
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Line {
    text: String,
}

struct Engine {
    tokenizer: Tokenizer,
    bert: BertModel,
}

impl Engine {
    fn load(folder: &Path) -> anyhow::Result<Self> {
        let tokenizer = Tokenizer::from_file(folder.join("tokenizer.json"))
            .map_err(|error| anyhow::anyhow!("{}: {error}", folder.join("tokenizer.json").display()))?;
        let (models, name) = folder.parent().zip(folder.file_name()).context("--model names no folder")?;
        let manifest = Manifest::find(models, &name.to_string_lossy())?;
        let weights = Weights::load(
            &ModelFolder::locate(&manifest, models).and_then(ModelFolder::verify)?,
            &Device::Cpu,
        )?;
        Ok(Self { tokenizer, bert: bert(&weights)? })
    }

    fn ids(&self, texts: Vec<String>) -> anyhow::Result<Vec<Vec<u32>>> {
        let encodings =
            self.tokenizer.encode_batch_fast(texts, true).map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(encodings.iter().map(|encoding| encoding.get_ids().to_vec()).collect())
    }

    fn embed(&self, texts: &[String], batch: usize) -> anyhow::Result<Vec<Vec<f32>>> {
        let ids = self.ids(texts.to_vec())?;
        let mut order: Vec<usize> = (0..ids.len()).collect();
        order.sort_by_key(|&place| ids[place].len());
        let mut vectors = vec![Vec::new(); ids.len()];
        for places in order.chunks(batch) {
            let made =
                self.forward(&places.iter().map(|&place| ids[place].as_slice()).collect::<Vec<_>>())?;
            for (&place, vector) in places.iter().zip(made) {
                vectors[place] = vector;
            }
        }
        Ok(vectors)
    }

    fn forward(&self, ids: &[&[u32]]) -> anyhow::Result<Vec<Vec<f32>>> {
        let longest = ids.iter().map(|line| line.len()).max().unwrap_or(0);
        let row = |fill: &dyn Fn(&[u32]) -> Vec<u32>, rest: u32| {
            let mut table = Vec::with_capacity(ids.len() * longest);
            for line in ids {
                table.extend(fill(line));
                table.resize(table.len() + longest - line.len(), rest);
            }
            Tensor::from_vec(table, (ids.len(), longest), &Device::Cpu)
        };
        let table = row(&|line| line.to_vec(), 1)?;
        let mask = row(&|line| vec![1; line.len()], 0)?.to_dtype(DType::F32)?;
        let hidden = self.bert.forward(&table, &table.zeros_like()?, Some(&mask))?;
        let summed = hidden.broadcast_mul(&mask.unsqueeze(2)?)?.sum(1)?;
        let mean = summed.broadcast_div(&mask.sum_keepdim(1)?)?;
        Ok(mean.broadcast_div(&mean.sqr()?.sum_keepdim(1)?.sqrt()?)?.to_vec2()?)
    }

    /// The size with the least time; twice around, as the first use of a shape may allocate.
    fn best_batch(&self, texts: &[String]) -> anyhow::Result<usize> {
        let mut best = (f64::INFINITY, 1);
        for batch in BATCHES.iter().cycle().take(2 * BATCHES.len()) {
            let started = Instant::now();
            self.embed(texts, *batch)?;
            let took = started.elapsed().as_secs_f64();
            if took < best.0 {
                best = (took, *batch);
            }
        }
        Ok(best.1)
    }
}

fn main() -> anyhow::Result<()> {
    let chosen = Arguments::parse();
    let engine = Engine::load(&chosen.model)?;
    engine.embed(&[format!("{QUERY}what is a warm-up?")], 1)?;
    println!("ready");
    let idle = resident("VmRSS")?;
    let Some(texts) = &chosen.texts else { return Ok(()) };
    let texts = read(texts, PASSAGE)?;
    let questions = match &chosen.questions {
        Some(path) => read(path, QUERY)?,
        None => Vec::new(),
    };

    let batch = match chosen.batch {
        Some(batch) => batch,
        None => engine.best_batch(&texts.iter().step_by(5).cloned().collect::<Vec<_>>())?,
    };
    let (mut vectors, mut seconds, mut question_ms) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..chosen.rounds {
        let started = Instant::now();
        vectors = engine.embed(&texts, batch)?;
        seconds.push(started.elapsed().as_secs_f64());
        for question in &questions {
            let started = Instant::now();
            engine.embed(std::slice::from_ref(question), 1)?;
            question_ms.push(started.elapsed().as_secs_f64() * 1000.0);
        }
    }
    let peak = resident("VmHWM")?;
    if let Some(path) = &chosen.vectors {
        let bytes: Vec<u8> = vectors.iter().flatten().flat_map(|value: &f32| value.to_le_bytes()).collect();
        fs_err::write(path, bytes)?;
    }
    if let Some(path) = &chosen.json {
        let count = texts.len();
        let tokens: usize = engine.ids(texts)?.iter().map(Vec::len).sum();
        let row = json!({
            "engine": "candle-transformers fp32", "detail": "candle-transformers BertModel", "threads": chosen.threads,
            "batch": batch, "texts": count, "tokens": tokens, "seconds": seconds, "question_ms": question_ms,
            "idle_mb": idle, "peak_mb": peak,
        });
        fs_err::write(path, format!("{row}\n"))?;
    }
    Ok(())
}

fn read(path: &Path, prefix: &str) -> anyhow::Result<Vec<String>> {
    fs_err::read_to_string(path)?
        .lines()
        .map(|line| {
            let line: Line = serde_json::from_str(line).with_context(|| path.display().to_string())?;
            Ok(format!("{prefix}{}", line.text))
        })
        .collect()
}

/// Megabytes (2^20 bytes) of this process, as the kernel counts them.
fn resident(field: &str) -> anyhow::Result<f64> {
    let status = fs_err::read_to_string("/proc/self/status")?;
    for line in status.lines() {
        if let Some(kilobytes) = line.strip_prefix(field).and_then(|rest| rest.split_whitespace().nth(1)) {
            return Ok(kilobytes.parse::<f64>()? / 1024.0);
        }
    }
    bail!("/proc/self/status has no {field}: memory is read from Linux's proc")
}

fn bert(weights: &Weights) -> anyhow::Result<BertModel> {
    let sizes = weights.config();
    let mut tensors = std::collections::HashMap::new();
    let mut put = |name: String, tensor| -> anyhow::Result<()> {
        tensors.insert(name, weights.tensor(tensor)?);
        Ok(())
    };
    for (half, end) in [(Term::Weight, "weight"), (Term::Bias, "bias")] {
        put(format!("embeddings.LayerNorm.{end}"), TensorName::EmbeddingNorm(half))?;
        for layer in 0..sizes.layers {
            for (part, name) in PARTS {
                put(format!("encoder.layer.{layer}.{name}.{end}"), TensorName::Layer(layer, part, half))?;
            }
        }
    }
    put("embeddings.word_embeddings.weight".to_owned(), TensorName::Words)?;
    put("embeddings.position_embeddings.weight".to_owned(), TensorName::Positions)?;
    put("embeddings.token_type_embeddings.weight".to_owned(), TensorName::TokenTypes)?;
    let config = Config {
        vocab_size: sizes.rows,
        hidden_size: sizes.hidden,
        num_hidden_layers: sizes.layers,
        num_attention_heads: sizes.heads,
        intermediate_size: sizes.feed_forward,
        hidden_act: HiddenAct::Gelu,
        max_position_embeddings: sizes.positions,
        type_vocab_size: sizes.types,
        layer_norm_eps: sizes.epsilon,
        ..Config::default()
    };
    Ok(BertModel::load(VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu), &config)?)
}

const PARTS: [(Part, &str); 8] = [
    (Part::Query, "attention.self.query"),
    (Part::Key, "attention.self.key"),
    (Part::Value, "attention.self.value"),
    (Part::AttentionOutput, "attention.output.dense"),
    (Part::AttentionNorm, "attention.output.LayerNorm"),
    (Part::Up, "intermediate.dense"),
    (Part::Down, "output.dense"),
    (Part::OutputNorm, "output.LayerNorm"),
];
