//! What several promises need to be tested.

pub mod app;
pub mod fifty;
pub mod hub;
pub mod nonsense;
pub mod toy;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use paperkin::config::DEFAULT_MODEL;
use paperkin::embed::{EncoderOptions, Manifest, ModelEncoder, ModelFolder, VerifiedModel};
use paperkin::index::Centring;

/// The folder of shared data (`PAPERKIN_SHARED`, else `../shared/data`). Where it is absent a test says so and
/// returns, but never where somebody relies on it: in CI, or with `PAPERKIN_REQUIRE_DATA=1`.
pub fn shared_data() -> Option<PathBuf> {
    let named = std::env::var_os("PAPERKIN_SHARED").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"));
    if folder.is_dir() {
        return Some(folder);
    }
    let required = std::env::var_os("CI").is_some()
        || std::env::var("PAPERKIN_REQUIRE_DATA").is_ok_and(|value| value == "1");
    assert!(!required, "shared data not present at {}", folder.display());
    println!("skipped: shared data not present");
    None
}

/// The checkout's models folder.
pub fn models() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models")
}

/// The real model, which the test command fetches first.
pub fn verified_model() -> VerifiedModel {
    let manifest = Manifest::find(&models(), DEFAULT_MODEL).unwrap();
    ModelFolder::locate(&manifest, &models())
        .and_then(ModelFolder::verify)
        .expect("run scripts/test.sh, which fetches the model first")
}

/// The real encoder, loaded once.
pub fn encoder() -> &'static Arc<ModelEncoder> {
    static ENCODER: OnceLock<Arc<ModelEncoder>> = OnceLock::new();
    ENCODER.get_or_init(|| {
        Arc::new(
            ModelEncoder::load(&verified_model(), EncoderOptions { threads: 2, ..Default::default() })
                .unwrap(),
        )
    })
}

/// The model's language means.
pub fn prior() -> &'static Centring {
    static PRIOR: OnceLock<Centring> = OnceLock::new();
    PRIOR.get_or_init(|| {
        let model = verified_model();
        let table = model.manifest().language_means(&models()).unwrap().unwrap();
        Centring::from_json(&table, model.manifest().dimension).unwrap()
    })
}

/// The real binary, on the checkout's models and a library of the test's own.
pub fn paperkin(library: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_paperkin"));
    command.env("PAPERKIN_MODELS", models()).env("PAPERKIN_LIBRARY", library).env_remove("HF_HUB_OFFLINE");
    command
}

/// Numbers that look random, from a seed that the variable may give and that is printed: what failed can be repeated.
pub fn seed(variable: &str) -> Random {
    let chosen = std::env::var(variable).ok().and_then(|seed| seed.parse().ok());
    let seed = chosen.unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        now.as_secs()
    });
    println!("{variable}={seed}");
    Random(seed)
}

/// SplitMix64 (Steele, Lea and Flood 2014).
pub struct Random(u64);

impl Random {
    /// From a seed of the caller's.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}
