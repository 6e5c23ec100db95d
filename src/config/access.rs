//! Who may ask and who may change: keys, host names and web pages, decided once before the first connection.
//!
//! Without keys only this machine is answered, and all its programs may do everything. A key is known by its SHA-256 only, is
//! compared in constant time, and stands in no log, no message and no `Debug`.

use std::fmt;
use std::path::Path;

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::ConfigError;

/// Who may do what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Who must show a key; nobody, if `None`.
    pub keys: Option<Keys>,
    /// Names, beside those of this machine, by which the service may be addressed.
    pub hosts: Vec<String>,
    /// Web pages of other sites that may ask from a browser: `https://notes.example`.
    pub origins: Vec<String>,
    /// Whether it listens to more than this machine: then every numeric address is one of its own.
    pub is_wide: bool,
}

/// What may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Ask.
    Read,
    /// Ask, add and remove.
    Write,
}

/// Keys, as their SHA-256.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys(Vec<(Right, [u8; 32])>);

impl fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} keys", self.0.len())
    }
}

/// Fewer letters could be guessed.
const SHORTEST: usize = 16;

impl Keys {
    /// No key yet.
    #[must_use]
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes a key in.
    ///
    /// # Errors
    /// If it is too short, or holds what a header cannot.
    pub fn add(&mut self, right: Right, key: &str) -> Result<(), ConfigError> {
        let fits = key.len() >= SHORTEST && key.bytes().all(|byte| byte.is_ascii_graphic());
        if !fits {
            return Err(ConfigError::Key);
        }
        self.0.push((right, digest(key.as_bytes())));
        Ok(())
    }

    /// Reads a file of lines `read: KEY` and `write: KEY`; empty lines and those with `#` count for nothing.
    ///
    /// # Errors
    /// Names the file and the line, never what stands there.
    pub fn add_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = fs_err::read_to_string(path).map_err(ConfigError::File)?;
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let refused = || ConfigError::KeyFile { file: path.to_owned(), line: at + 1 };
            let (right, key) = match line.split_once(':').ok_or_else(refused)? {
                ("read", key) => (Right::Read, key),
                ("write", key) => (Right::Write, key),
                _ => return Err(refused()),
            };
            self.add(right, key.trim()).map_err(|_| refused())?;
        }
        Ok(())
    }

    /// What `shown` allows, if it is one of the keys. Takes as long whichever it is, and if it is none.
    #[must_use]
    pub fn right_of(&self, shown: &[u8]) -> Option<Right> {
        let shown = digest(shown);
        let (mut may_read, mut may_write) = (Choice::from(0), Choice::from(0));
        for (right, key) in &self.0 {
            let is_same = key.ct_eq(&shown);
            may_read |= is_same;
            may_write |= is_same & Choice::from(u8::from(*right == Right::Write));
        }
        match (bool::from(may_write), bool::from(may_read)) {
            (true, _) => Some(Right::Write),
            (false, true) => Some(Right::Read),
            (false, false) => None,
        }
    }
}

fn digest(key: &[u8]) -> [u8; 32] {
    Sha256::digest(key).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: &str = "read-key-of-a-test";
    const WRITE: &str = "write-key-of-a-test";

    fn keys(text: &str) -> Result<Keys, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys");
        fs_err::write(&file, text).unwrap();
        let mut keys = Keys::none();
        keys.add_file(&file).map(|()| keys)
    }

    #[test]
    fn a_key_allows_what_it_is_for_and_nothing_near_it_does() {
        let keys = keys(&format!("# of the reading group\nread: {READ}\n\nwrite:{WRITE}\n")).unwrap();
        assert_eq!(keys.right_of(READ.as_bytes()), Some(Right::Read));
        assert_eq!(keys.right_of(WRITE.as_bytes()), Some(Right::Write));
        for wrong in ["", "read", &READ[1..], &READ.to_uppercase(), &format!("{READ} "), "열쇠"] {
            assert_eq!(keys.right_of(wrong.as_bytes()), None, "{wrong}");
        }
        assert!(Right::Write > Right::Read);
    }

    #[test]
    fn a_key_stands_in_no_message() {
        let whole = keys(&format!("read: {READ}")).unwrap();
        assert_eq!(format!("{whole:?}"), "1 keys");
        for wrong in [READ, "admin: my-secret-of-sixteen", "read: short", "write: mit leerzeichen darin"] {
            let told = keys(&format!("\n{wrong}")).unwrap_err().to_string();
            assert!(told.contains(":2") && !told.contains(wrong.split(' ').next_back().unwrap()), "{told}");
        }
    }
}
