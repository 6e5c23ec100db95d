//! A library as one file, and back: text lines packed with zstd, readable without us (`zstd -dc FILE`).
//!
//! The first line names the format. Each further one is a row: its table, its key as JSON and its value (JSON; vectors:
//! base64 of little-endian f32), separated by tabs. The last line counts them and has the SHA-256 of all before it, so that a
//! file that was cut or altered is never taken for a library. Rows are sealed anew when they are restored; the result
//! is checked like any store before it gets its name.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use redb::{Database, ReadableTable, ReadableTableMetadata};
use sha2::{Digest, Sha256};

use super::codec::{seal, unseal};
use super::error::{Fault, StoreError, guarded};
use super::lock::Lock;
use super::schema::{
    APART, FILES, FORMAT, JOINS, META, NAMES, PAPERS, PASSAGES, PASSAGES_OF, PENDING, PLACES, RECORDS,
    REMOVED, Sealed, Tables, UNCUT, VECTORS, key,
};
use super::snapshot::Snapshot;
use super::{check, file, store_path};

const HEAD: &str = "paperkin backup 1";
/// The longest line that is read: a paper of a thousand notes is far below.
const LONGEST_LINE: u64 = 256 << 20;
/// Rows between two commits of a restore.
const ROWS_PER_COMMIT: u64 = 20_000;
/// How strongly zstd packs: vectors do not shrink, and text does at once.
const LEVEL: i32 = 3;

/// Tables of sealed JSON.
const SEALED: [(&str, Sealed); 6] = [
    ("records", RECORDS),
    ("papers", PAPERS),
    ("passages", PASSAGES),
    ("passages_of", PASSAGES_OF),
    ("joins", JOINS),
    ("vectors", VECTORS),
];

impl Snapshot {
    /// Writes all of the library to `out`; `go_on` is told the rows written and how many there are, and ends it with
    /// `false`. Says how many rows were written, or `None` if it was ended.
    ///
    /// # Errors
    /// Where the store is damaged or cannot be read, or `out` not be written.
    pub fn back_up(
        &self,
        out: &mut dyn Write,
        go_on: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Option<u64>, StoreError> {
        let packed = zstd::Encoder::new(out, LEVEL).map_err(StoreError::Output)?;
        let mut lines = Lines { out: packed, sum: Sha256::new(), rows: 0 };
        let total = self.rows()?;
        let whole = guarded(&self.path, |foreign| {
            let mut each = |lines: &mut Lines<_>, row: &str, value: &[u8]| -> Result<bool, Fault> {
                lines.row(row, value).map_err(|error| Fault::Store(StoreError::Output(error)))?;
                Ok(foreign.call(|| go_on(lines.rows, total)))
            };
            lines.write(HEAD.as_bytes()).map_err(|error| Fault::Store(StoreError::Output(error)))?;
            for row in self.transaction.open_table(META)?.iter()? {
                let (name, value) = row?;
                if !each(&mut lines, &row_key("meta", name.value())?, json(value.value())?.as_bytes())? {
                    return Ok(false);
                }
            }
            for (name, table) in SEALED {
                let Some(table) = self.newer(table)? else { continue };
                for row in table.iter()? {
                    let (number, bytes) = row?;
                    let payload = unseal(name, number.value(), bytes.value())?;
                    let text;
                    let value = if name == "vectors" {
                        text = STANDARD.encode(payload);
                        text.as_bytes()
                    } else {
                        payload
                    };
                    if !each(&mut lines, &format!("{name}\t{}", number.value()), value)? {
                        return Ok(false);
                    }
                }
            }
            for (name, table) in [("names", NAMES), ("places", PLACES)] {
                for row in self.transaction.open_table(table)?.iter()? {
                    let (text, number) = row?;
                    let value = number.value().to_string();
                    if !each(&mut lines, &row_key(name, text.value())?, value.as_bytes())? {
                        return Ok(false);
                    }
                }
            }
            for (name, table) in [("apart", APART), ("removed", REMOVED), ("files", FILES)] {
                let Some(table) = self.newer(table)? else { continue };
                for row in table.iter()? {
                    let (text, value) = row?;
                    if !each(&mut lines, &row_key(name, text.value())?, value.value())? {
                        return Ok(false);
                    }
                }
            }
            for (name, table) in [("pending", PENDING), ("uncut", UNCUT)] {
                let Some(table) = self.newer(table)? else { continue };
                for row in table.iter()? {
                    if !each(&mut lines, &format!("{name}\t{}", row?.0.value()), b"")? {
                        return Ok(false);
                    }
                }
            }
            Ok(true)
        })?;
        let rows = lines.rows;
        if whole {
            lines.end().map_err(StoreError::Output)?;
        }
        Ok(whole.then_some(rows))
    }

    fn rows(&self) -> Result<u64, StoreError> {
        guarded(&self.path, |_| {
            let mut rows = self.transaction.open_table(META)?.len()?;
            for (_, table) in SEALED {
                rows += self.newer(table)?.map_or(Ok(0), |table| table.len())?;
            }
            for table in [NAMES, PLACES] {
                rows += self.transaction.open_table(table)?.len()?;
            }
            for table in [PENDING, UNCUT] {
                rows += self.newer(table)?.map_or(Ok(0), |table| table.len())?;
            }
            for table in [APART, REMOVED, FILES] {
                rows += self.newer(table)?.map_or(Ok(0), |table| table.len())?;
            }
            Ok(rows)
        })
    }
}

fn json(text: &str) -> Result<String, Fault> {
    serde_json::to_string(text).map_err(|error| Fault::Value(error.to_string()))
}

fn row_key(table: &str, key: &str) -> Result<String, Fault> {
    Ok(format!("{table}\t{}", json(key)?))
}

struct Lines<W: Write> {
    out: W,
    sum: Sha256,
    rows: u64,
}

impl<W: Write> Lines<zstd::Encoder<'static, W>> {
    fn row(&mut self, row: &str, value: &[u8]) -> std::io::Result<()> {
        self.rows += 1;
        self.sum.update(row);
        self.sum.update(b"\t");
        self.out.write_all(row.as_bytes())?;
        self.out.write_all(b"\t")?;
        self.write(value)
    }

    fn write(&mut self, line: &[u8]) -> std::io::Result<()> {
        self.sum.update(line);
        self.sum.update(b"\n");
        self.out.write_all(line)?;
        self.out.write_all(b"\n")
    }

    fn end(mut self) -> std::io::Result<()> {
        let sum = hexadecimal(self.sum.finalize_reset());
        self.out.write_all(format!("end\t{}\t{sum}\n", self.rows).as_bytes())?;
        self.out.finish()?.flush()
    }
}

fn hexadecimal(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes the library at `library`, which must have none yet, of what [`Snapshot::back_up`] wrote to the file `backup`. `go_on`
/// is told the rows read, and ends it with `false`. Says whether it came to the end.
///
/// # Errors
/// [`StoreError::Exists`], [`StoreError::Backup`], [`StoreError::Locked`], [`StoreError::DiskFull`]; there is no library then.
pub fn restore(
    backup: &Path,
    library: &Path,
    go_on: &mut dyn FnMut(u64) -> bool,
) -> Result<bool, StoreError> {
    let packed = fs_err::File::open(backup).map_err(|error| StoreError::io(backup, error))?;
    fs_err::create_dir_all(library).map_err(|error| StoreError::io(library, error))?;
    let path = store_path(library);
    let lock = Lock::take(&path)?;
    if path.exists() {
        return Err(StoreError::Exists(path));
    }
    let restored = file::create_as(&path, |database, fresh| {
        let whole = fill(database, backup, packed, go_on)?;
        if whole {
            let transaction = redb::ReadableDatabase::begin_read(database)?;
            if let Some(finding) = check::findings_of(&Snapshot { path: fresh.into(), transaction })?.first()
            {
                return Err(broken(backup, &finding.what));
            }
        }
        Ok(whole)
    });
    drop(lock);
    restored
}

fn broken(backup: &Path, why: &str) -> Fault {
    Fault::Store(StoreError::Backup { path: backup.to_owned(), why: why.to_owned() })
}

fn fill(
    database: &Database,
    backup: &Path,
    packed: impl Read,
    go_on: &mut dyn FnMut(u64) -> bool,
) -> Result<bool, Fault> {
    let unreadable = |error: std::io::Error| {
        broken(backup, &format!("it is no whole file that 'paperkin backup' wrote ({error})"))
    };
    let unpacked = zstd::Decoder::new(packed).map_err(unreadable)?;
    let mut lines = BufReader::with_capacity(1 << 20, unpacked);
    let mut line = Vec::new();
    let mut next = |line: &mut Vec<u8>| -> Result<bool, Fault> {
        line.clear();
        lines.by_ref().take(LONGEST_LINE).read_until(b'\n', line).map_err(unreadable)?;
        match line.pop() {
            Some(b'\n') => Ok(true),
            Some(_) => Err(broken(backup, "it ends in the middle of a line")),
            None => Ok(false),
        }
    };
    let mut sum = Sha256::new();
    if !next(&mut line)? || line != HEAD.as_bytes() {
        return Err(broken(backup, "it is no backup of a library"));
    }
    let mut rows = 0;
    loop {
        let transaction = database.begin_write()?;
        let mut tables = Tables::open(&transaction)?;
        let batch = rows + ROWS_PER_COMMIT;
        let end = loop {
            sum.update(&line);
            sum.update(b"\n");
            if !next(&mut line)? {
                return Err(broken(backup, "its end is missing"));
            }
            if let Some(end) = line.strip_prefix(b"end\t") {
                break Some(String::from_utf8_lossy(end).into_owned());
            }
            rows += 1;
            insert(&mut tables, &line).map_err(|why| broken(backup, &format!("row {rows}: {why}")))?;
            if rows >= batch {
                break None;
            }
        };
        if let Some(end) = end {
            if end != format!("{rows}\t{}", hexadecimal(sum.finalize())) {
                return Err(broken(backup, "its checksum does not fit"));
            }
            tables.set(key::FORMAT, &FORMAT.to_string())?;
            let revision = super::writer::now().max(tables.number(key::REVISION)? + 1);
            tables.set(key::REVISION, &revision.to_string())?;
            drop(tables);
            transaction.commit()?;
            return Ok(true);
        }
        drop(tables);
        transaction.commit()?;
        if !go_on(rows) {
            return Ok(false);
        }
    }
}

fn insert(tables: &mut Tables<'_>, line: &[u8]) -> Result<(), String> {
    let line = std::str::from_utf8(line).map_err(|_| "not UTF-8".to_owned())?;
    let mut columns = line.splitn(3, '\t');
    let (Some(table), Some(key), Some(value)) = (columns.next(), columns.next(), columns.next()) else {
        return Err("not three columns".to_owned());
    };
    let text = || serde_json::from_str::<String>(key).map_err(|error| error.to_string());
    let number = |text: &str| text.parse::<u32>().map_err(|error| format!("{text}: {error}"));
    let failed = |error: redb::StorageError| error.to_string();
    match table {
        "meta" => {
            let value: String = serde_json::from_str(value).map_err(|error| error.to_string())?;
            tables.meta.insert(text()?.as_str(), value.as_str()).map_err(failed)?;
        }
        "names" => drop(tables.names.insert(text()?.as_str(), number(value)?).map_err(failed)?),
        "places" => drop(tables.places.insert(text()?.as_str(), number(value)?).map_err(failed)?),
        "apart" => drop(tables.apart.insert(text()?.as_str(), value.as_bytes()).map_err(failed)?),
        "removed" => drop(tables.removed.insert(text()?.as_str(), value.as_bytes()).map_err(failed)?),
        "files" => drop(tables.files.insert(text()?.as_str(), value.as_bytes()).map_err(failed)?),
        "pending" => drop(tables.pending.insert(number(key)?, ()).map_err(failed)?),
        "uncut" => drop(tables.uncut.insert(number(key)?, ()).map_err(failed)?),
        _ => {
            let number = number(key)?;
            let payload = match table {
                "vectors" => STANDARD.decode(value).map_err(|error| error.to_string())?,
                _ => value.as_bytes().to_vec(),
            };
            let table = match table {
                "records" => &mut tables.records,
                "papers" => &mut tables.papers,
                "passages" => &mut tables.passages,
                "passages_of" => &mut tables.passages_of,
                "joins" => &mut tables.joins,
                "vectors" => &mut tables.vectors,
                _ => return Err(format!("there is no table {table:?}")),
            };
            table.insert(number, seal(number, &payload).as_slice()).map_err(failed)?;
        }
    }
    Ok(())
}
