//! A model is the same model whichever way it came, and nothing that looks whole is not.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use paperkin::embed::{
    FetchEvent, FetchOptions, Manifest, ModelError, ModelFolder, Source, VerifiedModel, fetch, list, verify,
};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::support::hub::{HubServer, Manner};

const SMALL: &str = "small";

/// A model of made-up files, a hub that has them, and an empty models folder.
struct Setting {
    hub: HubServer,
    manifest: Manifest,
    models: TempDir,
    files: Vec<(&'static str, Vec<u8>)>,
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn made_up() -> Vec<(&'static str, Vec<u8>)> {
    let noise = |seed: u32, length: u32| -> Vec<u8> {
        (0..length).map(|i| (i.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 13) as u8).collect()
    };
    vec![
        ("config.json", br#"{"model_type":"bert"}"#.to_vec()),
        ("tokenizer.json", noise(1, 5_000)),
        ("model.safetensors", noise(2, 300_000)),
    ]
}

fn manifest_of(files: &[(&str, Vec<u8>)]) -> Manifest {
    let mut text = format!(
        "name = \"{SMALL}\"\nlicence = \"MIT\"\ndimension = 4\npooling = \"mean\"\nmax_tokens = 16\nlanguages = []\n\
         [prefix]\nquery = \"\"\npassage = \"\"\n[hub]\nrepo = \"owner/name\"\nrevision = \"abc123\"\n"
    );
    for (path, bytes) in files {
        let (length, sha256) = (bytes.len(), hash(bytes));
        text += &format!("[[hub.files]]\npath = \"{path}\"\nbytes = {length}\nsha256 = \"{sha256}\"\n");
    }
    Manifest::parse(&text, "small.toml").unwrap()
}

impl Setting {
    fn new(manner: Manner) -> Self {
        Self::serving(made_up(), manner)
    }

    /// The manifest pins the made-up files; the hub serves these.
    fn serving(served: Vec<(&'static str, Vec<u8>)>, manner: Manner) -> Self {
        let addressed: HashMap<_, _> = served
            .into_iter()
            .map(|(path, bytes)| (format!("owner/name/resolve/abc123/{path}"), bytes))
            .collect();
        let files = made_up();
        Self {
            hub: HubServer::start(addressed, manner),
            manifest: manifest_of(&files),
            models: tempfile::tempdir().unwrap(),
            files,
        }
    }

    fn options(&self) -> FetchOptions {
        FetchOptions {
            models_dir: self.models.path().to_owned(),
            endpoint: Some(self.hub.endpoint.clone()),
            ..Default::default()
        }
    }

    fn fetch(&self) -> Result<ModelFolder, ModelError> {
        fetch(&self.manifest, &self.options(), &mut |_| {})
    }

    fn verify(&self) -> Result<VerifiedModel, ModelError> {
        verify(&self.manifest, self.models.path())
    }

    fn path(&self, file: &str) -> PathBuf {
        self.models.path().join(SMALL).join(file)
    }

    /// The names in the model's folder, the lock aside.
    fn names(&self) -> Vec<String> {
        let entries = fs_err::read_dir(self.models.path().join(SMALL)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        let mut names: Vec<_> = names.filter(|name| name != ".lock").collect();
        names.sort();
        names
    }
}

#[test]
fn the_hub_gives_a_model_once() {
    let setting = Setting::new(Manner::Good);
    let mut last = HashMap::new();
    let found = fetch(&setting.manifest, &setting.options(), &mut |event| {
        if let FetchEvent::Bytes { file, done, total } = event {
            assert!(last.insert(file.to_owned(), done).is_none_or(|before| before < done) && done <= total);
        }
    });
    assert_eq!(found.unwrap().source(), Source::Hub);
    assert_eq!(setting.names(), ["config.json", "model.safetensors", "tokenizer.json"]);
    for (path, bytes) in &setting.files {
        assert_eq!(&fs_err::read(setting.path(path)).unwrap(), bytes);
        assert_eq!(last[*path], bytes.len() as u64);
    }
    setting.verify().unwrap();

    let before = setting.hub.connections();
    let start = Instant::now();
    setting.fetch().unwrap();
    assert!(start.elapsed() < Duration::from_millis(50), "{:?}", start.elapsed());
    assert_eq!(setting.hub.connections(), before, "a model that is there needs no network");
}

#[test]
fn a_download_goes_on_where_it_broke_off() {
    let setting = Setting::new(Manner::CutOnceAt(100_000));
    setting.fetch().unwrap();
    setting.verify().unwrap();
    let gets = setting.hub.gets("model.safetensors");
    assert_eq!(gets.len(), 2, "{gets:?}");
    assert_eq!(gets[1].range.as_deref(), Some("bytes=100000-299999"));
    assert_eq!(gets.iter().map(|get| get.sent).sum::<usize>(), 300_000, "no byte was sent twice");
}

#[test]
fn a_killed_download_goes_on_in_the_next_process() {
    let setting = Setting::new(Manner::Good);
    // As a process leaves it that was killed in the middle.
    fs_err::create_dir_all(setting.models.path().join(SMALL)).unwrap();
    fs_err::write(setting.path("model.safetensors.partial"), &setting.files[2].1[..70_000]).unwrap();
    assert!(matches!(setting.verify(), Err(ModelError::Incomplete { .. })));
    setting.fetch().unwrap();
    setting.verify().unwrap();
    let gets = setting.hub.gets("model.safetensors");
    assert_eq!(gets[0].range.as_deref(), Some("bytes=70000-299999"));
    assert_eq!(gets.iter().map(|get| get.sent).sum::<usize>(), 230_000);
}

#[test]
fn a_download_that_keeps_breaking_keeps_what_came() {
    let setting = Setting::new(Manner::StopsAt(100_000));
    let error = setting.fetch().unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, ModelError::Interrupted { have: 100_000, total: 300_000, .. }), "{text}");
    assert!(text.contains("owner/name/resolve/abc123/model.safetensors") && text.contains("again"), "{text}");
    assert!(matches!(setting.verify(), Err(ModelError::Incomplete { .. })));
    setting.hub.set(Manner::Good);
    setting.fetch().unwrap();
    setting.verify().unwrap();
    let sent = setting.hub.gets("model.safetensors").iter().map(|get| get.sent).sum::<usize>();
    assert_eq!(sent, 300_000, "no byte was sent twice");
}

#[test]
fn a_hub_without_ranges_does_not_garble_the_file() {
    let setting = Setting::new(Manner::NoRanges);
    fs_err::create_dir_all(setting.models.path().join(SMALL)).unwrap();
    fs_err::write(setting.path("model.safetensors.partial"), &setting.files[2].1[..70_000]).unwrap();
    setting.fetch().unwrap();
    setting.verify().unwrap();
}

#[test]
fn a_wrong_hash_is_refused_and_nothing_looks_whole() {
    let mut wrong = made_up();
    wrong[2].1[1234] ^= 1;
    let setting = Setting::serving(wrong, Manner::Good);
    let error = setting.fetch().unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, ModelError::WrongHash { .. }), "{text}");
    assert!(text.contains("model.safetensors") && text.contains(&hash(&setting.files[2].1)), "{text}");
    // What was right is kept for the next time, under names that nothing reads.
    assert_eq!(setting.names(), ["config.json.partial", "tokenizer.json.partial"]);
    assert!(matches!(setting.verify(), Err(ModelError::Incomplete { .. })));
}

#[test]
fn one_changed_bit_on_disk_is_found_before_use() {
    let setting = Setting::new(Manner::Good);
    setting.fetch().unwrap();
    let mut weights = setting.files[2].1.clone();
    weights[299_999] ^= 0x80;
    fs_err::write(setting.path("model.safetensors"), weights).unwrap();
    let error = setting.verify().unwrap_err().to_string();
    assert!(error.contains("model.safetensors") && error.contains("model fetch small"), "{error}");
}

#[test]
fn a_silent_hub_costs_at_most_five_seconds() {
    for manner in [Manner::Silent, Manner::HeadersOnly] {
        let setting = Setting::new(manner);
        let start = Instant::now();
        let error = setting.fetch().unwrap_err();
        assert!(matches!(error, ModelError::HubSilent { .. }), "{error}");
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        assert!(error.to_string().contains(&setting.hub.endpoint), "{error}");
    }
}

#[test]
fn a_closed_port_costs_nothing_and_a_broken_hub_is_named() {
    let setting = Setting::new(Manner::Broken);
    let error = setting.fetch().unwrap_err();
    assert!(matches!(error, ModelError::Hub { .. }) && error.to_string().contains("503"), "{error}");

    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let options = FetchOptions { endpoint: Some(format!("http://{port}")), ..setting.options() };
    let start = Instant::now();
    let error = fetch(&setting.manifest, &options, &mut |_| {}).unwrap_err();
    assert!(matches!(error, ModelError::HubSilent { .. }), "{error}");
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[test]
fn offline_names_every_file_and_opens_no_connection() {
    let setting = Setting::new(Manner::Good);
    let options = FetchOptions { offline: true, ..setting.options() };
    let start = Instant::now();
    let text = fetch(&setting.manifest, &options, &mut |_| {}).unwrap_err().to_string();
    assert!(start.elapsed() < Duration::from_millis(50), "{:?}", start.elapsed());
    for (path, bytes) in &setting.files {
        assert!(text.contains(&setting.path(path).display().to_string()), "{text}");
        assert!(text.contains(&format!("owner/name/resolve/abc123/{path}")), "{text}");
        assert!(text.contains(&hash(bytes)), "{text}");
    }
    assert!(text.contains("--from"), "{text}");
    assert_eq!(setting.hub.connections(), 0);

    // A file that is there already is not asked for.
    fs_err::create_dir_all(setting.models.path().join(SMALL)).unwrap();
    fs_err::write(setting.path("tokenizer.json"), &setting.files[1].1).unwrap();
    let text = fetch(&setting.manifest, &options, &mut |_| {}).unwrap_err().to_string();
    assert!(!text.contains("tokenizer.json") && text.contains("config.json"), "{text}");

    // And a model that is there works.
    setting.fetch().unwrap();
    fetch(&setting.manifest, &options, &mut |_| {}).unwrap();
}

/// What `from` gives to an empty models folder.
fn taken(setting: &Setting, from: &Path, notices: &mut Vec<String>) -> Result<ModelFolder, ModelError> {
    let options = FetchOptions { from: Some(from.to_owned()), offline: true, ..setting.options() };
    fetch(&setting.manifest, &options, &mut |event| {
        if let FetchEvent::Notice(text) = event {
            notices.push(text.to_owned());
        }
    })
}

#[test]
fn a_folder_of_the_users_is_taken_by_its_hashes() {
    let setting = Setting::new(Manner::Good);
    let from = tempfile::tempdir().unwrap();
    let mut notices = Vec::new();
    let error = taken(&setting, from.path(), &mut notices).unwrap_err().to_string();
    assert!(error.contains("config.json"), "{error}");

    for (path, bytes) in &setting.files {
        fs_err::write(from.path().join(path), bytes).unwrap();
    }
    assert_eq!(taken(&setting, from.path(), &mut notices).unwrap().source(), Source::Hub);
    let fingerprint = setting.verify().unwrap().fingerprint().to_owned();
    assert!(fingerprint.starts_with("small:"));
    assert_eq!((setting.hub.connections(), notices.len()), (0, 0));

    // The right length and one wrong bit: damaged, not another model.
    let elsewhere = Setting::new(Manner::Good);
    let mut weights = setting.files[2].1.clone();
    weights[7] ^= 1;
    fs_err::write(from.path().join("model.safetensors"), &weights).unwrap();
    let error = taken(&elsewhere, from.path(), &mut notices).unwrap_err();
    assert!(matches!(error, ModelError::WrongHash { .. }), "{error}");
    assert!(elsewhere.names().is_empty(), "{:?}", elsewhere.names());
}

#[test]
fn files_of_unknown_hash_need_the_same_architecture_and_get_a_fingerprint_of_their_own() {
    let setting = Setting::new(Manner::Good);
    let config = r#"{"model_type":"bert","hidden_act":"gelu","hidden_size":4,"num_hidden_layers":1,
        "num_attention_heads":2,"intermediate_size":8,"max_position_embeddings":16,"vocab_size":10,
        "type_vocab_size":2,"layer_norm_eps":1e-12}"#;
    let from = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| fs_err::write(from.path().join(name), text).unwrap();
    let mut notices = Vec::new();
    put("tokenizer.json", "{}");
    put("mine.gguf", "weights of mine");
    for other in
        [config.replace("bert", "xlm-roberta"), config.replace(":4,", ":8,"), config.replace(":16,", ":8,")]
    {
        put("config.json", &other);
        let error = taken(&setting, from.path(), &mut notices).unwrap_err();
        println!("{error}");
        assert!(setting.names().is_empty());
    }
    put("config.json", config);
    assert_eq!(taken(&setting, from.path(), &mut notices).unwrap().source(), Source::Folder);
    assert!(notices.len() == 1 && notices[0].contains("small"), "{notices:?}");
    let own = setting.verify().unwrap();
    assert!(own.weights().unwrap().ends_with("mine.gguf"));
    fs_err::write(setting.path("mine.gguf"), "weights of mint").unwrap();
    assert!(matches!(setting.verify(), Err(ModelError::WrongHash { .. })));

    // The published files take their place again, and the pins of the others are forgotten.
    let options = FetchOptions { source: Some(Source::Hub), ..setting.options() };
    fetch(&setting.manifest, &options, &mut |_| {}).unwrap();
    let published = setting.verify().unwrap();
    assert_eq!(published.folder().source(), Source::Hub);
    assert_ne!(published.fingerprint(), own.fingerprint());
}

#[test]
fn list_tells_what_is_there() {
    let models = tempfile::tempdir().unwrap();
    let known = list(models.path()).unwrap();
    let real = known.iter().find(|status| status.manifest.name == "multilingual-e5-small").unwrap();
    let text = real.found.as_ref().unwrap_err().to_string();
    assert!(text.contains("model fetch multilingual-e5-small") && text.contains("tokenizer.json"), "{text}");
}
