//! The encoder is the model: reference vectors, reference ids, and no vector depends on its batch.

use std::path::Path;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config as BertConfig, HiddenAct};
use paperkin::embed::{
    Arithmetic, EncodeError, Encoder, EncoderOptions, KernelChoice, ModelEncoder, Part, TensorName, Term,
    Weights,
};
use paperkin::paper::{Role, UnitVector, chunk};
use serde::Deserialize;

use crate::support::{encoder, shared_data, verified_model};

#[derive(Deserialize)]
struct Reference {
    role: Role,
    text: String,
    vector: Vec<f32>,
}

/// The model in other numbers than the default's, or with other instructions.
fn encoder_in(arithmetic: Arithmetic, kernel: Option<KernelChoice>) -> ModelEncoder {
    let options = EncoderOptions { arithmetic: Some(arithmetic), kernel, threads: 2, ..Default::default() };
    ModelEncoder::load(&verified_model(), options).unwrap()
}

#[test]
fn vectors_are_those_of_the_reference() {
    let Some(data) = shared_data() else { return };
    worst_cosine(encoder(), &data, 0.9995);
    for kernel in KernelChoice::ALL.into_iter().filter(|kernel| kernel.is_available()) {
        worst_cosine(&encoder_in(Arithmetic::Int8, Some(kernel)), &data, 0.9995);
        worst_cosine(&encoder_in(Arithmetic::Fp32, Some(kernel)), &data, 0.99999);
    }
    worst_cosine(&encoder_in(Arithmetic::Candle, None), &data, 0.9999);
}

fn worst_cosine(encoder: &ModelEncoder, data: &Path, bound: f32) {
    // Plain Rust and candle take their time: a tenth of the texts.
    let step = if encoder.arithmetic().contains("avx") { 1 } else { 10 };
    let text = fs_err::read_to_string(data.join("model-check/vectors.jsonl")).unwrap();
    assert!(text.lines().count() >= 200);
    let references: Vec<Reference> =
        text.lines().step_by(step).map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut worst = 1.0f32;
    for role in [Role::Query, Role::Passage] {
        let ours: Vec<&Reference> = references.iter().filter(|reference| reference.role == role).collect();
        let texts: Vec<&str> = ours.iter().map(|reference| reference.text.as_str()).collect();
        for (reference, vector) in ours.iter().zip(encoder.encode(role, &texts).unwrap()) {
            let length = reference.vector.iter().map(|value| value * value).sum::<f32>().sqrt();
            let dot: f32 = vector.as_slice().iter().zip(&reference.vector).map(|(a, b)| a * b).sum();
            worst = worst.min(dot / length);
        }
    }
    println!("{}: {} reference vectors, lowest cosine {worst:.7}", encoder.arithmetic(), references.len());
    assert!(worst >= bound, "{}: lowest cosine to the reference: {worst}", encoder.arithmetic());
}

const MIXED: [&str; 8] = [
    "残差连接的替代方案",
    "Shampoo와 Adam을 결합한 옵티마이저",
    "モンテカルロ木探索で推論を学習する",
    "mixture of vision encoders",
    "a",
    "مرحبا 🦙 $\\alpha$-divergence",
    "The ability to accurately interpret complex visual information is a crucial topic of multimodal large language \
     models. Recent work indicates that enhanced visual perception significantly reduces hallucinations and improves \
     performance on resolution-sensitive tasks, such as optical character recognition and document analysis.",
    "일반적인 지식은 Dense-Dense 조합으로 Distill한 다음, 도메인 특화 지식들은 Sparse Upcycling으로 만든 MoE 모델에 Distill 한다는 아이디어.",
];

/// By one thread or several, among others or not: the same numbers to the bit, in fp32 too.
#[test]
fn the_same_text_alone_and_in_a_batch() {
    for encoder in [encoder(), &encoder_in(Arithmetic::Fp32, None)] {
        let many: Vec<&str> = MIXED.iter().copied().cycle().take(40).collect();
        let batched = encoder.encode(Role::Passage, &many).unwrap();
        for (text, batched) in many.iter().zip(batched) {
            let alone = encoder.encode(Role::Passage, &[text]).unwrap().remove(0);
            assert_eq!(alone.as_slice(), batched.as_slice(), "{text}");
        }
    }
    let reference = encoder_in(Arithmetic::Candle, None);
    let batched = reference.encode(Role::Passage, &MIXED).unwrap();
    for (text, batched) in MIXED.iter().zip(batched) {
        let alone = reference.encode(Role::Passage, &[text]).unwrap().remove(0);
        let largest =
            alone.as_slice().iter().zip(batched.as_slice()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(largest <= 1e-5, "{text}: {largest}");
    }
}

#[test]
fn what_cannot_run_is_refused_with_the_remedy() {
    let load = |options| ModelEncoder::load(&verified_model(), options).err().map(|error| error.to_string());
    for kernel in KernelChoice::ALL {
        let refusal = load(EncoderOptions { kernel: Some(kernel), threads: 1, ..Default::default() });
        assert_eq!(refusal.is_none(), kernel.is_available(), "{kernel}: {refusal:?}");
        if let Some(refusal) = refusal {
            assert!(
                refusal.contains("--kernel") && refusal.contains(&KernelChoice::best().to_string()),
                "{refusal}"
            );
        }
    }
}

#[test]
fn roles_give_different_vectors() {
    let text = ["load balancing without an auxiliary loss"];
    let query = encoder().encode(Role::Query, &text).unwrap().remove(0);
    let passage = encoder().encode(Role::Passage, &text).unwrap().remove(0);
    assert!(query.cosine(&passage) < 0.999);
}

#[test]
fn both_roles_together_are_the_middle_of_each() {
    let encoder = encoder();
    let both = encoder.encode_both(&MIXED).unwrap();
    let asked = encoder.encode(Role::Query, &MIXED).unwrap();
    let stored = encoder.encode(Role::Passage, &MIXED).unwrap();
    assert_eq!(both.len(), MIXED.len());
    for (both, roles) in both.iter().zip(asked.into_iter().zip(stored)) {
        assert_eq!(*both, UnitVector::mean_of(&[roles.0, roles.1]).unwrap(), "to the bit");
    }
    let long = "word ".repeat(600);
    let refused = encoder.encode_both(&["short", &long]);
    assert!(matches!(refused, Err(EncodeError::TooLong { position: 1, .. })), "{refused:?}");
}

#[test]
fn a_text_over_the_limit_is_refused_and_its_chunks_are_not() {
    let long = "긴 글은 문장 끝에서 잘라야 합니다. 长文本必须在句末切分。Long text is cut at sentence ends. "
        .repeat(60);
    let encoder = encoder();
    assert!(matches!(encoder.encode(Role::Passage, &[&long]), Err(EncodeError::TooLong { .. })));
    let spans = chunk(&long, encoder.token_limit(), |piece| encoder.count_tokens(piece));
    assert!(spans.len() > 2);
    let pieces: Vec<&str> = spans.into_iter().map(|span| &long[span]).collect();
    for role in [Role::Query, Role::Passage] {
        assert_eq!(encoder.encode(role, &pieces).unwrap().len(), pieces.len());
    }
    assert!(pieces.iter().all(|piece| piece.ends_with(['.', '。'])), "cut at sentence ends");
}

/// candle-transformers pads, we pack: the numbers must be the same.
#[test]
fn packed_sentences_give_what_candles_own_bert_gives() {
    let weights = Weights::load(&verified_model(), &Device::Cpu).unwrap();
    let config = weights.config().clone();
    let tensors = (0..config.layers)
        .flat_map(|layer| PARTS.iter().map(move |(part, name)| (layer, *part, *name)))
        .flat_map(|(layer, part, name)| {
            HALVES.map(|(half, end)| {
                (TensorName::Layer(layer, part, half), format!("encoder.layer.{layer}.{name}.{end}"))
            })
        })
        .chain(
            HALVES
                .map(|(half, end)| (TensorName::EmbeddingNorm(half), format!("embeddings.LayerNorm.{end}"))),
        )
        .chain([
            (TensorName::Words, "embeddings.word_embeddings.weight".to_owned()),
            (TensorName::Positions, "embeddings.position_embeddings.weight".to_owned()),
            (TensorName::TokenTypes, "embeddings.token_type_embeddings.weight".to_owned()),
        ])
        .map(|(tensor, name)| (name, weights.tensor(tensor).unwrap()))
        .collect();
    let theirs = BertModel::load(
        VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu),
        &BertConfig {
            vocab_size: config.rows,
            hidden_size: config.hidden,
            num_hidden_layers: config.layers,
            num_attention_heads: config.heads,
            intermediate_size: config.feed_forward,
            hidden_act: HiddenAct::Gelu,
            max_position_embeddings: config.positions,
            type_vocab_size: config.types,
            layer_norm_eps: config.epsilon,
            ..BertConfig::default()
        },
    )
    .unwrap();
    let ours = [Arithmetic::Candle, Arithmetic::Fp32]
        .map(|arithmetic| encoder_in(arithmetic, None).encode(Role::Passage, &MIXED).unwrap());
    for (at, text) in MIXED.iter().enumerate() {
        let ids = encoder().token_ids(Role::Passage, text).unwrap();
        let ids = Tensor::new(ids.as_slice(), &Device::Cpu).unwrap().unsqueeze(0).unwrap();
        let hidden = theirs.forward(&ids, &ids.zeros_like().unwrap(), None).unwrap();
        let pooled: Vec<f32> = hidden.mean(1).unwrap().squeeze(0).unwrap().to_vec1().unwrap();
        let theirs = paperkin::paper::UnitVector::new(pooled).unwrap();
        for ours in &ours {
            assert!(ours[at].cosine(&theirs) > 0.999_999, "{text}: {}", ours[at].cosine(&theirs));
        }
    }
}

const HALVES: [(Term, &str); 2] = [(Term::Weight, "weight"), (Term::Bias, "bias")];

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
