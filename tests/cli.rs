//! The real binary: exit codes, refusals that name the remedy, answers for programs.

use std::path::Path;
use std::process::Output;
use std::sync::OnceLock;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::paperkin;

/// The bundled sample, read by the real binary.
fn sample() -> &'static Path {
    static LIBRARY: OnceLock<TempDir> = OnceLock::new();
    LIBRARY
        .get_or_init(|| {
            let library = tempfile::tempdir().unwrap();
            let read =
                run(library.path(), &["ingest", concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/sample")]);
            assert!(read.status.success(), "{}", errors(&read));
            library
        })
        .path()
}

fn run(library: &Path, arguments: &[&str]) -> Output {
    paperkin(library).args(arguments).output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", errors(output)))
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_sample_answers_in_its_languages() {
    for (question, id) in [
        ("검색 증강 생성으로 지식이 필요한 질문에 답하기", "arxiv:2005.11401"),
        ("延迟交互的检索模型", "arxiv:2004.12832"),
        ("低ランク行列による大規模言語モデルの微調整", "arxiv:2106.09685"),
        ("approximate nearest neighbour search with small world graphs", "arxiv:1603.09320"),
    ] {
        let answer = json(&run(sample(), &["--json", "search", question, "--limit", "3"]));
        let ids: Vec<&str> =
            answer["hits"].as_array().unwrap().iter().map(|hit| hit["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), 3);
        assert!(ids.contains(&id), "{question}: {ids:?}");
        for field in ["query", "total", "took_ms", "chunks"] {
            assert!(!answer[field].is_null(), "{field}");
        }
        for field in ["aliases", "title", "authors", "tags", "langs", "score", "similarity", "match", "why"] {
            assert!(!answer["hits"][0][field].is_null(), "{field}");
        }
    }
}

#[test]
fn related_leaves_out_what_was_asked() {
    let answer =
        json(&run(sample(), &["--json", "related", "2005.11401", "arxiv:2004.04906", "--limit", "50"]));
    let ids: Vec<&str> =
        answer["hits"].as_array().unwrap().iter().map(|hit| hit["id"].as_str().unwrap()).collect();
    assert!(
        ids.len() > 5 && !ids.contains(&"arxiv:2005.11401") && !ids.contains(&"arxiv:2004.04906"),
        "{ids:?}"
    );
    let answer =
        json(&run(sample(), &["--json", "related", "--text", "文の埋め込みによる検索", "--limit", "2"]));
    assert_eq!(answer["hits"].as_array().unwrap().len(), 2);
}

#[test]
fn people_get_a_table_and_show_tells_all() {
    let table = String::from_utf8(run(sample(), &["search", "retrieval", "--limit", "2"]).stdout).unwrap();
    assert!(table.contains("arxiv:") && table.contains("2 of "), "{table}");
    let shown =
        String::from_utf8(run(sample(), &["show", "https://arxiv.org/abs/2004.12832v2"]).stdout).unwrap();
    assert!(shown.contains("ColBERT") && shown.contains("read from"), "{shown}");
}

#[test]
fn refusals_name_the_remedy_and_exit_with_two() {
    let empty = tempfile::tempdir().unwrap();
    let missing = empty.path().join("none");
    for (library, arguments, named) in [
        (sample(), &["show", "arxiv:9901.00001"][..], "no paper"),
        (sample(), &["related", "not-an-id"], "arxiv:2408.15881"),
        (sample(), &["related"], "ID"),
        (sample(), &["ingest", "/no/such/folder"], "/no/such/folder"),
        (sample(), &["--threads", "0", "search", "x"], "--threads"),
        (sample(), &["--model", "none", "search", "x"], "multilingual-e5-small"),
        (sample(), &["search", " "], "empty"),
        (sample(), &["search", "x", "--limit", "0"], "1..=1000"),
        (sample(), &["--device", "cuda", "search", "x"], "--device cpu"),
        (sample(), &["serve", "--listen", "0.0.0.0:7117"], "127.0.0.1"),
        (missing.as_path(), &["search", "x"], "ingest"),
        (missing.as_path(), &["check"], "none"),
    ] {
        if arguments.contains(&"cuda") && cfg!(feature = "cuda") {
            continue;
        }
        let refused = run(library, arguments);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}: {}", errors(&refused));
        assert!(errors(&refused).contains(named), "{arguments:?}: {}", errors(&refused));
    }
}

#[test]
fn a_bad_record_is_named_and_the_others_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("papers.jsonl");
    fs_err::write(&file, "{\"title\":\"가나다 논문\"}\n{\"title\":7}\n{\"title\":\"第二篇论文\"}\n").unwrap();
    let library = folder.path().join("library");
    let read = run(&library, &["ingest", file.to_str().unwrap()]);
    assert_eq!(read.status.code(), Some(1), "{}", errors(&read));
    assert!(errors(&read).contains("papers.jsonl:2"), "{}", errors(&read));
    let answer = json(&run(&library, &["--json", "search", "논문"]));
    assert_eq!(answer["hits"].as_array().unwrap().len(), 2);
}

/// Found by a stranger: a title over the model's limit kept every later passage from being embedded.
#[test]
fn no_text_is_too_long_for_the_library() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("papers.jsonl");
    let papers = [
        serde_json::json!({"title": "量子計算研究 ".repeat(200), "abstract": "量子もつれを使う計算。".repeat(200)}),
        serde_json::json!({"title": "양자 계산 ".repeat(60), "abstract": "양자 얽힘을 쓰는 계산입니다. ".repeat(150)}),
        serde_json::json!({"title": format!("e{}", "\u{301}".repeat(3_000)), "abstract": "\u{fdfa}".repeat(400)}),
        serde_json::json!({"title": "Sound", "commentary": format!("{} end", "x".repeat(20_000))}),
    ];
    fs_err::write(&file, papers.map(|paper| paper.to_string()).join("\n")).unwrap();
    let library = folder.path().join("library");
    let read = run(&library, &["--json", "ingest", file.to_str().unwrap()]);
    assert!(read.status.success(), "{}", errors(&read));
    let last = String::from_utf8_lossy(&read.stdout).lines().last().unwrap().to_owned();
    let done: Value = serde_json::from_str(&last).unwrap();
    assert_eq!((&done["counts"]["papers"], &done["counts"]["pending"]), (&4.into(), &0.into()), "{done}");
    assert!(run(&library, &["check"]).status.success());
}

#[test]
fn a_corrected_title_and_commentary_replace_the_old_ones() {
    let folder = tempfile::tempdir().unwrap();
    let (file, library) = (folder.path().join("papers.jsonl"), folder.path().join("library"));
    let mut shown = String::new();
    for (title, commentary) in [("Atention", "첫 감상"), ("Attention", "고쳐 쓴 감상")] {
        let paper = serde_json::json!({"title": title, "arxiv_id": "2405.33333", "commentary": commentary});
        fs_err::write(&file, paper.to_string()).unwrap();
        assert!(run(&library, &["ingest", file.to_str().unwrap()]).status.success());
        shown = String::from_utf8(run(&library, &["show", "2405.33333"]).stdout).unwrap();
    }
    assert!(
        shown.contains("Attention") && shown.contains("고쳐 쓴") && !shown.contains("첫 감상"),
        "{shown}"
    );
    assert_eq!(shown.matches("read from").count(), 1, "{shown}");
}

#[test]
fn a_second_writer_is_refused_with_the_holders_pid() {
    let folder = tempfile::tempdir().unwrap();
    let held = paperkin::store::Writer::open(folder.path(), "any", 384).unwrap();
    let refused = run(folder.path(), &["ingest"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(errors(&refused).contains(&std::process::id().to_string()), "{}", errors(&refused));
    drop(held);
}

#[test]
fn a_library_of_another_model_is_not_searched() {
    let folder = tempfile::tempdir().unwrap();
    drop(paperkin::store::Writer::open(folder.path(), "another-model:0", 384).unwrap());
    for arguments in [&["search", "x"][..], &["ingest"]] {
        let refused = run(folder.path(), arguments);
        assert_eq!(refused.status.code(), Some(2));
        assert!(errors(&refused).contains("another-model:0"), "{}", errors(&refused));
    }
}

#[test]
fn offline_names_each_file_and_where_to_put_it() {
    let folder = tempfile::tempdir().unwrap();
    let models = folder.path().join("models");
    for (flag, variable) in [(Some("--offline"), None), (None, Some("HF_HUB_OFFLINE"))] {
        let mut command = paperkin(folder.path());
        command.env("PAPERKIN_MODELS", &models).args(flag).args(["model", "fetch"]);
        if let Some(variable) = variable {
            command.env(variable, "1");
        }
        let started = std::time::Instant::now();
        let refused = command.output().unwrap();
        assert_eq!(refused.status.code(), Some(2));
        assert!(started.elapsed().as_secs() < 3, "at once");
        for file in ["config.json", "tokenizer.json"] {
            let target = models.join("multilingual-e5-small").join(file);
            assert!(errors(&refused).contains(target.to_str().unwrap()), "{}", errors(&refused));
        }
    }
}

#[test]
fn a_damaged_index_is_said_searched_around_and_rebuilt() {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path();
    let file = library.join("papers.jsonl");
    fs_err::write(
        &file,
        "{\"title\":\"Graph search\"}\n{\"title\":\"로봇 팔 제어\"}\n{\"title\":\"图像生成\"}\n",
    )
    .unwrap();
    assert!(run(library, &["ingest", file.to_str().unwrap()]).status.success());
    let vectors = find(library, "vectors.f32");
    let mut bytes = fs_err::read(&vectors).unwrap();
    bytes[17] ^= 1;
    fs_err::write(&vectors, bytes).unwrap();
    let answer = run(library, &["--json", "search", "robot arm", "--limit", "1"]);
    assert_eq!(json(&answer)["hits"][0]["title"], "로봇 팔 제어");
    assert!(errors(&answer).contains("vectors.f32"), "{}", errors(&answer));
    let check = run(library, &["check"]);
    assert_eq!(check.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&check.stdout).contains("paperkin ingest"));
    assert!(run(library, &["ingest"]).status.success());
    assert!(run(library, &["check"]).status.success());
}

fn find(folder: &Path, name: &str) -> std::path::PathBuf {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.ends_with(name) {
                return path;
            }
        }
    }
    panic!("no {name}")
}

#[test]
fn bench_measures_what_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let texts = "{\"text\": \"dense retrieval\"}\n{\"text\": \"检索\"}\n{\"text\": \"검색\"}\n";
    fs_err::write(file("texts.jsonl"), texts).unwrap();
    let (texts, vectors, report) = (file("texts.jsonl"), file("vectors"), file("report.json"));
    let arguments =
        ["bench", "encode", "--texts", &texts, "--questions", &texts, "--rounds", "2", "--vectors", &vectors];
    let done = run(sample(), &[&arguments[..], &["--json-file", &report]].concat());
    assert!(done.status.success(), "{done:?}");
    let report: serde_json::Value = serde_json::from_slice(&fs_err::read(report).unwrap()).unwrap();
    assert_eq!((report["texts"].as_u64(), report["seconds"].as_array().map(Vec::len)), (Some(3), Some(2)));
    assert_eq!(report["question_ms"].as_array().map(Vec::len), Some(6));
    assert!(
        report["tokens"].as_u64().unwrap() >= 12 && report["detail"].as_str().unwrap().contains("threads")
    );
    let vectors = fs_err::read(vectors).unwrap();
    assert_eq!(vectors.len(), 3 * 384 * 4);
    let length: f32 = vectors[..384 * 4]
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()).powi(2))
        .sum();
    assert!((length - 1.0).abs() < 1e-4);

    fs_err::write(file("bad.jsonl"), "{\"text\": \"fine\"}\nnot json\n").unwrap();
    let refused = run(sample(), &["bench", "encode", "--texts", &file("bad.jsonl")]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2));
    assert!(said.contains("bad.jsonl, line 2"), "{said}");
}

#[test]
fn bench_links_and_finds_vectors_and_refuses_what_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let rows = |count: usize| -> Vec<u8> {
        let value = |at: usize| ((at as f32) * 0.7).sin() + ((at / 8) as f32 * 1.3).cos();
        (0..count * 8).flat_map(|at| value(at).to_le_bytes()).collect()
    };
    fs_err::write(file("vectors.f32"), rows(2000)).unwrap();
    fs_err::write(file("queries.f32"), rows(40)).unwrap();
    let bench = |queries: &str| {
        let arguments = [
            "bench",
            "index",
            "--dimension",
            "8",
            "--widths",
            "64,512",
            "--rounds",
            "1",
            "--folder",
            &file("library"),
            "--vectors",
            &file("vectors.f32"),
            "--queries",
            queries,
            "--json-file",
            &file("report.json"),
        ];
        run(folder.path(), &arguments)
    };
    let done = bench(&file("queries.f32"));
    assert!(done.status.success(), "{}", errors(&done));
    let report: Value = serde_json::from_slice(&fs_err::read(file("report.json")).unwrap()).unwrap();
    assert_eq!(report["linked"]["vectors"], 2000);
    let searched = &report["searched"];
    assert_eq!((&searched["vectors"], &searched["queries"]), (&json!(2000), &json!(40)));
    assert!(searched["curve"][1]["recall"].as_f64().unwrap() > 0.9, "{report}");
    fs_err::write(file("short.f32"), [0; 33]).unwrap();
    let refused = bench(&file("short.f32"));
    assert_eq!(refused.status.code(), Some(2));
    assert!(errors(&refused).contains("short.f32"), "{}", errors(&refused));
}

#[test]
fn stats_tell_what_is_held_and_what_it_takes() {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path();
    let file = library.join("papers.jsonl");
    fs_err::write(&file, "{\"title\":\"Graph search\"}\n{\"title\":\"图像生成\"}\n").unwrap();
    assert!(run(library, &["ingest", file.to_str().unwrap()]).status.success());
    let stats = json(&run(library, &["--json", "stats"]));
    assert_eq!((stats["papers"].as_u64(), stats["passages"].as_u64()), (Some(2), Some(2)));
    assert_eq!(
        (stats["index"]["kind"].as_str(), stats["index"]["vectors"].as_u64()),
        (Some("exact"), Some(2))
    );
    let part = |name: &str| {
        let parts = stats["parts"].as_array().unwrap().iter();
        parts.filter(|part| part["part"].as_str().unwrap() == name).map(|part| part["bytes"].as_u64()).next()
    };
    let length = fs_err::metadata(find(library, "vectors.f32")).unwrap().len();
    assert_eq!(part("index: vectors, whole"), Some(Some(length)));
    let told = run(library, &["stats"]);
    assert!(String::from_utf8_lossy(&told.stdout).contains("nothing is missed"));
}
