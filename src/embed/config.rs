//! `config.json` of a model folder: the numbers that give every tensor its shape, checked before they are used to
//! compute a size, because a user's own folder may say anything.

use std::path::Path;

use serde::Deserialize;

use super::error::ModelError;

/// The shape of a BERT.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    /// Numbers in a token's vector.
    pub hidden: usize,
    /// Layers.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
    /// Numbers in the middle of a feed-forward block.
    pub feed_forward: usize,
    /// Tokens that it reads at once.
    pub positions: usize,
    /// Rows of the word table; every token id is below.
    pub rows: usize,
    /// Rows of the token type table.
    pub types: usize,
    /// What layer norm adds to the variance.
    pub epsilon: f64,
}

/// The keys as published; all others are of no concern here.
#[derive(Deserialize)]
struct Published {
    model_type: String,
    hidden_act: String,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    max_position_embeddings: usize,
    vocab_size: usize,
    type_vocab_size: usize,
    layer_norm_eps: f64,
    position_embedding_type: Option<String>,
}

impl ModelConfig {
    /// Reads and checks a `config.json`.
    ///
    /// # Errors
    /// Where it is missing, is no config, or is of another architecture.
    pub fn read(path: &Path) -> Result<Self, ModelError> {
        Self::parse(&fs_err::read(path)?).map_err(|reason| ModelError::Format {
            file: path.to_owned(),
            wanted: "the config of a BERT",
            reason,
        })
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let published: Published = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if published.model_type != "bert" {
            return Err(format!("the architecture is {:?}, only bert is read", published.model_type));
        }
        if published.hidden_act != "gelu" {
            return Err(format!("the activation is {:?}, only gelu is computed", published.hidden_act));
        }
        if let Some(kind) = published.position_embedding_type.filter(|kind| kind != "absolute") {
            return Err(format!("positions are {kind:?}, only absolute is computed"));
        }
        let config = Self {
            hidden: published.hidden_size,
            layers: published.num_hidden_layers,
            heads: published.num_attention_heads,
            feed_forward: published.intermediate_size,
            positions: published.max_position_embeddings,
            rows: published.vocab_size,
            types: published.type_vocab_size,
            epsilon: published.layer_norm_eps,
        };
        // Far above any real model, far below where a product of two overflows.
        let sizes = [
            ("hidden_size", config.hidden, 1 << 16),
            ("num_hidden_layers", config.layers, 1 << 10),
            ("num_attention_heads", config.heads, 1 << 10),
            ("intermediate_size", config.feed_forward, 1 << 20),
            ("max_position_embeddings", config.positions, 1 << 20),
            ("vocab_size", config.rows, 1 << 24),
            ("type_vocab_size", config.types, 1 << 10),
        ];
        if let Some((key, value, _)) =
            sizes.into_iter().find(|(_, value, limit)| *value == 0 || value > limit)
        {
            return Err(format!("{key} is {value}"));
        }
        if !config.hidden.is_multiple_of(config.heads) {
            return Err(format!("{} numbers cannot be shared by {} heads", config.hidden, config.heads));
        }
        if !(config.epsilon > 0.0 && config.epsilon < 1.0) {
            return Err(format!("layer_norm_eps is {}", config.epsilon));
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"{"model_type":"bert","hidden_act":"gelu","hidden_size":384,"num_hidden_layers":12,
        "num_attention_heads":12,"intermediate_size":1536,"max_position_embeddings":512,"vocab_size":250037,
        "type_vocab_size":2,"layer_norm_eps":1e-12,"torch_dtype":"float32"}"#;

    #[test]
    fn only_what_can_be_computed_is_read() {
        let config = ModelConfig::parse(SMALL.as_bytes()).unwrap();
        assert_eq!((config.hidden, config.layers, config.rows), (384, 12, 250_037));
        let refused = |from: &str, to: &str| {
            assert!(SMALL.contains(from));
            ModelConfig::parse(SMALL.replace(from, to).as_bytes()).unwrap_err()
        };
        assert!(refused("\"bert\"", "\"xlm-roberta\"").contains("xlm-roberta"));
        assert!(refused("\"gelu\"", "\"relu\"").contains("relu"));
        assert!(refused("_heads\":12", "_heads\":7").contains("heads"));
        assert!(refused("250037", "18446744073709551615").contains("vocab_size"));
        assert!(refused("\"hidden_size\":384", "\"hidden_size\":0").contains("hidden_size"));
        assert!(refused("1e-12", "-1").contains("eps"));
        assert!(ModelConfig::parse(b"{").is_err());
    }
}
