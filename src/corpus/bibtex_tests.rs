//! Files as people and programs write them, whole and broken.

use std::io::Cursor;
use std::time::Instant;

use super::*;

fn read(text: impl Into<Vec<u8>>) -> Vec<Result<Record, RecordError>> {
    Bibtex::new("a.bib", Box::new(Cursor::new(text.into()))).collect()
}

fn one(text: &str) -> Record {
    let [record] = <[_; 1]>::try_from(read(text)).unwrap();
    record.unwrap()
}

#[test]
fn an_entry_with_everything() {
    let record = one(r#"
% Exported by hand, see someone@example.org {
@STRING{ nips = "Advances in " # {Neural Information Processing Systems} }
@preamble{"\newcommand{\x}{y}"}
@Comment{jabref-meta: databaseType:bibtex; {nested}}
@InProceedings{Hu_2021:키,
  title     = {{LoRA}: Low-Rank Adaptation in $O(r)$ \& $\beta$},
  subtitle  = "50\% of {G}{\"o}del",
  author    = {Hu, Edward J. and {OpenAI, Inc.} and Ludwig van Beethoven and 王, 芳 and others},
  abstract  = {First line,
               goes on.

               둘째 문단. \textit{Skills}, 1--2~ms},
  year = 2021, month = jun # "~17",
  archivePrefix = {arXiv}, eprint = {2106.09685v2}, primaryClass = {cs.CL},
  doi = {https://doi.org/10.1145/3292500.3330701},
  url = {https://example.org/lora_page},
  keywords = {peft; 언어 모델, 大模型},
  booktitle = nips, journal = {arXiv preprint arXiv:2106.09685},
  code = {https://github.com/microsoft/LoRA},
  annote = {저차원 적응을 다룬다. https://arxiv.org/abs/2305.18290 참고.},
  note = {Accepted at ICLR 2022}, annotation2 = {值得一读},
  file = {:C\:/papers/lora.pdf:PDF}
}"#);
    assert_eq!(record.title, "LoRA: Low-Rank Adaptation in $O(r)$ & $\\beta$: 50% of Gödel");
    assert_eq!(record.authors, ["Edward J. Hu", "OpenAI, Inc.", "Ludwig van Beethoven", "王芳"]);
    assert_eq!(record.abstract_text.as_deref(), Some("First line, goes on.\n둘째 문단. Skills, 1–2 ms"));
    assert_eq!(record.date.unwrap().to_string(), "2021-06-17");
    assert_eq!(
        record.ids,
        ["arxiv:2106.09685".parse().unwrap(), "doi:10.1145/3292500.3330701".parse().unwrap()]
    );
    assert_eq!((record.version, record.url.as_deref()), (Some(2), Some("https://example.org/lora_page")));
    assert_eq!(record.tags, ["cs.CL", "peft", "언어 모델", "大模型"]);
    assert_eq!(record.venue.as_deref(), Some("Advances in Neural Information Processing Systems"));
    assert_eq!(record.repositories, ["https://github.com/microsoft/LoRA"]);
    let texts: Vec<_> = record.commentaries.iter().map(|note| note.language.code()).collect();
    assert_eq!((texts, record.mentions.len()), (vec!["ko", "zh"], 1));
    assert_eq!((record.source.line, record.source.slot.as_str(), record.note), (6, "arxiv:2106.09685", None));
}

#[test]
fn ids_and_dates_wherever_they_stand() {
    for (fields, id, date) in [
        ("journal = {CoRR}, volume = {abs/2408.15881}, year = {2024}", "arxiv:2408.15881", "2024-01-01"),
        ("note = {arXiv:2408.15881 [cs]}, date = {2024-08-29/2024-09-01}", "arxiv:2408.15881", "2024-08-29"),
        (
            "eprint = {0307015}, eprinttype = {arxiv}, eprintclass = {hep-ex}, year = {c. 2003}, month = 7",
            "arxiv:hep-ex/0307015",
            "2003-07-01",
        ),
        (
            "url = {https://arxiv.org/pdf/2408.15881v1.pdf}, year = {{2024}}, month = {August}, day = 29",
            "arxiv:2408.15881",
            "2024-08-29",
        ),
        ("doi = {10.1000/a\\_b}, year = 2024, month = dez", "doi:10.1000/a_b", "2024-01-01"),
        (
            "howpublished = {\\url{https://doi.org/10.1000/xyz}}, date = {2024-08}",
            "doi:10.1000/xyz",
            "2024-08-01",
        ),
        (
            "eprint = {PMC1234}, eprinttype = {pubmed}, doi = 10.1000/xyz, year = 2024, month = 2, day = 31",
            "doi:10.1000/xyz",
            "2024-02-01",
        ),
    ] {
        let record = one(&format!("@misc{{k, title = {{그래프}}, {fields}}}"));
        assert_eq!(record.ids, [id.parse().unwrap()], "{fields}");
        assert_eq!(record.date.unwrap().to_string(), date, "{fields}");
    }
}

#[test]
fn broken_entries_are_one_error_each_and_their_neighbours_are_read() {
    let mut text = "@article{one, title = {첫째}}\njunk @ junk\n@article{open, title = {no end,\n author = {A}\n\
                    @book{two, title = \"둘째, 100% & more\" year = 2024 }\n@misc{untitled, author = {B}}\n@misc{, title={셋째}}\n\
                    @misc{dup, title = {}, title = {넷째}, title = {x}}@misc(par, title = {第五 (5)})\n"
        .as_bytes()
        .to_vec();
    text.extend_from_slice(b"@misc{latin,\n title = {caf\xe9}}\n@misc{huge, abstract = {");
    text.extend(vec![b'x'; LARGEST_ENTRY + 5]);
    text.extend_from_slice("}}\r\n@misc{last, title = {여섯째}}\n@article{never, title = {".as_bytes());
    let size = text.len() as u64;
    let mut reader = Bibtex::new("a.bib", Box::new(Cursor::new(text)));
    let told: Vec<String> = reader
        .by_ref()
        .map(|record| match record {
            Ok(record) => format!("{} {}", record.source.line, record.title),
            Err(error) => error.to_string(),
        })
        .collect();
    let expected = [
        "1 첫째",
        "a.bib:3: entry 'open' is not closed; add the missing '}'",
        "5 둘째, 100% & more",
        "a.bib:6: entry 'untitled' has no title; give it one, every paper needs it",
        "7 셋째",
        "8 넷째",
        "8 第五 (5)",
        "a.bib:10: not UTF-8; if the file is in EUC-KR, GBK, Shift_JIS or Latin-1, convert it first, as in: iconv -f EUC-KR -t UTF-8 OLD > NEW",
        "a.bib:11: entry 'huge' is larger than 1 MiB; shorten it",
        "12 여섯째",
        "a.bib:13: entry 'never' is not closed; add the missing '}'",
    ];
    assert_eq!(told, expected);
    assert_eq!(reader.bytes_read(), size);
}

#[test]
fn macros_cannot_blow_up() {
    let mut text = "@string{a0 = {0123456789}}\n".to_owned();
    for at in 1..60 {
        text += &format!("@string{{a{at} = a{} # a{}}}\n", at - 1, at - 1);
    }
    text += "@string{me = me # me}@misc{k, title = a59 # me # {제목}}@misc{l, title = a3}";
    let began = Instant::now();
    let records = read(text);
    assert!(began.elapsed().as_secs_f64() < 0.5);
    assert_eq!(records[1].as_ref().unwrap().title, "0123456789".repeat(8));
}

#[test]
fn hostile_files_take_no_time() {
    for unit in [
        "{",
        "}",
        "@a{",
        "@a{b,",
        "\"",
        "a=",
        "a={",
        "a=\"",
        "\"   ",
        "=",
        "@",
        "#",
        "%\n",
        "\\a{",
        "\n@a{k,t={",
        "and ",
        "@string{a=",
    ] {
        for (head, tail) in [
            ("", ""),
            ("@misc{k, title={x}, author=", "}"),
            ("@misc{k, title={x}, author={", "}}"),
            ("@misc{k, title=\"", "\"}"),
        ] {
            let text = format!("{head}{}{tail}", unit.repeat((64 << 10) / unit.len()));
            let began = Instant::now();
            let count = read(text).len();
            let taken = began.elapsed().as_secs_f64();
            assert!(taken < 1.0 && count < 70_000, "{unit:?} in {head:?}: {taken} s");
        }
    }
}
