//! A library over time, by the real binary: files change, vanish and are watched; papers are parted, removed, exported, saved
//! and restored; the model changes. Text only where vectors say nothing.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use paperkin::paper::PaperId;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{models, paperkin};

fn run(library: &Path, arguments: &[&str]) -> Output {
    paperkin(library).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Reads `source`, and says what the ingest reports.
fn read(library: &Path, source: &Path, flags: &[&str]) -> Value {
    let mut command = paperkin(library);
    command.args(["--json", "ingest", "--no-embed"]).args(flags).arg(source);
    report(&command.output().unwrap())
}

fn report(output: &Output) -> Value {
    let out = text(&output.stdout);
    let done = out
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find(|event| event["event"] == "done");
    done.unwrap_or_else(|| panic!("{out}{}", text(&output.stderr)))["report"].clone()
}

fn titles(library: &Path) -> Vec<String> {
    let out = run(library, &["export"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let mut titles: Vec<String> = text(&out.stdout)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["title"].as_str().unwrap().to_owned())
        .collect();
    titles.sort();
    titles.dedup();
    titles
}

/// A file whose time of change is not of this moment, so that it counts as settled.
fn write(path: &Path, text: &str) {
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, text).unwrap();
    let past = std::time::SystemTime::now() - Duration::from_secs(60);
    let file = fs_err::OpenOptions::new().write(true).open(path).unwrap();
    file.file().set_modified(past + Duration::from_nanos(text.len() as u64)).unwrap();
}

fn line(id: &str, title: &str) -> String {
    serde_json::json!({"arxiv_id": id, "title": title, "commentary": "짧은 메모."}).to_string() + "\n"
}

#[test]
fn what_files_do_not_have_any_more_is_kept_until_it_is_to_be_dropped() {
    let (folder, library) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (source, library) = (folder.path(), library.path());
    let three = line("2401.00001", "하나") + &line("2401.00002", "两个") + &line("2401.00003", "Three");
    write(&source.join("a.jsonl"), &three);
    write(&source.join("sub/b.jsonl"), &line("2401.00004", "Four"));
    assert_eq!(read(library, source, &[])["new"], 4);
    let again = read(library, source, &[]);
    assert_eq!((&again["unread"], &again["unchanged"], &again["files"]), (&2.into(), &4.into(), &0.into()));
    assert_eq!(read(library, source, &["--reread"])["files"], 2);

    write(&source.join("a.jsonl"), &(line("2401.00001", "하나") + &line("2401.00003", "Three, corrected")));
    fs_err::rename(source.join("sub/b.jsonl"), source.join("sub/renamed.jsonl")).unwrap();
    let kept = read(library, source, &[]);
    assert_eq!((&kept["gone"], &kept["dropped"]), (&2.into(), &0.into()));
    assert_eq!(titles(library), ["Four", "Three, corrected", "两个", "하나"]);
    let pruned = read(library, source, &["--prune"]);
    assert_eq!((&pruned["gone"], &pruned["dropped"]), (&2.into(), &2.into()));
    assert_eq!(
        titles(library),
        ["Four", "Three, corrected", "하나"],
        "the renamed file tells of its paper still"
    );

    // A line that cannot be read may be the one that is missed.
    write(&source.join("a.jsonl"), &(line("2401.00001", "하나") + "{broken\n"));
    assert_eq!(read(library, source, &["--prune"])["dropped"], 0);
    write(&source.join("a.jsonl"), &line("2401.00001", "하나"));
    assert_eq!(read(library, source, &["--prune"])["dropped"], 1);

    // An empty folder is a disk that is not mounted, more likely than a wish.
    fs_err::rename(source.join("sub"), folder.path().with_extension("away")).unwrap();
    fs_err::remove_file(source.join("a.jsonl")).unwrap();
    assert_eq!(read(library, source, &["--prune"])["dropped"], 0);
    assert_eq!(titles(library).len(), 2);
    fs_err::remove_dir_all(folder.path().with_extension("away")).unwrap();
    fs_err::remove_dir(source).unwrap();
    assert_eq!(run(library, &["ingest", "--no-embed", source.to_str().unwrap()]).status.code(), Some(2));
    assert_eq!(read(library, source, &["--prune"])["dropped"], 2, "the folder is gone, and named");
    fs_err::create_dir(source).unwrap();
}

#[test]
fn a_watched_folder_is_followed_and_left_at_once() {
    let (folder, library) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    write(&folder.path().join("a.jsonl"), &line("2401.00001", "하나"));
    let mut command = paperkin(library.path());
    command.args(["--json", "ingest", "--no-embed", "--watch"]).arg(folder.path());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    let mut until = |id: &str| loop {
        let event = next();
        if event["event"] == "acknowledged" && event["id"] == id {
            break event["change"].as_str().unwrap().to_owned();
        }
    };
    assert_eq!(until("arxiv:2401.00001"), "new");
    // As an editor saves: another file takes the name.
    let fresh = folder.path().join(".a.swp");
    fs_err::write(&fresh, line("2401.00001", "하나, 고침") + &line("2401.00002", "둘")).unwrap();
    fs_err::rename(&fresh, folder.path().join("a.jsonl")).unwrap();
    assert_eq!(until("arxiv:2401.00001"), "changed");
    fs_err::write(folder.path().join("b.bib"), "@article{x, title={论残差}, eprint={2401.00003}}").unwrap();
    assert_eq!(until("arxiv:2401.00003"), "new");
    // Between two rounds others may write. A look that finds nothing new is a round too, and says nothing.
    while next()["event"] != "done" {}
    let begun = Instant::now();
    loop {
        let removed = run(library.path(), &["remove", "2401.00002"]);
        if removed.status.success() {
            break;
        }
        let why = text(&removed.stderr);
        assert!(why.contains("is being written by process"), "{why}");
        assert!(begun.elapsed() < Duration::from_secs(20), "the watching process never lets go: {why}");
        std::thread::sleep(Duration::from_millis(50));
    }
    let asked = Instant::now();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert!(child.wait().unwrap().success());
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    assert_eq!(titles(library.path()), ["论残差", "하나, 고침"]);
}

#[test]
fn papers_are_parted_removed_exported_saved_and_restored() {
    let (folder, library) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (source, library) = (folder.path(), library.path());
    write(&source.join("a.jsonl"), &(line("2401.00001", "$\\beta$-VAE") + &line("2401.00009", "Llama 2")));
    write(&source.join("b.bib"), "@article{k, title = {논문}, author = {김, 민수}, eprint = {2401.00001v3}}");
    write(&source.join("c.ris"), "TY  - JOUR\nTI  - Llama 3\nER  - \n");
    assert_eq!(read(library, source, &[])["new"], 3);
    let shown = text(&run(library, &["show", "arXiv:2401.00001v2"]).stdout);
    assert!(shown.contains("β-VAE") && shown.contains("as $\\beta$-VAE"), "the source is kept: {shown}");
    assert!(shown.contains("the same id arxiv:2401.00001") && shown.contains("2. read from"), "{shown}");
    assert_eq!(run(library, &["split", "2401.00001", "3"]).status.code(), Some(2));
    assert_eq!(run(library, &["split", "2401.00001", "1", "2"]).status.code(), Some(2));
    let split = run(library, &["split", "2401.00001", "2"]);
    assert!(split.status.success(), "{}", text(&split.stderr));
    assert_eq!(read(library, source, &["--reread"])["unchanged"], 4);
    assert_eq!(titles(library), ["Llama 2", "Llama 3", "β-VAE", "논문"]);
    let doubtful = text(&run(library, &["--json", "duplicates"]).stdout);
    assert!(!doubtful.contains("Llama"), "another number, another paper: {doubtful}");

    assert!(run(library, &["remove", "2401.00009"]).status.success());
    assert_eq!(run(library, &["remove", "2401.00009"]).status.code(), Some(1));
    assert_eq!(read(library, source, &["--reread"])["removed"], 1);
    assert_eq!(run(library, &["show", "2401.00009"]).status.code(), Some(2));
    assert!(run(library, &["remove", "--undo", "2401.00009"]).status.success());
    assert_eq!(read(library, source, &[])["new"], 1, "its file is read again, without being asked");

    let file = source.join("backup");
    let saved = run(library, &["backup", file.to_str().unwrap()]);
    assert!(saved.status.success(), "{}", text(&saved.stderr));
    let other = TempDir::new().unwrap();
    let restored = run(other.path(), &["restore", file.to_str().unwrap()]);
    assert!(restored.status.success(), "{}", text(&restored.stderr));
    assert_eq!(titles(other.path()), titles(library));
    let checked: Value = serde_json::from_slice(&run(other.path(), &["--json", "check"]).stdout).unwrap();
    let findings: Vec<&str> = checked["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["what"].as_str().unwrap())
        .collect();
    assert_eq!(findings, ["4 of 4 papers are not embedded yet"]);
    let refused = run(other.path(), &["restore", file.to_str().unwrap()]);
    assert!(refused.status.code() == Some(2) && text(&refused.stderr).contains("already"));
    // What a person has decided is in the backup; an export says what the papers are, and two of one arXiv id are one.
    let llama = PaperId::of_title("Llama 3").to_string();
    for format in ["bibtex", "ris", "csl", "jsonl"] {
        let out = source.join(format);
        let some =
            ["export", "--format", format, "-o", out.to_str().unwrap(), "2401.00001", "2401.00009", &llama];
        let exported = run(library, &some);
        assert!(exported.status.success(), "{}", text(&exported.stderr));
        let fresh = TempDir::new().unwrap();
        let written = fs_err::read_to_string(&out).unwrap();
        assert_eq!(read(fresh.path(), &out, &[])["new"], 3, "{format}: {written}");
        assert_eq!(titles(fresh.path()), ["Llama 2", "Llama 3", "β-VAE"], "{format}");
    }
    let inside = run(library, &["export", "-o", library.join("store.redb").to_str().unwrap()]);
    assert!(inside.status.code() == Some(2) && titles(library).len() == 4, "{}", text(&inside.stderr));
}

/// Another model, as far as a library can tell: the same weights under another name.
#[test]
fn another_model_is_refused_by_name_and_takes_over_when_asked_to() {
    let (folder, library) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let here = folder.path();
    let manifest = fs_err::read_to_string(models().join("multilingual-e5-small.toml")).unwrap();
    fs_err::write(here.join("other.toml"), manifest.replace("multilingual-e5-small\"\nlic", "other\"\nlic"))
        .unwrap();
    fs_err::create_dir(here.join("other")).unwrap();
    for file in fs_err::read_dir(models().join("multilingual-e5-small")).unwrap() {
        let file = file.unwrap();
        fs_err::hard_link(file.path(), here.join("other").join(file.file_name()))
            .or_else(|_| fs_err::copy(file.path(), here.join("other").join(file.file_name())).map(drop))
            .unwrap();
    }
    let source = here.join("a.jsonl");
    write(&source, &(line("2401.00001", "잔차 연결") + &line("2401.00002", "残差连接")));
    let first = run(library.path(), &["ingest", source.to_str().unwrap()]);
    assert!(first.status.success(), "{}", text(&first.stderr));
    let with_other = |arguments: &[&str]| {
        let mut command = paperkin(library.path());
        command.env("PAPERKIN_MODELS", here).env("PAPERKIN_MODEL", "other").args(arguments).output().unwrap()
    };
    let refused = with_other(&["ingest", source.to_str().unwrap()]);
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(
        said.contains("multilingual-e5-small") && said.contains("other") && said.contains("model use"),
        "{said}"
    );
    let used = with_other(&["model", "use"]);
    assert!(used.status.success(), "{}", text(&used.stderr));
    let answer = with_other(&["--json", "search", "잔차 연결", "--limit", "1"]);
    let answer: Value = serde_json::from_slice(&answer.stdout).unwrap();
    assert_eq!(answer["hits"][0]["id"], "arxiv:2401.00001");
    assert_eq!(
        run(library.path(), &["search", "x"]).status.code(),
        Some(2),
        "the old model does not answer any more"
    );
    let checked = with_other(&["check"]);
    assert!(checked.status.success(), "{}", text(&checked.stdout));
}
