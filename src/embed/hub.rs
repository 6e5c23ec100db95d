//! The model hub, through hf-hub, with the two things that hf-hub 1.0 leaves to its caller: a download goes on where
//! it broke off, and a hub that does not answer is given up after five seconds. hf-hub's cache is not used; a file
//! grows as `<name>.partial` in the model's own folder, and all files get their names only after all were verified.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use fs_err::File;
use futures_util::{Stream, StreamExt};
use hf_hub::repository::{HFRepository, RepoTypeModel};
use hf_hub::{HFClient, HFError};
use tokio::time::Instant;

use super::disk::{beside, check_hash, sha256_of, sync_folder};
use super::error::ModelError;
use super::fetch::{FetchEvent, Progress};
use super::folder::forget_own_pins;
use super::manifest::{FilePin, Hub};

/// When the first byte of the first file must be there, everything counted, so that a silent hub costs at most five seconds.
const FIRST_ANSWER: Duration = Duration::from_millis(4500);
/// What any later answer, and any next byte, may take.
const NEXT_ANSWER: Duration = Duration::from_secs(10);
/// How often a download that made no progress is tried again.
const RETRIES: u32 = 3;
const PARTIAL: &str = ".partial";

/// Downloads what is missing of `pins` into `folder`. Must not be called from async code.
///
/// # Errors
/// [`ModelError::HubSilent`] and [`ModelError::Hub`] before anything came; [`ModelError::Interrupted`] with what
/// came kept; [`ModelError::WrongHash`] with what came removed.
pub(super) fn fetch(
    pins: &Hub,
    folder: &Path,
    endpoint: Option<&str>,
    progress: Progress<'_>,
) -> Result<(), ModelError> {
    // One worker, not the current-thread kind: hf-hub's chunked storage (xet) spawns tasks that must go on while
    // this thread writes.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let done = runtime.block_on(download_all(pins, folder, endpoint, progress));
    // Not awaited: a thread that waits for a name to resolve waits as long as the system pleases.
    runtime.shutdown_background();
    done?;

    for pin in &pins.files {
        let target = folder.join(&pin.path);
        let partial = beside(&target, PARTIAL);
        if partial.is_file() {
            fs_err::rename(partial, target)?;
        }
    }
    sync_folder(folder)?;
    forget_own_pins(folder)
}

async fn download_all(
    pins: &Hub,
    folder: &Path,
    endpoint: Option<&str>,
    progress: Progress<'_>,
) -> Result<(), ModelError> {
    let mut download =
        Download { pins, repository: repository(pins, endpoint)?, answered: false, first: None, progress };
    for pin in &pins.files {
        let target = folder.join(&pin.path);
        let there = fs_err::metadata(&target).is_ok_and(|found| found.len() == pin.bytes);
        if !(there && sha256_of(&target)? == pin.sha256) {
            download.file(pin, &beside(&target, PARTIAL)).await?;
        }
    }
    Ok(())
}

fn repository(pins: &Hub, endpoint: Option<&str>) -> Result<HFRepository<RepoTypeModel>, ModelError> {
    let bad = |reason: String| ModelError::Hub { file: pins.repo.clone(), reason };
    let http = reqwest::Client::builder()
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(FIRST_ANSWER)
        .read_timeout(NEXT_ANSWER)
        .build()
        .map_err(|error| bad(error.to_string()))?;
    let mut builder = HFClient::builder().client(http).cache_enabled(false).retry_max_attempts(0);
    if let Some(endpoint) = endpoint {
        builder = builder.endpoint(endpoint);
    }
    let client = builder.build().map_err(|error| bad(error.to_string()))?;
    let (owner, name) = hf_hub::split_id(&pins.repo);
    Ok(client.model(owner, name))
}

struct Download<'a, 'p> {
    pins: &'a Hub,
    repository: HFRepository<RepoTypeModel>,
    /// Whether the hub has sent any byte of a file yet.
    answered: bool,
    /// When the first byte must be there; set by the first request.
    first: Option<Instant>,
    progress: Progress<'p>,
}

/// How one attempt at a file ended without the whole of it.
enum Stopped {
    /// The hub said no, or the disk did: no use to try again.
    Final(ModelError),
    /// The connection gave nothing, or nothing more.
    Broken(String),
}

impl<E: Into<ModelError>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Final(error.into())
    }
}

/// hf-hub's stream of bytes, whose type it does not name.
trait Chunks: Stream<Item = Result<Self::Chunk, HFError>> + Unpin {
    type Chunk: AsRef<[u8]>;
}

impl<S: Stream<Item = Result<C, HFError>> + Unpin, C: AsRef<[u8]>> Chunks for S {
    type Chunk = C;
}

impl Download<'_, '_> {
    /// Brings one file to `partial`, whole and verified.
    async fn file(&mut self, pin: &FilePin, partial: &Path) -> Result<(), ModelError> {
        if let Some(parent) = partial.parent() {
            fs_err::create_dir_all(parent)?;
        }
        let mut retries = RETRIES;
        loop {
            let before = length(partial)?;
            let reason = match self.attempt(pin, partial).await {
                Ok(()) => break,
                Err(Stopped::Final(error)) => return Err(error),
                Err(Stopped::Broken(reason)) => reason,
            };
            if !self.answered {
                let endpoint = self.repository.client().endpoint().to_owned();
                return Err(ModelError::HubSilent { endpoint, reason });
            }
            let have = length(partial)?;
            retries = if have > before { RETRIES } else { retries - 1 };
            if retries == 0 {
                return Err(ModelError::Interrupted {
                    file: self.pins.address(&pin.path),
                    have,
                    total: pin.bytes,
                    reason,
                });
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let checked = check_hash(partial, &pin.sha256, sha256_of(partial)?, "the download was removed");
        if checked.is_err() {
            fs_err::remove_file(partial)?;
        }
        checked
    }

    /// One connection: goes on at the end of `partial`.
    async fn attempt(&mut self, pin: &FilePin, partial: &Path) -> Result<(), Stopped> {
        let mut have = length(partial)?;
        if have > pin.bytes {
            fs_err::remove_file(partial)?;
            have = 0;
        }
        if have == pin.bytes && partial.is_file() {
            return Ok(());
        }
        let (announced, mut stream) = self.open(pin, have).await?;
        if have > 0 && announced == Some(pin.bytes) {
            // The hub (or a proxy) sends the whole file whatever the range. To add that to what is there would
            // garble it; what is there is dropped instead.
            drop(stream);
            fs_err::remove_file(partial)?;
            have = 0;
            stream = self.open(pin, 0).await?.1;
        }

        let mut file = File::options().create(true).append(true).open(partial)?;
        while have < pin.bytes {
            let chunk = match tokio::time::timeout_at(self.deadline(), stream.next()).await {
                Ok(Some(Ok(chunk))) => chunk,
                Ok(Some(Err(error))) => return Err(Stopped::Broken(error.to_string())),
                Ok(None) => return Err(Stopped::Broken("the connection was closed".to_owned())),
                Err(_) => return Err(Stopped::Broken("nothing more came".to_owned())),
            };
            self.answered = true;
            let chunk = chunk.as_ref();
            have += chunk.len() as u64;
            if have > pin.bytes {
                // More than was asked for is not the file that was asked for.
                drop(file);
                fs_err::remove_file(partial)?;
                return Err(Stopped::Broken("more bytes came than the file has".to_owned()));
            }
            file.write_all(chunk)?;
            (self.progress)(FetchEvent::Bytes { file: &pin.path, done: have, total: pin.bytes });
        }
        file.sync_all()?;
        Ok(())
    }

    async fn open(
        &mut self,
        pin: &FilePin,
        have: u64,
    ) -> Result<(Option<u64>, impl Chunks + use<>), Stopped> {
        let deadline = self.deadline();
        let request = self
            .repository
            .download_file_stream()
            .filename(pin.path.as_str())
            .revision(self.pins.revision.as_str())
            .maybe_range((have > 0).then_some(have..pin.bytes))
            .send();
        match tokio::time::timeout_at(deadline, request).await {
            Ok(Ok(opened)) => Ok(opened),
            Ok(Err(HFError::Request { source, .. })) => Err(Stopped::Broken(with_causes(&source))),
            Ok(Err(error)) => {
                let (file, reason) = (self.pins.address(&pin.path), error.to_string());
                Err(Stopped::Final(ModelError::Hub { file, reason }))
            }
            Err(_) => Err(Stopped::Broken("no answer in time".to_owned())),
        }
    }

    /// Until when to wait for what comes next.
    fn deadline(&mut self) -> Instant {
        let now = Instant::now();
        if self.answered { now + NEXT_ANSWER } else { *self.first.get_or_insert(now + FIRST_ANSWER) }
    }
}

/// reqwest says "error sending request" and leaves the reason to its causes.
fn with_causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

fn length(path: &Path) -> Result<u64, ModelError> {
    Ok(if path.is_file() { fs_err::metadata(path)?.len() } else { 0 })
}
