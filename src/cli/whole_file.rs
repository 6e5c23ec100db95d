//! A file that is there when it is whole, and not before.

use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Context;

/// Lets `write` fill a file of another name beside `file`, and gives it its name when it is whole and on disk. If `write` fails,
/// or says `None` because it was stopped, whatever was there before stays.
///
/// Nothing is written into the folder `library`: a slip of the fingers must not replace the store by what was made of it.
pub(super) fn when_whole<T>(
    file: &Path,
    library: &Path,
    write: impl FnOnce(&mut dyn Write) -> anyhow::Result<Option<T>>,
) -> anyhow::Result<Option<T>> {
    let name = file.file_name().with_context(|| format!("{} is no name of a file", file.display()))?;
    if file.exists() && !file.is_file() {
        anyhow::bail!("{} is there and is no file; choose another name", file.display());
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let (Ok(folder), Ok(library)) = (fs_err::canonicalize(folder), fs_err::canonicalize(library))
        && folder.starts_with(&library)
    {
        anyhow::bail!(
            "{} is inside of the library {}; choose another place",
            file.display(),
            library.display()
        );
    }
    let partial = file.with_file_name(format!(".{}.{}.partial", name.to_string_lossy(), std::process::id()));
    let filled = (|| {
        let mut out = BufWriter::new(fs_err::File::create(&partial)?);
        let Some(done) = write(&mut out)? else { return Ok(None) };
        out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        fs_err::rename(&partial, file)?;
        Ok(Some(done))
    })();
    if !matches!(filled, Ok(Some(_))) {
        // The reason of the failure is told; a file that cannot be removed either says nothing more.
        let _ = fs_err::remove_file(&partial);
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_when_it_is_whole_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("내보내기.bib");
        let nowhere = Path::new("/no/library");
        let left = || fs_err::read_dir(folder.path()).unwrap().count();
        let failed = when_whole::<()>(&file, nowhere, |out| {
            out.write_all(b"half")?;
            anyhow::bail!("no more")
        });
        assert!(failed.is_err() && left() == 0);
        let whole = when_whole(&file, nowhere, |out| {
            out.write_all("한국어".as_bytes())?;
            assert!(!file.exists());
            Ok(Some(1))
        });
        assert_eq!((whole.unwrap(), left()), (Some(1), 1));
        assert!(when_whole::<()>(&file, nowhere, |_| Ok(None)).unwrap().is_none());
        assert_eq!(fs_err::read_to_string(&file).unwrap(), "한국어", "what was there before is untouched");
        assert!(when_whole(folder.path(), nowhere, |_| Ok(Some(1))).is_err());
        let inside = when_whole(&file, folder.path(), |_| Ok(Some(1))).unwrap_err();
        assert!(inside.to_string().contains("inside of the library"), "{inside}");
    }
}
