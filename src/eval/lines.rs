//! The lines of a judged set's files: packed or not, one in memory at a time, each error with its file and line.

use std::io::{BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use serde::de::DeserializeOwned;

use super::EvalError;

/// An abstract has some two thousand characters: a longer line than this is another kind of file.
const LONGEST_LINE: u64 = 8 << 20;

/// How sets are packed, as they are published.
const PACKED: [&str; 3] = ["", ".gz", ".zst"];

/// The file of that name in `folder`, packed or not.
pub(super) fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    PACKED.iter().map(|end| folder.join(format!("{name}{end}"))).find(|path| path.is_file())
}

/// A file's name without how it is packed.
pub(super) fn unpacked_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    PACKED.iter().rev().find_map(|end| name.strip_suffix(end)).map_or(name.clone(), str::to_owned)
}

/// The lines that hold anything, with their numbers from 1.
pub(super) struct Lines {
    file: PathBuf,
    stream: Box<dyn BufRead>,
    number: usize,
    broken: bool,
}

impl Lines {
    pub(super) fn open(file: &Path) -> Result<Self, EvalError> {
        let mut raw = BufReader::new(fs_err::File::open(file)?);
        let mut head = Vec::new();
        raw.by_ref().take(4).read_to_end(&mut head)?;
        raw.rewind()?;
        let stream: Box<dyn BufRead> = if head.starts_with(b"\x1f\x8b") {
            Box::new(BufReader::new(MultiGzDecoder::new(raw)))
        } else if head.starts_with(b"\x28\xb5\x2f\xfd") {
            Box::new(BufReader::new(zstd::Decoder::with_buffer(raw)?))
        } else {
            Box::new(raw)
        };
        Ok(Self { file: file.to_owned(), stream, number: 0, broken: false })
    }

    /// An error at the line given last.
    pub(super) fn error(&self, why: impl Into<String>) -> EvalError {
        EvalError::line(&self.file, self.number.max(1), why)
    }

    /// The next line, whatever it is; `None` at the end.
    fn read(&mut self) -> Result<Option<String>, EvalError> {
        let mut bytes = Vec::new();
        self.number += 1;
        let read = self.stream.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut bytes);
        match read {
            Err(error) => Err(self.error(format!("cannot be read on: {error}"))),
            Ok(0) => Ok(None),
            Ok(length) if length as u64 == LONGEST_LINE => {
                Err(self.error(format!("longer than {} MiB; one record a line", LONGEST_LINE >> 20)))
            }
            Ok(_) => match String::from_utf8(bytes) {
                Ok(text) => {
                    Ok(Some(text.trim_start_matches('\u{feff}').trim_end_matches(['\n', '\r']).to_owned()))
                }
                Err(_) => Err(self.error("is no UTF-8; convert the file")),
            },
        }
    }
}

impl Iterator for Lines {
    type Item = Result<String, EvalError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.broken {
            match self.read() {
                Ok(None) => return None,
                Ok(Some(line)) if line.trim().is_empty() => {}
                Ok(Some(line)) => return Some(Ok(line)),
                Err(error) => {
                    self.broken = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

/// Every line as JSON, given to `take`, which may refuse it.
pub(super) fn each_json<T: DeserializeOwned>(
    file: &Path,
    mut take: impl FnMut(T) -> Result<(), String>,
) -> Result<(), EvalError> {
    let mut lines = Lines::open(file)?;
    while let Some(line) = lines.next() {
        let read = serde_json::from_str(&line?).map_err(|error| error.to_string());
        read.and_then(&mut take).map_err(|why| lines.error(why))?;
    }
    Ok(())
}

/// Every line's cells, given to `take`, which may refuse them; with `None` the cells of the header line.
pub(super) fn each_row(
    file: &Path,
    mut take: impl FnMut(Option<usize>, &[&str]) -> Result<(), String>,
) -> Result<(), EvalError> {
    let mut lines = Lines::open(file)?;
    let mut rows = 0;
    while let Some(line) = lines.next() {
        let line = line?;
        let cells: Vec<&str> = line.split('\t').map(str::trim).collect();
        take((rows > 0).then_some(rows), &cells).map_err(|why| lines.error(why))?;
        rows += 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn packed_or_not_the_lines_are_the_same_and_errors_name_them() {
        let folder = tempfile::tempdir().unwrap();
        let text = "\u{feff}\"하나\"\r\n\n\"二\"\n3\n";
        fs_err::write(folder.path().join("a.jsonl"), text).unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        fs_err::write(folder.path().join("b.jsonl.gz"), gzip.finish().unwrap()).unwrap();
        let packed = zstd::encode_all(text.as_bytes(), 1).unwrap();
        fs_err::write(folder.path().join("c.jsonl.zst"), packed).unwrap();
        for name in ["a.jsonl", "b.jsonl", "c.jsonl"] {
            let file = find(folder.path(), name).unwrap();
            assert_eq!(unpacked_name(&file), name);
            let mut read: Vec<String> = Vec::new();
            let error = each_json(&file, |line: String| {
                read.push(line);
                Ok(())
            });
            assert_eq!(read, ["하나", "二"]);
            assert!(error.unwrap_err().to_string().contains(":4: "), "the line is named");
        }
        fs_err::write(folder.path().join("d"), b"ok\n\xff\xfe\nnever read\n").unwrap();
        let lines: Vec<_> = Lines::open(&folder.path().join("d")).unwrap().collect();
        assert!(lines.len() == 2 && lines[1].as_ref().unwrap_err().to_string().contains("d:2: is no UTF-8"));
    }
}
