//! How fast this machine embeds. What `scripts/bench-peers.sh` runs beside other engines.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use serde::{Deserialize, Serialize};

use super::{median, resident};
use crate::cli::{Done, Session};
use crate::embed::{Encoder, ModelEncoder};
use crate::paper::Role;

/// Without files: texts of 1, 8, 64 and 512 tokens, alone and many at once.
#[derive(Debug, Args)]
pub(in crate::cli) struct EncodeArguments {
    /// Passages, one JSON object a line: {"text": "..."}
    #[arg(long, value_name = "FILE")]
    texts: Option<PathBuf>,
    /// Questions, the same way; embedded one at a time
    #[arg(long, value_name = "FILE", requires = "texts")]
    questions: Option<PathBuf>,
    /// How often all is measured
    #[arg(long, value_name = "N", default_value_t = 3)]
    rounds: usize,
    /// Writes the passages' vectors: f32, little-endian, a row a text
    #[arg(long, value_name = "FILE", requires = "texts")]
    vectors: Option<PathBuf>,
    /// Writes what was measured as JSON
    #[arg(long = "json-file", value_name = "FILE", requires = "texts")]
    report: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Line {
    text: String,
}

#[derive(Serialize)]
struct Report {
    engine: &'static str,
    detail: String,
    threads: usize,
    texts: usize,
    tokens: usize,
    seconds: Vec<f64>,
    question_ms: Vec<f64>,
    idle_mb: f64,
    peak_mb: f64,
}

impl EncodeArguments {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<Done> {
        let (encoder, _) = session.encoder()?;
        encoder.encode(Role::Query, &["is anybody there?"])?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "ready")?;
        out.flush()?;
        let idle_mb = resident("VmRSS:");
        let Some(file) = &self.texts else {
            by_length(&encoder, self.rounds, &mut out)?;
            return Ok(Done::Fully);
        };
        let texts = read(file)?;
        let questions = self.questions.as_deref().map_or(Ok(Vec::new()), read)?;
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut report = Report {
            engine: "paperkin",
            detail: encoder.arithmetic(),
            threads: session.config.encoder.threads,
            texts: texts.len(),
            tokens: tokens(&encoder, &texts)?,
            seconds: Vec::new(),
            question_ms: Vec::new(),
            idle_mb,
            peak_mb: 0.0,
        };
        let mut vectors = Vec::new();
        for _ in 0..self.rounds {
            let start = Instant::now();
            vectors = encoder.encode(Role::Passage, &texts)?;
            report.seconds.push(start.elapsed().as_secs_f64());
            for question in &questions {
                let start = Instant::now();
                encoder.encode(Role::Query, &[question])?;
                report.question_ms.push(start.elapsed().as_secs_f64() * 1e3);
            }
        }
        report.peak_mb = resident("VmHWM:");
        if let Some(file) = &self.vectors {
            let bytes: Vec<u8> = vectors
                .iter()
                .flat_map(|vector| vector.as_slice())
                .flat_map(|value| value.to_le_bytes())
                .collect();
            fs_err::write(file, bytes)?;
        }
        if let Some(file) = &self.report {
            fs_err::write(file, serde_json::to_vec_pretty(&report)?)?;
        }
        let question = if questions.is_empty() {
            String::new()
        } else {
            format!(", a question {:.2} ms", median(&report.question_ms))
        };
        writeln!(
            out,
            "{}: {} texts, {} tokens; {:.0} tokens/s{question} (medians of {}); {:.0} MB",
            report.detail,
            report.texts,
            report.tokens,
            report.tokens as f64 / median(&report.seconds),
            self.rounds,
            report.peak_mb
        )?;
        Ok(Done::Fully)
    }
}

/// A table of texts of 1, 8, 64 and 512 tokens.
fn by_length(encoder: &ModelEncoder, rounds: usize, out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(out, "{}", encoder.arithmetic())?;
    writeln!(out, "{:>12} {:>12} {:>14} {:>14}", "tokens", "alone, ms", "alone, tok/s", "many, tok/s")?;
    for length in [1usize, 8, 64, 512] {
        // A common word is one token; the prefix and the special tokens come on top, within what the model reads.
        let words = length.min(encoder.token_limit());
        let text = vec!["paper"; words].join(" ");
        let many = vec![text.as_str(); (8192 / length).clamp(16, 512)];
        let (mut alone, mut together) = (Vec::new(), Vec::new());
        for _ in 0..rounds.max(1) {
            for _ in 0..8 {
                let start = Instant::now();
                encoder.encode(Role::Passage, &[&text])?;
                alone.push(start.elapsed().as_secs_f64());
            }
            let start = Instant::now();
            encoder.encode(Role::Passage, &many)?;
            together.push(start.elapsed().as_secs_f64());
        }
        let own = tokens(encoder, &[&text])? as f64;
        writeln!(
            out,
            "{length:>12} {:>12.2} {:>14.0} {:>14.0}",
            median(&alone) * 1e3,
            own / median(&alone),
            own * many.len() as f64 / median(&together)
        )?;
    }
    Ok(())
}

fn read(file: &Path) -> anyhow::Result<Vec<String>> {
    let text = fs_err::read_to_string(file)?;
    let line = |(number, line): (usize, &str)| {
        let line: Line = serde_json::from_str(line).with_context(|| {
            format!("{}, line {}: give {{\"text\": \"...\"}}", file.display(), number + 1)
        })?;
        Ok(line.text)
    };
    text.lines().enumerate().map(line).collect()
}

/// All that goes through the model: prefix and special tokens too.
fn tokens(encoder: &ModelEncoder, texts: &[&str]) -> anyhow::Result<usize> {
    texts.iter().map(|text| Ok(encoder.token_ids(Role::Passage, text)?.len())).sum()
}
