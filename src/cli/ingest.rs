//! `paperkin ingest`

use std::collections::HashSet;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;

use super::progress::{Progress, Unit};
use super::{Done, Session, interrupt, output};
use crate::embed::Encoder;
use crate::ingest::{Event, Model, Observer, Report, Task, Watch, ingest};
use crate::paper::{cut, single_line};
use crate::store::{Change, Writer};

/// Read files and folders into the library
///
/// Reads daily digests, articles about one paper, Markdown notes, web pages, BibTeX, RIS, CSL-JSON, JSON lines, arXiv, Semantic
/// Scholar and OpenAlex dumps, Atom and RSS feeds, also packed (.gz, .zst, .xz, .zip); the format is recognised by content.
/// Running it again reads what changed and embeds only what is new. It may be stopped at any time: what was acknowledged is
/// safe, and the next run goes on from there.
#[derive(Debug, Args)]
pub(super) struct IngestArguments {
    /// Files or folders; none: only embed what an earlier run left, and rebuild the index if it is damaged
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Read only, and leave embedding to a later run: needs no model, and takes seconds where embedding takes hours
    #[arg(long)]
    no_embed: bool,
    /// Drop what the files do not have any more: records taken out of a file, files deleted or renamed
    #[arg(long)]
    prune: bool,
    /// Read files again that have not changed since they were read
    #[arg(long)]
    reread: bool,
    /// Go on: read what changes in PATH as it changes, until Ctrl+C
    #[arg(long, requires = "paths")]
    watch: bool,
    /// Name every paper as it is acknowledged, and all that is skipped
    #[arg(long, short)]
    verbose: bool,
}

impl IngestArguments {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<Done> {
        let stop = interrupt::watch()?;
        if let Some(missing) = self.paths.iter().find(|path| !path.exists() && !self.prune) {
            anyhow::bail!(
                "there is no file or folder {}; if it was deleted, --prune drops what it told of",
                missing.display()
            );
        }
        let loaded = if self.no_embed { None } else { Some(session.encoder()?) };
        let model = loaded.as_ref().map(|(encoder, prior)| Model { encoder: encoder.as_ref(), prior });
        if let Some((encoder, _)) = &loaded {
            session.say(format_args!(
                "model {}, {}; library {}",
                encoder.fingerprint(),
                encoder.arithmetic(),
                session.config.library.display()
            ));
        }
        // What changes while the first round is read is for the second.
        let watch = if self.watch { Some(Watch::new(&self.paths)?) } else { None };
        let mut view = View::new(session, Arc::clone(&stop), self.verbose);
        let mut done = self.round(session, model, &mut view)?;
        let Some(watch) = watch else { return Ok(done) };
        session.say("watching; Ctrl+C ends it");
        while watch.wait(&|| stop.load(Ordering::SeqCst)) {
            match self.round(session, model, &mut view) {
                Ok(round) => done = round,
                // Another writer, a full disk: the next round may find it mended.
                Err(error) => session.say(format_args!("{error:#}; trying again at the next change")),
            }
        }
        Ok(match done {
            Done::Interrupted => Done::Fully,
            done => done,
        })
    }

    /// Reads all paths once. Between two rounds others may write.
    fn round(&self, session: &Session, model: Option<Model<'_>>, view: &mut View) -> anyhow::Result<Done> {
        let library = &session.config.library;
        let mut writer = match model {
            Some(model) => Writer::open(library, model.encoder.fingerprint(), model.encoder.dimension())?,
            None => Writer::open_text(library)?,
        };
        let task = Task { paths: self.paths.clone(), prune: self.prune, reread: self.reread };
        let report = ingest(library, &task, &mut writer, model, view)?;
        view.close();
        let counts = writer.counts()?;
        // Who reads that this round is done may write.
        drop(writer);
        let is_news = report.new + report.changed + report.dropped + report.refused + report.embedded > 0;
        if self.watch && !is_news && report.unread > 0 {
            return Ok(Done::Fully);
        }
        if session.json {
            output::json(&serde_json::json!({"event": "done", "report": report, "counts": counts}))?;
        } else {
            session.say(summary(&report));
            session.say(format_args!(
                "the library holds {} papers in {} passages{}",
                counts.papers,
                counts.passages,
                match counts.pending + counts.uncut {
                    0 => String::new(),
                    waiting if counts.pending == 0 =>
                        format!("; {waiting} papers are not embedded yet: 'paperkin ingest' goes on"),
                    waiting => format!(
                        "; {} passages{} are not embedded yet: 'paperkin ingest' goes on",
                        counts.pending,
                        if waiting > counts.pending {
                            format!(" and {} papers", counts.uncut)
                        } else {
                            String::new()
                        }
                    ),
                }
            ));
        }
        // Who names something in which there is no paper at all meant something else.
        let is_nothing = report.records + report.unread == 0 && report.no_paper > 0;
        Ok(match (report.stopped, report.refused) {
            (true, _) => Done::Interrupted,
            (false, 0) if !is_nothing => Done::Fully,
            (false, _) => Done::WithRefusals,
        })
    }
}

fn summary(report: &Report) -> String {
    let mut line = format!(
        "{} records from {} files: {} new, {} changed, {} known",
        report.records,
        report.files + report.unread,
        report.new,
        report.changed,
        report.unchanged
    );
    if report.new + report.changed > 1_000 {
        line.push_str(&format!(", {:.0} records/s", report.records as f64 / report.reading_seconds));
    }
    if report.dropped > 0 {
        line.push_str(&format!(", {} dropped", report.dropped));
    }
    if report.removed > 0 {
        line.push_str(&format!(", {} of removed papers passed over", report.removed));
    }
    if report.no_paper > 0 {
        line.push_str(&format!(", {} not about a paper", report.no_paper));
    }
    if report.refused > 0 {
        line.push_str(&format!(", {} refused (named above)", report.refused));
    }
    if report.embedded > 0 {
        line.push_str(&format!(
            "; {} passages embedded, {:.0} tokens/s",
            report.embedded,
            report.tokens as f64 / report.embedding_seconds
        ));
    }
    if report.stopped {
        line.push_str("; stopped before the end");
    }
    line
}

/// Passages of a large library.
const LARGE: usize = 20_000;

/// Shows an ingest to a person, or as JSON lines to a program.
pub(super) struct View {
    stop: Arc<AtomicBool>,
    interactive: bool,
    json: bool,
    verbose: bool,
    bar: Option<Progress>,
    notices: usize,
    passed_over: usize,
    /// Files of which it was said that records are kept that they do not have any more.
    kept: HashSet<String>,
}

impl View {
    /// Lines of a kind shown without `--verbose`; a dump of a million lines must not flood the screen.
    const SHOWN: usize = 10;

    pub(super) fn new(session: &Session, stop: Arc<AtomicBool>, verbose: bool) -> Self {
        Self {
            stop,
            interactive: session.is_interactive(),
            json: session.json,
            verbose,
            bar: None,
            notices: 0,
            passed_over: 0,
            kept: HashSet::new(),
        }
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.say(line),
            None => {
                let _ = writeln!(std::io::stderr(), "{line}");
            }
        }
    }

    /// Says the line that is number `count` of its kind, unless there were enough: then `more`, once.
    fn say_sparingly(&self, count: usize, line: &str, more: &str) {
        if self.verbose || count <= Self::SHOWN {
            self.say(line);
        } else if count == Self::SHOWN + 1 {
            self.say(more);
        }
    }

    fn start(&mut self, name: &str, unit: Unit, total: u64) {
        self.close();
        self.bar = Some(Progress::start(name, unit, total, self.interactive));
    }

    pub(super) fn close(&mut self) {
        self.bar = None;
    }

    fn advance(&mut self, by: u64) {
        if let Some(bar) = &mut self.bar {
            bar.advance(by);
        }
    }
}

impl Observer for View {
    fn see(&mut self, event: Event<'_>) {
        match event {
            Event::Listed { files: _, bytes } => self.start("reading", Unit::Bytes, bytes),
            Event::Read { bytes } => self.advance(bytes),
            Event::Acknowledged { id, change, source, title } => {
                if self.json {
                    // A closed pipe must not stop an ingest.
                    let _ = output::json(&serde_json::json!({
                        "event": "acknowledged", "id": id, "change": change,
                        "file": source.file, "line": source.line,
                    }));
                } else if self.verbose && change != Change::Unchanged {
                    self.say(&format!("{id}  {title}"));
                }
            }
            Event::Refused(error) => {
                if self.json {
                    let _ = output::json(&serde_json::json!({
                        "event": "refused", "file": error.file, "line": error.line, "why": error.why,
                    }));
                }
                self.say(&format!("refused {error}"));
            }
            Event::NoPaper(error) => {
                self.passed_over += 1;
                let more = "more files without a paper are named with --verbose";
                self.say_sparingly(self.passed_over, &format!("passed over {error}"), more);
            }
            Event::Unreadable { text, error } => {
                self.say(&format!("a passage is not embedded: {error}: {}", cut(&single_line(text), 80)));
            }
            Event::Skipped(skipped) if self.verbose => {
                self.say(&format!("skipped {}: {}", skipped.path.display(), skipped.reason));
            }
            Event::Skipped(_) => {}
            Event::Noticed(notice) => {
                self.notices += 1;
                let line = format!("note {}:{}: {}", notice.file, notice.line, notice.text);
                self.say_sparingly(self.notices, &line, "more notes are shown with --verbose");
            }
            Event::Gone { name, records, dropped: true } => {
                self.say(&format!("dropped {records} records that {name} does not have any more"));
            }
            Event::Gone { name, records, dropped: false } if self.kept.insert(name.to_owned()) => self.say(&format!(
                "kept {records} records that {name} does not have any more; --prune drops them, unless the file could not be \
                 read whole or the folder is empty"
            )),
            Event::Gone { .. } => {}
            Event::Cutting { papers } => self.start("preparing", Unit::Papers, papers as u64),
            Event::Cut { papers } => self.advance(papers as u64),
            Event::Embedding { passages } => self.start("embedding", Unit::Passages, passages as u64),
            Event::Embedded { passages, .. } => self.advance(passages as u64),
            Event::Publishing { passages } => {
                self.close();
                // Of a large library it takes seconds, with a graph minutes.
                if self.verbose || passages > LARGE {
                    self.say(&format!("building the index of {passages} passages"));
                }
            }
        }
    }

    fn should_stop(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}
