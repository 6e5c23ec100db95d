//! The house stands: who looks at whom, and no file that nobody can read in one sitting.

use std::path::{Path, PathBuf};

/// Room, and the rooms it may look at.
const ROOMS: [(&str, &[&str]); 14] = [
    ("paper", &[]),
    ("corpus", &["paper"]),
    ("embed", &["paper"]),
    ("index", &["paper"]),
    ("lexical", &["paper"]),
    ("store", &["paper"]),
    ("export", &["paper", "store"]),
    ("map", &["paper", "store", "index"]),
    ("search", &["paper", "store", "index", "lexical", "embed"]),
    ("ingest", &["paper", "corpus", "store", "embed", "index", "lexical"]),
    ("eval", &["paper", "corpus", "embed", "index", "store", "ingest", "search"]),
    ("config", &["paper", "embed"]),
    (
        "server",
        &[
            "paper", "corpus", "search", "ingest", "store", "export", "map", "embed", "index", "lexical",
            "config",
        ],
    ),
    (
        "cli",
        &[
            "paper", "corpus", "embed", "index", "lexical", "store", "export", "map", "search", "ingest",
            "eval", "config", "server",
        ],
    ),
];

const LONGEST: usize = 500;

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// Rooms named after `crate::` in code, in any form of `use` or path.
fn rooms_named(text: &str) -> Vec<&'static str> {
    let code: String =
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    ROOMS
        .iter()
        .map(|(room, _)| *room)
        .filter(|room| {
            code.match_indices(&format!("crate::{room}")).any(|(at, found)| {
                !code[at + found.len()..].starts_with(|next: char| next.is_alphanumeric() || next == '_')
            })
        })
        .collect()
}

#[test]
fn arrows_point_down_only() {
    let mut wrong = Vec::new();
    for (room, may) in ROOMS {
        let mut found = Vec::new();
        files(&source().join(room), &mut found);
        assert!(!found.is_empty(), "{room} is empty");
        for file in found {
            let text = fs_err::read_to_string(&file).unwrap();
            assert!(!text.contains("use crate::{"), "{}: one room a `use`", file.display());
            for named in rooms_named(&text) {
                if named != room && !may.contains(&named) {
                    wrong.push(format!("{} looks at {named}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_promises_and_is_short() {
    let mut found = Vec::new();
    files(&source(), &mut found);
    for file in found {
        let text = fs_err::read_to_string(&file).unwrap();
        assert!(
            text.starts_with("//! ") || text.starts_with("#![doc"),
            "{} does not open with what it promises",
            file.display()
        );
        assert!(text.lines().count() <= LONGEST, "{} has more than {LONGEST} lines", file.display());
    }
}

#[test]
fn every_room_is_listed() {
    for entry in fs_err::read_dir(source()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(!path.is_dir() || ROOMS.iter().any(|(room, _)| *room == name), "{name} is in no table");
    }
}
