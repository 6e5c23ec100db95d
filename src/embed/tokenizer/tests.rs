//! Small tokenizers of every kind against the library, and what becomes of a damaged copy.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::charsmap;
use super::*;

fn precompiled() -> Value {
    let table = [
        ('\t', " "),
        ('\n', " "),
        ('\r', " "),
        ('\u{ad}', ""),
        ('\u{3000}', " "),
        ('＜', "<"),
        ('＞', ">"),
        ('ﬀ', "ab"),
    ];
    let map = charsmap::build(&BTreeMap::from(table.map(|(from, to)| (from, to.to_owned())))).unwrap();
    json!({"type": "Precompiled", "precompiled_charsmap": STANDARD.encode(map)})
}

/// A unigram tokenizer whose text has a way of being ambiguous: ties, unknown characters, special pieces in text.
fn unigram() -> Value {
    let pieces = [
        ("<s>", 0.0),
        ("<pad>", 0.0),
        ("</s>", 0.0),
        ("<unk>", 0.0),
        ("▁", -2.0),
        ("a", -2.25),
        ("aa", -3.1),
        ("ab", -4.1),
        ("b", -2.7),
        ("▁a", -3.0),
        ("▁ab", -3.9),
        ("한", -5.013_650_894_165_039),
        ("국", -5.2),
        ("한국", -9.3),
        ("baa", -4.1),
        ("▁▁", -4.0),
        ("<s", -7.0),
        (">", -6.0),
        ("<mask>", 0.0),
    ];
    let added = |id: u32, content: &str, lstrip: bool| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": lstrip, "rstrip": false,
               "normalized": false, "special": true})
    };
    json!({
        "version": "1.0",
        "truncation": {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0},
        "padding": null,
        "added_tokens": [added(0, "<s>", false), added(2, "</s>", false), added(3, "<unk>", false),
                         added(18, "<mask>", true)],
        "normalizer": {"type": "Sequence", "normalizers": [
            precompiled(),
            {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
        ]},
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true},
        "post_processor": {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                       {"SpecialToken": {"id": "</s>", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]},
                               "</s>": {"id": "</s>", "ids": [2], "tokens": ["</s>"]}}},
        "decoder": null,
        "model": {"type": "Unigram", "unk_id": 3, "vocab": pieces, "byte_fallback": false},
    })
}

fn changed(pointer: &str, value: Value) -> Value {
    let mut json = unigram();
    *json.pointer_mut(pointer).unwrap() = value;
    json
}

fn without(pointer: &str, field: &str) -> Value {
    let mut json = unigram();
    json.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(field).unwrap();
    json
}

/// What is compiled: as ours says it, and as published files do.
fn compiled_kinds() -> Vec<Value> {
    let metaspace = json!({"type": "Metaspace", "replacement": "▁", "add_prefix_space": true});
    let split = json!({"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace]});
    let mut split_alone = changed("/pre_tokenizer", split.clone());
    split_alone["normalizer"] = Value::Null;
    vec![
        unigram(),
        without("/model", "byte_fallback"),
        changed("/normalizer", precompiled()),
        changed("/normalizer", Value::Null),
        changed("/pre_tokenizer", metaspace),
        changed("/pre_tokenizer", split),
        split_alone,
        changed("/post_processor", Value::Null),
        changed("/added_tokens", json!([])),
    ]
}

/// What is left to the library: each differs from ours in one respect that changes ids.
fn other_kinds() -> Vec<Value> {
    let metaspace = |scheme: &str, split: bool| json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split});
    let replace = json!({"type": "Replace", "pattern": {"String": "a"}, "content": "b"});
    let strip = json!({"type": "Strip", "strip_left": true, "strip_right": true});
    let twice = [unigram()["model"]["vocab"].as_array().unwrap().clone(), vec![json!(["a", -1.0])]].concat();
    let dear = [unigram()["model"]["vocab"].as_array().unwrap().clone(), vec![json!(["bb", 3.0])]].concat();
    let long = "a".repeat(600);
    let vocab = json!({"[UNK]": 0, "a": 1, "ab": 2});
    vec![
        changed("/model/byte_fallback", json!(true)),
        changed("/model/vocab", json!(twice)),
        changed("/model/vocab", json!(dear)),
        changed("/model/vocab/16", json!([long, -1.0])),
        changed("/model/vocab/16", json!(["<unk>a", -1.0])),
        changed("/model/vocab/16", json!(["a\0", -1.0])),
        changed("/added_tokens/1/single_word", json!(true)),
        changed("/added_tokens/1/rstrip", json!(true)),
        changed("/added_tokens/1/normalized", json!(true)),
        changed("/added_tokens/1/content", json!("new")),
        changed("/pre_tokenizer", metaspace("never", true)),
        changed("/pre_tokenizer", metaspace("first", true)),
        changed("/pre_tokenizer", metaspace("always", false)),
        changed("/pre_tokenizer/replacement", json!("_")),
        changed("/pre_tokenizer", Value::Null),
        changed("/normalizer", json!({"type": "Lowercase"})),
        changed("/normalizer/normalizers/1", replace),
        changed("/normalizer/normalizers/1", strip),
        changed("/post_processor", json!({"type": "BertProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0]})),
        changed(
            "/model",
            json!({"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "",
                   "max_input_chars_per_word": 100, "vocab": vocab}),
        ),
    ]
}

/// Ours, and the library's on the same file.
fn both(json: &Value) -> (TextTokenizer, Tokenizer) {
    let bytes = serde_json::to_vec(json).unwrap();
    let ours = TextTokenizer::from_bytes(&bytes, PathBuf::from("tokenizer.json")).unwrap();
    (ours, library(&bytes, PathBuf::from("tokenizer.json")).unwrap())
}

fn agree(ours: &TextTokenizer, library: &Tokenizer, text: &str) -> Result<(), TestCaseError> {
    prop_assert_eq!(ours.encode(text).unwrap(), ids(library, text, true).unwrap(), "{:?}", text);
    prop_assert_eq!(ours.count(text).unwrap(), ids(library, text, false).unwrap().len(), "{:?}", text);
    Ok(())
}

const WORDS: [&str; 28] = [
    "a",
    "b",
    "aa",
    "ab",
    " ",
    "  ",
    "\t",
    "\n",
    "\r\n",
    "\u{3000}",
    "▁",
    "한",
    "국",
    "x",
    "\0",
    "\u{ad}",
    "\u{301}",
    "＜",
    "＞",
    "<s>",
    "</s>",
    "<unk>",
    "<mask>",
    " <mask>",
    "<s",
    "＜unk＞",
    "ﬀ",
    "😀\u{200d}",
];

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::collection::vec(prop::sample::select(&WORDS[..]), 0..30).prop_map(|words| words.concat()),
        prop::collection::vec(prop::sample::select(&["a", "b", " "][..]), 0..40)
            .prop_map(|words| words.concat()),
        any::<String>(),
    ]
}

proptest! {
    #[test]
    fn every_kind_gives_the_ids_of_the_library(texts in prop::collection::vec(texts(), 8)) {
        thread_local! {
            static COMPILED: Vec<(TextTokenizer, Tokenizer)> = compiled_kinds().iter().map(both).collect();
            static OTHER: Vec<(TextTokenizer, Tokenizer)> = other_kinds().iter().map(both).collect();
        }
        COMPILED.with(|kinds| {
            for (ours, library) in kinds {
                prop_assert!(matches!(ours.kind, Kind::Unigram(_)));
                prop_assert_eq!(ours.vocabulary(), library.get_vocab_size(true));
                for text in &texts {
                    agree(ours, library, text)?;
                }
            }
            Ok(())
        })?;
        OTHER.with(|kinds| {
            for (ours, library) in kinds {
                prop_assert!(matches!(ours.kind, Kind::Other(_)));
                prop_assert_eq!(ours.vocabulary(), library.get_vocab_size(true));
                for text in &texts {
                    // Some of them fail on some texts, and then both do.
                    match ids(library, text, true) {
                        Ok(ids) => prop_assert_eq!(ours.encode(text).unwrap(), ids),
                        Err(_) => prop_assert!(ours.encode(text).is_err()),
                    }
                }
            }
            Ok(())
        })?;
    }
}

/// A folder with a `tokenizer.json`, loaded once.
fn folder() -> (tempfile::TempDir, PathBuf, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokenizer.json");
    let bytes = serde_json::to_vec(&unigram()).unwrap();
    fs_err::write(&file, &bytes).unwrap();
    let hash = sha256(&bytes);
    TextTokenizer::kept(&file, &hash).unwrap();
    (folder, file, hash)
}

const TEXT: &str = "aab  ab 한국 x<mask>";

fn check(file: &Path, hash: &str) {
    let (_, library) = both(&serde_json::from_slice(&fs_err::read(file).unwrap()).unwrap());
    let tokenizer = TextTokenizer::kept(file, hash).unwrap();
    assert_eq!(tokenizer.encode(TEXT).unwrap(), ids(&library, TEXT, true).unwrap());
}

#[test]
fn what_is_kept_is_used_and_gives_the_same_ids() {
    let (_folder, file, hash) = folder();
    let kept = stored::open(&stored::place(&file), &hash).unwrap();
    check(&file, &hash);
    fs_err::write(&file, "no tokenizer").unwrap();
    let tokenizer = TextTokenizer::kept(&file, &hash).unwrap();
    assert_eq!(tokenizer.encode(TEXT).unwrap(), kept.encode(TEXT), "the file itself is not read again");
}

#[test]
fn a_damaged_copy_is_not_used_and_is_replaced() {
    let (_folder, file, hash) = folder();
    let place = stored::place(&file);
    let whole = fs_err::read(&place).unwrap();
    for length in (0..whole.len()).step_by(97).chain(whole.len() - 9..whole.len()) {
        fs_err::write(&place, &whole[..length]).unwrap();
        assert!(stored::open(&place, &hash).is_none(), "cut at {length}");
    }
    check(&file, &hash);
    assert!(fs_err::read(&place).unwrap() == whole, "it is whole again");
    for at in 0..whole.len() {
        let mut garbled = whole.clone();
        garbled[at] ^= 1 << (at % 8);
        assert!(Compiled::open(compiled::Bytes::Made(garbled), &hash).is_err(), "changed at {at}");
    }
    let mut longer = whole.clone();
    longer.push(0);
    assert!(Compiled::open(compiled::Bytes::Made(longer), &hash).is_err());
}

#[test]
fn a_garbled_table_with_a_fitting_checksum_gives_an_error_or_other_ids() {
    let (_folder, file, hash) = folder();
    let whole = fs_err::read(stored::place(&file)).unwrap();
    for at in compiled::BODY..whole.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut garbled = whole.clone();
            garbled[at] = value;
            compiled::seal(&mut garbled);
            if let Ok(tokenizer) = Compiled::open(compiled::Bytes::Made(garbled), &hash) {
                let ids = tokenizer.encode(TEXT);
                assert!(ids.iter().all(|id| (*id as usize) < tokenizer.vocabulary()));
                assert!(ids.len() < 1000 && tokenizer.count(TEXT) < 1000);
            }
        }
    }
}

#[test]
fn a_copy_of_another_file_is_not_used() {
    let (_folder, file, hash) = folder();
    let place = stored::place(&file);
    let old = fs_err::read(&place).unwrap();
    let bytes = serde_json::to_vec(&changed("/model/vocab/5", json!(["q", -2.0]))).unwrap();
    fs_err::write(&file, &bytes).unwrap();
    assert!(stored::open(&place, &sha256(&bytes)).is_none());
    check(&file, &sha256(&bytes));
    assert!(stored::open(&place, &sha256(&bytes)).is_some() && stored::open(&place, &hash).is_none());
    assert_ne!(fs_err::read(&place).unwrap(), old);
}

#[test]
fn nothing_is_kept_under_the_hash_of_another_file() {
    let (_folder, file, hash) = folder();
    let place = stored::place(&file);
    fs_err::remove_file(&place).unwrap();
    fs_err::write(&file, serde_json::to_vec(&changed("/model/vocab/5", json!(["q", -2.0]))).unwrap())
        .unwrap();
    assert!(matches!(TextTokenizer::kept(&file, &hash), Err(ModelError::WrongHash { .. })));
    assert!(!place.exists());
}

#[test]
fn where_nothing_can_be_kept_the_ids_are_the_same() {
    let (folder, file, hash) = folder();
    let place = stored::place(&file);
    fs_err::remove_file(&place).unwrap();
    let held = super::super::fetch::lock(folder.path()).unwrap();
    check(&file, &hash);
    assert!(!place.exists(), "somebody else is writing");
    drop(held);
    fs_err::create_dir_all(place.join("in the way")).unwrap();
    check(&file, &hash);
    fs_err::remove_dir_all(&place).unwrap();
    check(&file, &hash);
    assert!(place.is_file());
    let mut names: Vec<_> =
        fs_err::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".lock", "tokenizer.json", "tokenizer.json.compiled"], "nothing is left over");
}

#[test]
fn many_at_once_load_and_keep() {
    let (_folder, file, hash) = folder();
    fs_err::remove_file(stored::place(&file)).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..20).for_each(|_| check(&file, &hash)));
        }
    });
    assert!(stored::open(&stored::place(&file), &hash).is_some());
}

#[test]
fn hangul_and_latin_are_composed() {
    assert_eq!(composed("\u{1112}\u{1161}\u{11ab}"), "한");
    assert_eq!(composed("e\u{301}"), "é");
    assert!(matches!(composed("한국어 plain"), Cow::Borrowed(_)));
}

#[test]
fn what_is_no_tokenizer_is_refused_by_name() {
    let error =
        TextTokenizer::from_bytes(b"{\"version\":", PathBuf::from("models/x/tokenizer.json")).err().unwrap();
    assert!(error.to_string().contains("models/x/tokenizer.json"), "{error}");
}
