//! The tokenizer that the product runs gives the ids of the library `tokenizers`, on the real vocabulary: on every text
//! at hand, and on text that nobody writes.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use paperkin::embed::{ModelFolder, TextTokenizer, VerifiedModel};
use proptest::prelude::*;
use serde_json::Value;
use tokenizers::Tokenizer;
use unicode_normalization::UnicodeNormalization;

use crate::support::{shared_data, verified_model};

const COMPILED: &str = "tokenizer.json.compiled";

fn ours() -> &'static TextTokenizer {
    static OURS: OnceLock<TextTokenizer> = OnceLock::new();
    OURS.get_or_init(|| TextTokenizer::load(&verified_model()).unwrap())
}

fn library() -> &'static Tokenizer {
    static LIBRARY: OnceLock<Tokenizer> = OnceLock::new();
    LIBRARY.get_or_init(|| Tokenizer::from_file(verified_model().file("tokenizer.json")).unwrap())
}

/// The library's ids, of composed text as everywhere in the product.
fn expected(text: &str, special: bool) -> Vec<u32> {
    let composed: String = text.nfc().collect();
    library().encode_fast(composed, special).unwrap().get_ids().to_vec()
}

fn agree(text: &str) -> Result<(), TestCaseError> {
    let ids = expected(text, true);
    prop_assert_eq!(ours().count(text).unwrap() + 2, ids.len(), "{:?}", text);
    prop_assert_eq!(ours().encode(text).unwrap(), ids, "{:?}", text);
    Ok(())
}

/// Every string in a JSON value.
fn strings<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(values) => values.iter().for_each(|value| strings(value, found)),
        Value::Object(fields) => fields.values().for_each(|value| strings(value, found)),
        _ => {}
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// Texts of the shared data: of each file of JSON lines so many lines, spread over it, and other texts whole.
fn shared_texts(lines_of_each: usize) -> Vec<String> {
    let Some(shared) = shared_data() else { return Vec::new() };
    let mut found = Vec::new();
    files(&shared, &mut found);
    found.sort();
    let mut texts = Vec::new();
    for file in found {
        match file.extension().and_then(|end| end.to_str()) {
            Some("jsonl") => {
                let contents = fs_err::read_to_string(&file).unwrap();
                let step = contents.lines().count().div_ceil(lines_of_each).max(1);
                for line in contents.lines().step_by(step) {
                    let value: Value = serde_json::from_str(line).unwrap();
                    let mut found = Vec::new();
                    strings(&value, &mut found);
                    texts.extend(found.into_iter().map(str::to_owned));
                }
            }
            Some("txt" | "md") => texts.extend(fs_err::read_to_string(&file).ok()),
            _ => {}
        }
    }
    texts
}

/// `PAPERKIN_TOKENIZER_LINES` asks for more of each file.
#[test]
fn on_every_text_at_hand_the_ids_are_those_of_the_library() {
    let lines = std::env::var("PAPERKIN_TOKENIZER_LINES").ok().and_then(|lines| lines.parse().ok());
    let texts = shared_texts(lines.unwrap_or(200));
    let bytes: usize = texts.iter().map(String::len).sum();
    for text in &texts {
        agree(text).unwrap();
    }
    println!("{} texts of {bytes} bytes agree", texts.len());
}

/// What breaks tokenizers: marks without a letter, parts of graphemes, spaces of every kind, special pieces in text.
const SHARDS: [&str; 62] = [
    "a",
    "the",
    "of",
    "Attention",
    "B",
    "12",
    ".",
    ",",
    "-",
    "—",
    "$",
    "\\alpha",
    "<",
    ">",
    "s",
    "mask",
    " ",
    "  ",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "\u{a0}",
    "\u{3000}",
    "\u{2028}",
    "\u{85}",
    "▁",
    "▁▁",
    "\0",
    "\u{7}",
    "\u{7f}",
    "\u{feff}",
    "\u{ad}",
    "\u{200b}",
    "\u{200c}",
    "\u{200d}",
    "\u{fe0f}",
    "\u{fffd}",
    "\u{e000}",
    "\u{10ffff}",
    "\u{301}",
    "\u{308}",
    "\u{345}",
    "\u{20e3}",
    "👩",
    "👩\u{200d}🔬",
    "🏽",
    "🇩",
    "🇪",
    "™",
    "ﬁ",
    "Å",
    "①",
    "ｱﾞ",
    "，",
    "한",
    "ᄒ",
    "ᅡ",
    "ᆫ",
    "שלום",
    "مرحبا",
    "क्षि",
];

const SPECIALS: [&str; 9] =
    ["<s>", "</s>", "<pad>", "<unk>", "<mask>", " <mask>", "＜s＞", "<s", "<ma<mask>sk>"];

fn nonsense() -> impl Strategy<Value = String> {
    let shard = prop_oneof![
        12 => prop::sample::select(&SHARDS[..]).prop_map(str::to_owned),
        1 => prop::sample::select(&SPECIALS[..]).prop_map(str::to_owned),
        4 => any::<char>().prop_map(String::from),
        2 => prop::char::range('\u{0}', '\u{7f}').prop_map(String::from),
        2 => prop::char::range('\u{300}', '\u{36f}').prop_map(String::from),
        2 => prop::char::range('\u{1100}', '\u{11ff}').prop_map(String::from),
        2 => prop::char::range('\u{2000}', '\u{2bff}').prop_map(String::from),
        2 => prop::char::range('\u{3000}', '\u{33ff}').prop_map(String::from),
        2 => prop::char::range('\u{4e00}', '\u{9fff}').prop_map(String::from),
        2 => prop::char::range('\u{f900}', '\u{ffff}').prop_map(String::from),
    ];
    prop::collection::vec(shard, 0..40).prop_map(|shards| shards.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(3000)
    ))]
    #[test]
    fn on_nonsense_the_ids_are_those_of_the_library(text in nonsense(), any in any::<String>()) {
        agree(&text)?;
        agree(&any)?;
    }
}

#[test]
fn every_character_and_every_piece_alone_gives_the_ids_of_the_library() {
    // Beyond the planes that Unicode has filled some are enough.
    let beyond = ('\u{40000}'..=char::MAX).step_by(101);
    for character in ('\0'..'\u{40000}').chain(beyond).chain('\u{e0000}'..='\u{e01ef}') {
        agree(&format!("{character}a")).unwrap();
    }
    let pieces = library().get_vocab(true);
    assert_eq!(pieces.len(), ours().vocabulary());
    for piece in pieces.keys() {
        agree(piece).unwrap();
    }
}

#[test]
fn long_text_without_a_break_is_no_burden() {
    let (million, many) = (1_000_000, 300_000);
    for unit in [
        "a",
        "é",
        "한",
        "\u{10fffe}",
        "▁",
        " ",
        "\u{301}",
        "👩\u{200d}",
        "🇩",
        "<",
        "<s>",
        "<s",
        " <mask>",
        "ab-",
    ] {
        let text = unit.repeat(million / unit.len());
        let count = ours().count(&text).unwrap();
        assert_eq!(ours().encode(&text).unwrap().len(), count + 2);
        // The library is asked for less: it is slow on some of these.
        let short = unit.repeat(3_000 / unit.len());
        agree(&short).unwrap();
    }
    let mixed: String =
        shared_texts(4).concat().chars().filter(|letter| !letter.is_whitespace()).take(many).collect();
    agree(&mixed).unwrap();
}

/// A copy of the real model's folder, for a test that spoils what is kept there.
fn copied() -> (tempfile::TempDir, VerifiedModel) {
    let folder = tempfile::tempdir().unwrap();
    let model = verified_model();
    let to = model.manifest().folder(folder.path());
    fs_err::create_dir_all(&to).unwrap();
    for pin in model.folder().files() {
        fs_err::copy(model.file(&pin.path), to.join(&pin.path)).unwrap();
    }
    let copy = ModelFolder::locate(model.manifest(), folder.path()).unwrap().verify().unwrap();
    (folder, copy)
}

#[test]
fn what_is_kept_in_the_folder_is_no_part_of_the_model() {
    let (models, model) = copied();
    let kept = model.file(COMPILED);
    let text = "query: Wie lernt ein Netz ohne Lehrer? 한국어 <mask> \u{e000}";
    assert!(!kept.exists());
    assert_eq!(TextTokenizer::load(&model).unwrap().encode(text).unwrap(), expected(text, true));
    let whole = fs_err::read(&kept).unwrap();
    println!("{} bytes kept", whole.len());
    assert_eq!(TextTokenizer::load(&model).unwrap().encode(text).unwrap(), expected(text, true));

    let mut garbled = whole.clone();
    garbled[whole.len() / 2] ^= 1;
    for damaged in [&whole[..whole.len() / 2], &garbled, b""] {
        fs_err::write(&kept, damaged).unwrap();
        assert_eq!(TextTokenizer::load(&model).unwrap().encode(text).unwrap(), expected(text, true));
        assert!(fs_err::read(&kept).unwrap() == whole, "replaced by a whole one");
    }
    let again = ModelFolder::locate(model.manifest(), models.path()).unwrap().verify().unwrap();
    assert_eq!(again.fingerprint(), verified_model().fingerprint());
    assert_eq!(again.folder().files(), model.folder().files());
}

fn best_of(rounds: usize, mut work: impl FnMut()) -> Duration {
    let timed = (0..rounds).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed()
    });
    timed.min().unwrap()
}

/// Prints what the tokenizer costs beside the library: `cargo test --release -- --ignored --nocapture tokenizer_costs`.
#[test]
#[ignore = "measures, and promises nothing"]
fn tokenizer_costs() {
    let (_models, model) = copied();
    let json = model.file("tokenizer.json");
    let built = best_of(3, || {
        let _ = fs_err::remove_file(model.file(COMPILED));
        TextTokenizer::load(&model).unwrap();
    });
    let mapped = best_of(20, || drop(TextTokenizer::load(&model).unwrap()));
    let library_loads = best_of(3, || drop(Tokenizer::from_file(&json).unwrap()));
    println!("load: built {built:?}, mapped {mapped:?}, library {library_loads:?}");

    let texts = shared_texts(400);
    let question: &[String] = &["query: how do language models learn to reason step by step?".to_owned()];
    let abstracts: Vec<String> =
        texts.iter().filter(|text| (900..1500).contains(&text.len())).take(500).cloned().collect();
    for (name, texts, rounds) in [("question", question, 2000), ("abstracts", &abstracts, 5)] {
        let tokens: usize = texts.iter().map(|text| expected(text, true).len()).sum();
        let mut total = 0;
        let encode = best_of(rounds, || {
            total += texts.iter().map(|text| ours().encode(text).unwrap().len()).sum::<usize>();
        });
        let count = best_of(rounds, || {
            total += texts.iter().map(|text| ours().count(text).unwrap()).sum::<usize>();
        });
        let library = best_of(rounds, || {
            total += texts.iter().map(|text| expected(text, true).len()).sum::<usize>();
        });
        let each = |time: Duration| time.as_nanos() as usize / tokens.max(1);
        println!(
            "{name}: {tokens} tokens; encode {encode:?} ({} ns a token), count {count:?} ({}), library {library:?} \
             ({}, its cache warm) [{total}]",
            each(encode),
            each(count),
            each(library),
        );
    }
}
