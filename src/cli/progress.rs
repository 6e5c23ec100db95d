//! Progress on standard error: bars where a person looks on, plain lines where a log is kept.

use std::io::Write;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

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
            Self::Bytes => "{msg:10} {wide_bar} {bytes}/{total_bytes}, {bytes_per_sec}, {left} left",
            Self::Papers => "{msg:10} {wide_bar} {pos}/{len} papers, {pace}/s, {left} left",
            Self::Rows => "{msg:10} {wide_bar} {pos}/{len} rows, {left} left",
            Self::Passages => "{msg:10} {wide_bar} {pos}/{len} passages, {pace}/s, {left} left",
            Self::Titles | Self::Thousandths => "{msg:10} {wide_bar} {percent} %, {left} left",
            Self::Texts => "{msg:10} {wide_bar} {pos}/{len} texts, {left} left",
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

/// What is left, at the pace from the start until now. (indicatif's own guess looks at the last seconds, and after a pause said
/// 11,629,845,054 s.)
fn left(elapsed: Duration, done: u64, total: u64) -> Duration {
    let share = total.saturating_sub(done) as f64 / done.max(1) as f64;
    elapsed.mul_f64(share.min(1e6))
}

impl Progress {
    pub(super) fn start(name: &str, unit: Unit, total: u64, interactive: bool) -> Self {
        let target = if interactive { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total), target).with_message(name.to_owned());
        if let Ok(style) = ProgressStyle::with_template(unit.template()) {
            let tell = |state: &ProgressState, to: &mut dyn std::fmt::Write| {
                let left = left(state.elapsed(), state.pos(), state.len().unwrap_or_default());
                let _ = write!(to, "{:#}", HumanDuration(left));
            };
            let pace = |state: &ProgressState, to: &mut dyn std::fmt::Write| {
                let _ = write!(to, "{:.0}", state.per_sec());
            };
            bar.set_style(style.with_key("left", tell).with_key("pace", pace));
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
                "{}: {done} of {total} {}, {} s left",
                self.name,
                self.unit.name(),
                left(self.bar.elapsed(), done, total).as_secs()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_told_at_the_pace_so_far() {
        assert_eq!(left(Duration::from_secs(30), 10, 40), Duration::from_secs(90));
        assert_eq!(left(Duration::from_secs(30), 40, 40), Duration::ZERO);
        assert!(left(Duration::from_secs(1 << 40), 0, u64::MAX) > Duration::ZERO, "no overflow");
    }
}
