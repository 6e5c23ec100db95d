//! The tensors that a BERT consists of, what published files and GGUF call them, and the shape that the config gives
//! to each. One list serves loading, checking and every format.

use super::config::ModelConfig;

/// A tensor of a BERT, whatever its file calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TensorName {
    /// One row a token id. Large: see [`super::Weights::word_rows`].
    Words,
    /// One row a position.
    Positions,
    /// One row a token type.
    TokenTypes,
    /// Layer norm after the embeddings.
    EmbeddingNorm(Term),
    /// Of one layer, from 0.
    Layer(usize, Part, Term),
}

/// A part of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Attention's query.
    Query,
    /// Attention's key.
    Key,
    /// Attention's value.
    Value,
    /// Attention's output.
    AttentionOutput,
    /// Layer norm after attention.
    AttentionNorm,
    /// Into the feed-forward block.
    Up,
    /// Out of it.
    Down,
    /// Layer norm after it.
    OutputNorm,
}

impl Part {
    const ALL: [Self; 8] = [
        Self::Query,
        Self::Key,
        Self::Value,
        Self::AttentionOutput,
        Self::AttentionNorm,
        Self::Up,
        Self::Down,
        Self::OutputNorm,
    ];

    fn published(self) -> &'static str {
        match self {
            Self::Query => "attention.self.query",
            Self::Key => "attention.self.key",
            Self::Value => "attention.self.value",
            Self::AttentionOutput => "attention.output.dense",
            Self::AttentionNorm => "attention.output.LayerNorm",
            Self::Up => "intermediate.dense",
            Self::Down => "output.dense",
            Self::OutputNorm => "output.LayerNorm",
        }
    }

    fn gguf(self) -> &'static str {
        match self {
            Self::Query => "attn_q",
            Self::Key => "attn_k",
            Self::Value => "attn_v",
            Self::AttentionOutput => "attn_output",
            Self::AttentionNorm => "attn_output_norm",
            Self::Up => "ffn_up",
            Self::Down => "ffn_down",
            Self::OutputNorm => "layer_output_norm",
        }
    }
}

/// Weight or bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// What is multiplied with: for a dense part one row an output.
    Weight,
    /// What is added.
    Bias,
}

impl Term {
    fn name(self) -> &'static str {
        match self {
            Self::Weight => "weight",
            Self::Bias => "bias",
        }
    }
}

impl TensorName {
    /// All tensors of a model of so many layers.
    pub(super) fn all(layers: usize) -> impl Iterator<Item = Self> {
        let terms = [Term::Weight, Term::Bias];
        let layer = move |layer| {
            Part::ALL.into_iter().flat_map(move |part| terms.map(|term| Self::Layer(layer, part, term)))
        };
        [Self::Words, Self::Positions, Self::TokenTypes]
            .into_iter()
            .chain(terms.map(Self::EmbeddingNorm))
            .chain((0..layers).flat_map(layer))
    }

    /// The name in a published BERT.
    pub(super) fn published(self) -> String {
        match self {
            Self::Words => "embeddings.word_embeddings.weight".to_owned(),
            Self::Positions => "embeddings.position_embeddings.weight".to_owned(),
            Self::TokenTypes => "embeddings.token_type_embeddings.weight".to_owned(),
            Self::EmbeddingNorm(term) => format!("embeddings.LayerNorm.{}", term.name()),
            Self::Layer(layer, part, term) => {
                format!("encoder.layer.{layer}.{}.{}", part.published(), term.name())
            }
        }
    }

    /// The name in a GGUF of llama.cpp.
    pub(super) fn gguf(self) -> String {
        match self {
            Self::Words => "token_embd.weight".to_owned(),
            Self::Positions => "position_embd.weight".to_owned(),
            Self::TokenTypes => "token_types.weight".to_owned(),
            Self::EmbeddingNorm(term) => format!("token_embd_norm.{}", term.name()),
            Self::Layer(layer, part, term) => format!("blk.{layer}.{}.{}", part.gguf(), term.name()),
        }
    }

    pub(super) fn shape(self, config: &ModelConfig) -> Vec<usize> {
        let (hidden, wide) = (config.hidden, config.feed_forward);
        match self {
            Self::Words => vec![config.rows, hidden],
            Self::Positions => vec![config.positions, hidden],
            Self::TokenTypes => vec![config.types, hidden],
            Self::EmbeddingNorm(_) | Self::Layer(_, Part::AttentionNorm | Part::OutputNorm, _) => {
                vec![hidden]
            }
            Self::Layer(_, Part::Up, Term::Weight) => vec![wide, hidden],
            Self::Layer(_, Part::Up, Term::Bias) => vec![wide],
            Self::Layer(_, Part::Down, Term::Weight) => vec![hidden, wide],
            Self::Layer(_, _, Term::Weight) => vec![hidden, hidden],
            Self::Layer(_, _, Term::Bias) => vec![hidden],
        }
    }
}
