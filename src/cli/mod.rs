//! One file a subcommand: arguments to [`Config`] to a call into the rooms below; no logic of its own.
//!
//! Exit codes: 0 done, 1 some records refused (or something found by `check`), 130 stopped by Ctrl+C, 2 cannot go on,
//! and the last line on standard error says what to do. Answers go to standard output, everything else to standard error.

mod asking;
mod backup;
mod bench;
mod check;
mod duplicates;
mod eval;
mod export;
mod facets;
mod ingest;
mod interrupt;
mod map;
mod mcp;
mod model;
mod output;
mod progress;
mod related;
mod remove;
mod search;
mod serve;
mod show;
mod split;
mod stats;
mod whole_file;

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::{Config, Secret, Settings};
use crate::embed::{self, Arithmetic, DeviceChoice, KernelChoice, Manifest, ModelEncoder};
use crate::index::Centring;
use crate::search::{IndexState, Searcher};
use crate::store::Counts;
use progress::{Progress, Unit};

/// Finds papers akin to a question or to another paper, in any language, on this machine.
///
/// It reads what you have (digests, notes, articles, bibliographies, dumps, feeds), embeds abstracts and commentary with
/// a small multilingual model, and answers here, in the browser and over HTTP. Nothing leaves the machine.
#[derive(Debug, Parser)]
#[command(name = "paperkin", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct CommandLine {
    #[command(flatten)]
    global: GlobalFlags,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "Examples:
  paperkin model fetch                        get the model, once
  paperkin ingest ~/notes digests/*.txt       read papers and commentary; again later: only what is new
  paperkin search '残差连接的替代方案'        ask in any language
  paperkin related arxiv:2408.15881           papers related to one
  paperkin serve                              the same in the browser

Exit codes: 0 done, 1 some records refused, 2 cannot go on, 130 stopped by Ctrl+C.";

#[derive(Debug, Args)]
#[command(next_help_heading = "Library and model")]
struct GlobalFlags {
    /// Folder of the library: what was read, and its index
    #[arg(long, global = true, env = "PAPERKIN_LIBRARY", value_name = "DIR")]
    library: Option<PathBuf>,
    /// Folder of models: manifests and weights
    #[arg(long, global = true, env = "PAPERKIN_MODELS", value_name = "DIR")]
    models: Option<PathBuf>,
    /// The model, by the name of its manifest
    #[arg(long, global = true, env = "PAPERKIN_MODEL", value_name = "NAME")]
    model: Option<String>,
    /// Never open a connection; what is missing is named [env: HF_HUB_OFFLINE=1]
    #[arg(long, global = true)]
    offline: bool,
    /// Where the model runs
    #[arg(long, global = true, env = "PAPERKIN_DEVICE", value_name = "cpu|cuda", value_parser = device)]
    device: Option<DeviceChoice>,
    /// In which numbers the model runs: int8 is fastest, fp32 exact, candle the slow reference
    #[arg(long, global = true, env = "PAPERKIN_ARITHMETIC", value_name = "int8|fp32|candle")]
    arithmetic: Option<Arithmetic>,
    /// With which instructions: amx-bf16, avx512-vnni, avx-vnni, avx2, neon-dotprod or portable; the best if not given
    #[arg(long, global = true, env = "PAPERKIN_KERNEL", value_name = "NAME")]
    kernel: Option<KernelChoice>,
    /// CPU threads; all cores if not given
    #[arg(long, global = true, env = "PAPERKIN_THREADS", value_name = "N")]
    threads: Option<usize>,
    /// Answers as JSON, for programs
    #[arg(long, global = true)]
    json: bool,
    /// A TOML file with any of: library, models, model, offline, device, arithmetic, kernel, threads, listen, api-key-file, host,
    /// allow-origin
    #[arg(long, global = true, env = "PAPERKIN_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

fn device(text: &str) -> Result<DeviceChoice, String> {
    match text {
        "cpu" => Ok(DeviceChoice::Cpu),
        "cuda" => Ok(DeviceChoice::Cuda),
        _ => Err("use cpu or cuda".into()),
    }
}

// What each does is told by its arguments: a comment of documentation here would hide theirs from `--help`.
#[derive(Debug, Subcommand)]
enum Command {
    /// Get, verify and locate models
    #[command(subcommand)]
    Model(model::ModelCommand),
    Ingest(ingest::IngestArguments),
    Search(search::SearchArguments),
    Related(related::RelatedArguments),
    Facets(facets::FacetsArguments),
    Show(show::ShowArguments),
    Remove(remove::RemoveArguments),
    Split(split::SplitArguments),
    Duplicates(duplicates::DuplicatesArguments),
    Backup(backup::BackupArguments),
    Restore(backup::RestoreArguments),
    Export(export::ExportArguments),
    Map(map::MapArguments),
    Serve(serve::ServeArguments),
    /// Answer an AI assistant, which starts this and asks over standard input (MCP)
    ///
    /// MCP, the Model Context Protocol, gives an assistant four tools over your library: search, related, paper and library.
    /// They read what is on this machine and change nothing; papers that another paperkin ingests meanwhile appear within a
    /// second or two. It ends when the assistant closes its input. What the tools answer goes to the assistant, and with it to
    /// wherever the assistant's model runs.
    Mcp(mcp::McpArguments),
    Stats(stats::StatsArguments),
    Check(check::CheckArguments),
    Eval(eval::EvalArguments),
    /// Measure how fast this machine is
    #[command(subcommand)]
    Bench(bench::BenchCommand),
}

/// Runs the command line; never panics, never exits by itself.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = search::with_minuses(arguments);
    let matches = match CommandLine::command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let done = CommandLine::from_arg_matches(&matches).map_err(anyhow::Error::from).and_then(|line| {
        Session::new(line.settings(), &line.global).and_then(|session| line.command.run(&session))
    });
    match done {
        Ok(Done::Fully) => ExitCode::SUCCESS,
        Ok(Done::WithRefusals) => ExitCode::from(1),
        Ok(Done::Interrupted) => ExitCode::from(130),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "paperkin: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// `paperkin search ... | head` closes our output early; that is no error.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// How a command ended, if it could go on.
enum Done {
    /// Exit code 0.
    Fully,
    /// Exit code 1.
    WithRefusals,
    /// Stopped by Ctrl+C at a safe point: exit code 130, as the shell's convention has it.
    Interrupted,
}

impl CommandLine {
    /// What the flags and the environment say.
    fn settings(&self) -> Settings {
        let flags = &self.global;
        let said = Settings {
            library: flags.library.clone(),
            models: flags.models.clone(),
            model: flags.model.clone(),
            offline: (flags.offline || embed::offline_by_environment()).then_some(true),
            device: flags.device,
            arithmetic: flags.arithmetic,
            kernel: flags.kernel,
            threads: flags.threads,
            ..Settings::default()
        };
        let Command::Serve(arguments) = &self.command else { return said };
        let key = |name| std::env::var(name).ok().filter(|key| !key.is_empty()).map(Secret);
        Settings {
            listen: arguments.listen,
            api_key_file: arguments.api_key_file.clone(),
            host: arguments.host.clone(),
            allow_origin: arguments.allow_origin.clone(),
            write_key: key("PAPERKIN_API_KEY"),
            read_key: key("PAPERKIN_READ_KEY"),
            ..said
        }
    }
}

impl Command {
    fn run(self, session: &Session) -> anyhow::Result<Done> {
        match self {
            Self::Model(command) => command.run(session),
            Self::Ingest(arguments) => arguments.run(session),
            Self::Search(arguments) => arguments.run(session),
            Self::Related(arguments) => arguments.run(session),
            Self::Facets(arguments) => arguments.run(session),
            Self::Show(arguments) => arguments.run(session),
            Self::Remove(arguments) => arguments.run(session),
            Self::Split(arguments) => arguments.run(session),
            Self::Duplicates(arguments) => arguments.run(session),
            Self::Export(arguments) => arguments.run(session),
            Self::Map(arguments) => arguments.run(session),
            Self::Backup(arguments) => arguments.run(session),
            Self::Restore(arguments) => arguments.run(session),
            Self::Serve(arguments) => arguments.run(session),
            Self::Mcp(arguments) => arguments.run(session),
            Self::Stats(arguments) => arguments.run(session),
            Self::Check(arguments) => arguments.run(session),
            Self::Eval(arguments) => arguments.run(session),
            Self::Bench(command) => command.run(session),
        }
    }
}

/// What every command starts from.
#[derive(Clone)]
struct Session {
    config: Config,
    json: bool,
}

impl Session {
    fn new(said: Settings, flags: &GlobalFlags) -> anyhow::Result<Self> {
        let file = match &flags.config {
            Some(path) => Settings::from_file(path)?,
            None => Settings::default(),
        };
        let config = Config::new(said.or(file))?;
        // Fails only if a pool is there already, as in tests.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(config.encoder.threads).build_global();
        Ok(Self { config, json: flags.json })
    }

    fn manifest(&self) -> anyhow::Result<Manifest> {
        Ok(Manifest::find(&self.config.models, &self.config.model)?)
    }

    /// The model, verified and loaded, and its language means.
    fn encoder(&self) -> anyhow::Result<(Arc<ModelEncoder>, Centring)> {
        let manifest = self.manifest()?;
        let model = embed::verify(&manifest, &self.config.models)?;
        let encoder = ModelEncoder::load(&model, self.config.encoder)?;
        let prior = match manifest.language_means(&self.config.models)? {
            Some(table) => Centring::from_json(&table, manifest.dimension).with_context(|| {
                let file = self.config.models.join(format!("{}.means.json", manifest.name));
                format!("{}: delete it to use the shipped table, or measure it anew", file.display())
            })?,
            None => Centring::none(),
        };
        Ok((Arc::new(encoder), prior))
    }

    /// An exact search is right but slow on large libraries, and what is not embedded is not found: a person should know.
    fn tell_index_state(&self, searcher: &Searcher) {
        if let IndexState::Unusable { .. } = searcher.index_state() {
            self.say(format_args!("{}; 'paperkin ingest' rebuilds it", searcher.index_state()));
        }
        let Counts { pending, uncut, .. } = *searcher.counts();
        let waiting: Vec<String> = [(uncut, "papers"), (pending, "passages")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        if !waiting.is_empty() {
            let waiting = waiting.join(" and ");
            self.say(format_args!(
                "not everything can be found yet ({waiting} are not embedded): 'paperkin ingest' goes on"
            ));
        }
    }

    /// Shows how far a series of embeddings is, and stops it on Ctrl+C.
    fn embedding_progress(&self, stop: Arc<AtomicBool>) -> impl FnMut(usize, usize) -> bool {
        let interactive = self.is_interactive();
        let mut bar: Option<Progress> = None;
        move |done, total| {
            let bar_now = bar
                .get_or_insert_with(|| Progress::start("embedding", Unit::Texts, total as u64, interactive));
            bar_now.advance((done as u64).saturating_sub(bar_now.position()));
            if done == total {
                bar = None;
            }
            !stop.load(Ordering::SeqCst)
        }
    }

    /// A line about what goes on, for people; programs read standard output.
    fn say(&self, line: impl std::fmt::Display) {
        let _ = writeln!(std::io::stderr(), "{line}");
    }

    fn is_interactive(&self) -> bool {
        std::io::stderr().is_terminal()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn every_command_says_what_it_is_for_and_most_teach() {
        let mut line = CommandLine::command();
        line.build();
        for command in line.get_subcommands().filter(|command| command.get_name() != "help") {
            assert!(command.get_about().is_some(), "{}", command.get_name());
        }
        for name in ["ingest", "search", "serve", "check", "eval", "backup", "mcp"] {
            let command = line.find_subcommand(name).unwrap();
            assert!(command.get_long_about().is_some(), "{name}");
        }
    }
}
