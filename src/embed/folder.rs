//! A model's folder on disk. A model has several complete sets of files (the hub's, the wheel's, a user's own); the
//! folder holds one of them. Loaders take a [`VerifiedModel`] and nothing else, and only hashing makes one: no byte
//! of a model is used before its sha256 was compared.
//!
//! There is no stamp "verified last week": disks rot and people copy over files, and the shipped weights are hashed in
//! some 50 ms.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::disk::{check_hash, sha256, sha256_of};
use super::error::ModelError;
use super::manifest::{FilePin, Manifest, Source, check_pins, is_weights};

/// The pins of a user's own files, written beside them when they were accepted.
const OWN_PINS: &str = "folder.toml";

/// The pins of files whose hashes no manifest knows.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OwnPins {
    /// The folder they were taken from.
    pub(super) from: String,
    pub(super) files: Vec<FilePin>,
}

impl OwnPins {
    fn read(folder: &Path) -> Result<Option<Self>, ModelError> {
        let path = folder.join(OWN_PINS);
        if !path.is_file() {
            return Ok(None);
        }
        let bad = |reason: String| ModelError::Manifest { file: path.display().to_string(), reason };
        let pins: Self =
            toml::from_str(&fs_err::read_to_string(&path)?).map_err(|error| bad(error.to_string()))?;
        check_pins(&pins.files).map_err(bad)?;
        Ok(Some(pins))
    }

    pub(super) fn to_file(&self) -> Result<(&'static str, String), ModelError> {
        let text = toml::to_string(self)
            .map_err(|error| ModelError::Manifest { file: OWN_PINS.to_owned(), reason: error.to_string() })?;
        Ok((OWN_PINS, text))
    }
}

/// Forgets that the folder held a user's own files; called when a pinned set takes their place.
pub(super) fn forget_own_pins(folder: &Path) -> Result<(), ModelError> {
    let path = folder.join(OWN_PINS);
    if path.is_file() {
        fs_err::remove_file(path)?;
    }
    Ok(())
}

/// A folder in which one complete set of files was seen: all there, all of the right length, not yet hashed.
#[derive(Clone, Debug)]
pub struct ModelFolder {
    manifest: Manifest,
    folder: PathBuf,
    source: Source,
    files: Vec<FilePin>,
}

impl ModelFolder {
    /// Looks for a complete set of files of `manifest`; costs microseconds.
    ///
    /// # Errors
    /// [`ModelError::Incomplete`], which names what is missing of the set that is nearest to complete.
    pub fn locate(manifest: &Manifest, models_dir: &Path) -> Result<Self, ModelError> {
        Self::locate_one_of(manifest, models_dir, None)
    }

    /// As [`ModelFolder::locate`], of one source only.
    pub(super) fn locate_one_of(
        manifest: &Manifest,
        models_dir: &Path,
        wanted: Option<Source>,
    ) -> Result<Self, ModelError> {
        let folder = manifest.folder(models_dir);
        let own = OwnPins::read(&folder)?.map(|pins| (Source::Folder, pins.files));
        let known = manifest.variants().into_iter().map(|(source, files)| (source, files.to_vec()));
        let mut nearest: Option<Vec<String>> = None;
        for (source, files) in own.into_iter().chain(known) {
            if wanted.is_some_and(|wanted| wanted != source) {
                continue;
            }
            let problems: Vec<_> = files.iter().filter_map(|file| problem(&folder, file)).collect();
            if problems.is_empty() {
                return Ok(Self { manifest: manifest.clone(), folder, source, files });
            }
            if nearest.as_ref().is_none_or(|nearest| problems.len() < nearest.len()) {
                nearest = Some(problems);
            }
        }
        Err(ModelError::Incomplete {
            name: manifest.name.clone(),
            folder,
            problems: nearest.unwrap_or_default(),
        })
    }

    /// Hashes every file.
    ///
    /// # Errors
    /// [`ModelError::WrongHash`], naming the first file that is not the pinned one.
    pub fn verify(self) -> Result<VerifiedModel, ModelError> {
        let remedy = format!("remove it and run 'paperkin model fetch {}'", self.manifest.name);
        for pin in &self.files {
            let file = self.folder.join(&pin.path);
            check_hash(&file, &pin.sha256, sha256_of(&file)?, &remedy)?;
        }
        let fingerprint = fingerprint(&self.manifest, &self.files);
        Ok(VerifiedModel { folder: self, fingerprint })
    }

    /// The model.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Where its files lie.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Which set of files is there.
    #[must_use]
    pub fn source(&self) -> Source {
        self.source
    }

    /// The files.
    #[must_use]
    pub fn files(&self) -> &[FilePin] {
        &self.files
    }
}

/// What is wrong with a file at first sight.
fn problem(folder: &Path, pin: &FilePin) -> Option<String> {
    match fs_err::metadata(folder.join(&pin.path)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(format!("{}: missing", pin.path)),
        Err(error) => Some(error.to_string()),
        Ok(found) if found.len() != pin.bytes => {
            Some(format!("{}: {} bytes, expected {}", pin.path, found.len(), pin.bytes))
        }
        Ok(_) => None,
    }
}

/// Name, and hash of all that decides a vector of [`super::Encoder::encode_both`].
fn fingerprint(manifest: &Manifest, files: &[FilePin]) -> String {
    let mut text = format!("{:?} {} {:?} both roles", manifest.pooling, manifest.max_tokens, manifest.prefix);
    let mut hashes: Vec<_> = files.iter().map(|file| (&file.path, &file.sha256)).collect();
    hashes.sort();
    text.push_str(&format!("{hashes:?}"));
    format!("{}:{}", manifest.name, &sha256(text.as_bytes())[..16])
}

/// A model folder of which every byte was hashed.
#[derive(Clone, Debug)]
pub struct VerifiedModel {
    folder: ModelFolder,
    fingerprint: String,
}

impl VerifiedModel {
    /// The model.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.folder.manifest
    }

    /// Which set of files it is, and where.
    #[must_use]
    pub fn folder(&self) -> &ModelFolder {
        &self.folder
    }

    /// Name and hash of all that decides a vector: files, pooling, prefixes, token limit.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Where one of its files lies.
    #[must_use]
    pub fn file(&self, path: &str) -> PathBuf {
        self.folder.folder.join(path)
    }

    /// The sha256 of one of its files.
    pub(super) fn hash(&self, path: &str) -> Option<&str> {
        let pin = self.folder.files.iter().find(|pin| pin.path == path);
        pin.map(|pin| pin.sha256.as_str())
    }

    /// Where its weights lie, safetensors or GGUF.
    ///
    /// # Errors
    /// [`ModelError::Incomplete`]; cannot happen with pins that were checked.
    pub fn weights(&self) -> Result<PathBuf, ModelError> {
        let pin = self.folder.files.iter().find(|file| is_weights(&file.path));
        pin.map(|pin| self.file(&pin.path)).ok_or_else(|| ModelError::Incomplete {
            name: self.folder.manifest.name.clone(),
            folder: self.folder.folder.clone(),
            problems: vec!["no file of weights".to_owned()],
        })
    }
}
