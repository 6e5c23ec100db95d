//! What every reading of any bytes must hold to. Shared by the fuzz targets and by the test that replays what they
//! found.

use std::time::{Duration, Instant};

use super::corpus::{RecordError, read_bytes};
use super::paper::{PaperId, Record, latex_text, normalise, normalised_title, unicode_of};
use unicode_normalization::is_nfc;

/// So much text must be read in so much time, whatever it says; more text in proportion.
const UNIT: usize = 64 << 10;
const TIME: Duration = Duration::from_secs(1);

/// Reads `bytes` twice and checks every record and error.
///
/// # Panics
///
/// When a promise is broken.
pub fn check(name: &str, bytes: &[u8]) {
    let start = Clock::start();
    let first = read(name, bytes);
    let took = start.elapsed();
    let units = 1 + u32::try_from(bytes.len() / UNIT).unwrap_or(u32::MAX - 1);
    // Compressed text is larger than its file.
    let unpacked = !matches!(bytes, [0x1f, 0x8b, ..] | [0x28, 0xb5, ..] | [0xfd, ..] | [b'P', b'K', ..]);
    assert!(!unpacked || took < TIME * units, "{took:?} for {} bytes", bytes.len());
    assert!(first == read(name, bytes), "read twice, two readings");
    let lines = 2 + bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
    for read in &first {
        match read {
            Ok(record) => {
                record_holds(record);
                assert!(!unpacked || record.source.line <= lines, "line {} of {lines}", record.source.line);
            }
            Err(error) => {
                assert!(error.line > 0 && !error.why.is_empty() && error.file.starts_with(name), "{error}");
                assert!(!unpacked || error.line <= lines, "line {} of {lines}: {error}", error.line);
            }
        }
    }
}

fn read(name: &str, bytes: &[u8]) -> Vec<Result<Record, RecordError>> {
    match read_bytes(name, bytes) {
        Ok(mut reader) => {
            let read = reader.by_ref().collect();
            assert!(reader.bytes_read() <= bytes.len() as u64, "more was read than there is");
            assert!(reader.next().is_none(), "an end is an end");
            drop(reader.take_notices());
            read
        }
        Err(error) => vec![Err(error)],
    }
}

fn record_holds(record: &Record) {
    assert!(!record.title.trim().is_empty(), "a record without title");
    assert!(record.source.line > 0);
    let single =
        record.authors.iter().chain(&record.tags).chain(&record.url).chain(&record.venue).chain(&record.note);
    for text in single.chain([&record.title]) {
        assert!(!text.is_empty() && !text.contains('\n'), "one line and no less: {text:?}");
        clean(text);
    }
    let texts = record.abstract_text.iter().chain(record.commentaries.iter().map(|note| &note.text));
    for text in texts {
        assert!(!text.trim().is_empty(), "a text that says nothing");
        clean(text);
    }
    for id in &record.ids {
        assert!(id.is_registered(), "{id}");
        assert_eq!(PaperId::parse(&id.to_string()).as_ref(), Some(id), "an id that does not parse back");
    }
}

fn clean(text: &str) {
    assert!(is_nfc(text), "not composed: {text:?}");
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "control characters: {text:?}");
}

/// What is shown of LaTeX is shown the same when it is shown again, is the same title, and is there at once.
pub fn check_latex(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let text = normalise(text);
    let begun = Clock::start();
    let shown = unicode_of(&text).into_owned();
    assert_eq!(unicode_of(&shown), shown, "{text}");
    assert_eq!(normalised_title(&text), normalised_title(&shown), "{text}");
    std::hint::black_box(latex_text(&text));
    assert!(begun.elapsed().as_secs() < 5, "{} bytes", bytes.len());
}

/// The time that this thread had a processor: a busy machine makes nothing slow. Elsewhere than on Linux, time.
struct Clock(Instant, Option<Duration>);

impl Clock {
    fn start() -> Self {
        Self(Instant::now(), processor_time())
    }

    fn elapsed(&self) -> Duration {
        match (self.1, processor_time()) {
            (Some(then), Some(now)) => now.saturating_sub(then),
            _ => self.0.elapsed(),
        }
    }
}

/// proc(5): the first number of `schedstat` is nanoseconds on a processor.
fn processor_time() -> Option<Duration> {
    let text = fs_err::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split_whitespace().next()?.parse().ok()?))
}
