//! Files and folders: which files there are to read, which are left out and why, and their bytes under a cap.
//!
//! The walk keeps its own stack, follows no links to folders (they may lead back) and opens nothing: a pipe in the
//! folder must not hold us.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use super::unpack::Raw;
use super::{ErrorKind, RecordError};

/// A file to read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceFile {
    /// Where it is, as the person named it.
    pub path: PathBuf,
    /// Its size, for progress.
    pub bytes: u64,
}

/// Why a file or a folder was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// Its name begins with a dot.
    Hidden,
    /// Its extension is that of images, archives, programs.
    NotText,
    /// A link to a folder, a pipe, a device.
    NotAFile,
    /// The system does not let us; with its own words.
    Denied(String),
}

impl fmt::Display for SkipReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hidden => formatter.write_str("hidden (its name begins with a dot); name it to read it"),
            Self::NotText => formatter.write_str("not a text file, by its extension"),
            Self::NotAFile => {
                formatter.write_str("a link to a folder, a pipe or a device; name its target to read it")
            }
            Self::Denied(why) => write!(formatter, "cannot be read: {why}"),
        }
    }
}

/// A file or folder that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub reason: SkipReason,
}

/// What there is to read under a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The files, sorted by path.
    pub files: Vec<SourceFile>,
    /// What was left out, in the order of the walk.
    pub skipped: Vec<Skipped>,
}

impl Listing {
    /// The sum of the sizes, for progress.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// What is never a paper's text; anything else is opened and judged by its content.
const NOT_TEXT: [&str; 40] = [
    "7z",
    "avi",
    "bin",
    "bmp",
    "bz2",
    "class",
    "dll",
    "doc",
    "docx",
    "epub",
    "exe",
    "gif",
    "heic",
    "ico",
    "jar",
    "jpeg",
    "jpg",
    "m4a",
    "mov",
    "mp3",
    "mp4",
    "o",
    "ogg",
    "pdf",
    "png",
    "ppt",
    "pptx",
    "pyc",
    "rar",
    "safetensors",
    "so",
    "tar",
    "tbz2",
    "tgz",
    "txz",
    "wav",
    "webm",
    "webp",
    "xls",
    "xlsx",
];

/// The extensions of compressed texts, behind which stands the text's own.
pub(super) const PACKED: [&str; 3] = ["gz", "xz", "zst"];

/// The files under `path`, sorted; a file that the person names himself is listed whatever it is called.
///
/// # Errors
///
/// When `path` itself is missing or cannot be read.
pub fn files_under(path: &Path) -> Result<Listing, RecordError> {
    let metadata = metadata(path)?;
    let mut listing = Listing::default();
    if !metadata.is_dir() {
        listing.files.push(SourceFile { path: path.to_owned(), bytes: metadata.len() });
        return Ok(listing);
    }
    let mut folders = BTreeSet::from([path.to_owned()]);
    let mut named = true;
    while let Some(folder) = folders.pop_first() {
        let entries = match fs_err::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if named => return Err(unreadable(path, error.to_string())),
            Err(error) => {
                listing.skipped.push(Skipped { path: folder, reason: SkipReason::Denied(error.to_string()) });
                continue;
            }
        };
        named = false;
        let mut here: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
        here.sort();
        for path in here {
            match judge(&path) {
                Ok(Kind::Folder) => {
                    folders.insert(path);
                }
                Ok(Kind::File(bytes)) => listing.files.push(SourceFile { path, bytes }),
                Err(reason) => listing.skipped.push(Skipped { path, reason }),
            }
        }
    }
    listing.files.sort();
    Ok(listing)
}

enum Kind {
    Folder,
    File(u64),
}

fn judge(path: &Path) -> Result<Kind, SkipReason> {
    if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
        return Err(SkipReason::Hidden);
    }
    let denied = |error: std::io::Error| SkipReason::Denied(error.to_string());
    let own = fs_err::symlink_metadata(path).map_err(denied)?;
    if own.is_dir() {
        return Ok(Kind::Folder);
    }
    if is_not_text(path) {
        return Err(SkipReason::NotText);
    }
    let target = fs_err::metadata(path).map_err(denied)?;
    if target.is_file() { Ok(Kind::File(target.len())) } else { Err(SkipReason::NotAFile) }
}

/// By its extension; `figures.tar.gz` is what `figures.tar` is.
pub(super) fn is_not_text(path: &Path) -> bool {
    extension(path).is_some_and(|last| {
        let inner = PACKED.contains(&last.as_str()).then(|| path.file_stem().map(Path::new)).flatten();
        let extension = inner.and_then(extension).unwrap_or(last);
        NOT_TEXT.contains(&extension.as_str())
    })
}

fn extension(path: &Path) -> Option<String> {
    path.extension().map(|extension| extension.to_string_lossy().to_lowercase())
}

fn metadata(path: &Path) -> Result<std::fs::Metadata, RecordError> {
    fs_err::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => unreadable(path, "no such file or folder; check the spelling"),
        _ => unreadable(path, error.to_string()),
    })
}

fn unreadable(path: &Path, why: impl Into<String>) -> RecordError {
    RecordError::new(ErrorKind::Unreadable, &path.display().to_string(), 1, why)
}

/// Opens the file, and says under which name.
pub(super) fn open(path: &Path) -> Result<(String, Raw), RecordError> {
    let name = path.display().to_string();
    let metadata = metadata(path)?;
    if metadata.is_dir() {
        return Err(unreadable(path, "this is a folder; list its files first"));
    }
    if !metadata.is_file() {
        return Err(unreadable(path, "this is a pipe or a device; save its content to a file first"));
    }
    let file = fs_err::File::open(path).map_err(|error| unreadable(path, error.to_string()))?;
    Ok((name, Box::new(file)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn a_folder_lists_its_files_sorted_and_names_what_it_leaves_out() {
        let folder = folder(&[
            ("b/2.md", "two"),
            ("a.txt", "a"),
            ("b/1.md", "one!"),
            (".obsidian/app.json", "{}"),
            ("b/.hidden.md", "x"),
            ("figure.PNG", "x"),
        ]);
        #[cfg(unix)]
        std::os::unix::fs::symlink(folder.path(), folder.path().join("b/loop")).unwrap();
        let listing = files_under(folder.path()).unwrap();
        let names: Vec<_> = listing
            .files
            .iter()
            .map(|file| file.path.strip_prefix(folder.path()).unwrap().to_str().unwrap())
            .collect();
        assert_eq!(names, ["a.txt", "b/1.md", "b/2.md"]);
        assert_eq!(listing.bytes(), 8);
        let skipped: Vec<_> = listing
            .skipped
            .iter()
            .map(|skipped| (skipped.path.file_name().unwrap().to_str().unwrap(), skipped.reason.clone()))
            .collect();
        assert!(skipped.contains(&(".obsidian", SkipReason::Hidden)), "{skipped:?}");
        assert!(skipped.contains(&(".hidden.md", SkipReason::Hidden)));
        assert!(skipped.contains(&("figure.PNG", SkipReason::NotText)));
        #[cfg(unix)]
        assert!(skipped.contains(&("loop", SkipReason::NotAFile)));
        assert_eq!(skipped.len(), if cfg!(unix) { 4 } else { 3 });
    }

    #[test]
    fn a_file_named_by_the_person_is_listed_whatever_it_is() {
        let folder = folder(&[(".draft.pdf", "12345")]);
        let listing = files_under(&folder.path().join(".draft.pdf")).unwrap();
        assert_eq!((listing.files.len(), listing.bytes()), (1, 5));
        let missing = files_under(&folder.path().join("nothing")).unwrap_err();
        assert!(missing.to_string().contains("no such file"), "{missing}");
    }

    #[test]
    fn a_folder_is_no_file() {
        assert!(open(folder(&[]).path()).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_not_waited_for() {
        let folder = folder(&[]);
        let path = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert_eq!(files_under(folder.path()).unwrap().skipped[0].reason, SkipReason::NotAFile);
        assert!(open(&path).is_err());
    }
}
