//! Progress on standard error: bars where a person looks on, plain lines where a log is kept.

use std::io::Write;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Between two lines in a log.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// One piece of work of known size.
pub(super) struct Progress {
    bar: ProgressBar,
    interactive: bool,
    name: String,
    unit: Unit,
    last_line: Instant,
}

/// What is counted.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    Bytes,
    Papers,
    Rows,
    Passages,
    Texts,
    Titles,
    Thousandths,
}

impl Unit {
    fn template(self) -> &'static str {
        match self {
            Self::Bytes => "{msg:10} {wide_bar} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left",
            Self::Papers => "{msg:10} {wide_bar} {pos}/{len} papers, {per_sec}, {eta} left",
            Self::Rows => "{msg:10} {wide_bar} {pos}/{len} rows, {eta} left",
            Self::Passages => "{msg:10} {wide_bar} {pos}/{len} passages, {per_sec}, {eta} left",
            Self::Titles | Self::Thousandths => "{msg:10} {wide_bar} {percent} %, {eta} left",
            Self::Texts => "{msg:10} {wide_bar} {pos}/{len} texts, {eta} left",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Papers => "papers",
            Self::Rows => "rows",
            Self::Passages => "passages",
            Self::Texts => "texts",
            Self::Titles => "title keys",
            Self::Thousandths => "thousandths",
        }
    }
}

impl Progress {
    pub(super) fn start(name: &str, unit: Unit, total: u64, interactive: bool) -> Self {
        let target = if interactive { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total), target).with_message(name.to_owned());
        if let Ok(style) = ProgressStyle::with_template(unit.template()) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(250));
        Self { bar, interactive, name: name.to_owned(), unit, last_line: Instant::now() }
    }

    pub(super) fn advance(&mut self, by: u64) {
        self.bar.inc(by);
        if !self.interactive && self.last_line.elapsed() >= LOG_EVERY {
            self.last_line = Instant::now();
            let (done, total) = (self.bar.position(), self.bar.length().unwrap_or_default());
            let line = format!(
                "{}: {done} of {total} {}, {:.0} s left",
                self.name,
                self.unit.name(),
                self.bar.eta().as_secs_f64()
            );
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }

    /// A line that must not be overdrawn by the bar.
    pub(super) fn say(&self, line: &str) {
        self.bar.suspend(|| {
            let _ = writeln!(std::io::stderr(), "{line}");
        });
    }

    /// How far it is.
    pub(super) fn position(&self) -> u64 {
        self.bar.position()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
