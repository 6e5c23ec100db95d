//! Fifty papers that nobody wrote, in Korean, Chinese, Japanese and English, with series and twins among them, printed
//! as eleven programs would: what every reader and the identity of papers must agree on.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use paperkin::paper::PaperId;
use serde_json::{Value, json};

/// The names of the files, before the first dot.
pub const FORMATS: [&str; 11] =
    ["atom", "snapshot", "bibtex", "ris", "csl", "semantic", "openalex", "own", "rss", "digest", "note"];

/// Title; authors, native spelling behind `=`; date; arXiv id; DOI; tags. A dash is nothing.
const PAPERS: &str = "\
Kinship of Papers: Finding What Is Related without Citations; Ada Lovelace, Emmy Noether; 2023-01-12; 2301.04901; 10.5555/kin.2023.1; retrieval
Kinship of Papers, Part II; Ada Lovelace, Emmy Noether; 2023-09-03; 2309.01202; 10.5555/kin.2023.2; retrieval
Kinship of Papers, Part III; Ada Lovelace, Emmy Noether; 2024-02-20; 2402.12803; -; retrieval
Heron 2: An Open Language Model Trained on Library Shelves; Grace Hopper, Alan Turing, Hedy Lamarr; 2023-05-05; 2305.03304; -; llm
Heron 3: An Open Language Model Trained on Library Shelves; Grace Hopper, Alan Turing; 2024-05-06; 2405.03305; -; llm
Heron-VL: Seeing Shelves; Grace Hopper, Hedy Lamarr; 2024-06-10; 2406.06106; -; vision-language
Retrieval & Reading for Q&A over Long Reports; José Núñez, Chiara Neri; 2022-03-14; 2203.07107; 10.5555/qa.2022.7; retrieval
A Survey of Static Embeddings; Nora Voss; 2021-11-02; 2111.01608; 10.5555/survey.8; embedding
A Survey of Static Embeddings (Extended Version); Nora Voss; 2022-04-19; 2204.08909; 10.5555/survey.9; embedding
On the Centring of Sentence Vectors; Wei Zhang, Lena Hofmann; 2022-10-10; 2210.04710; -; embedding
On the Centring of Sentence Vectors across Scripts; Wei Zhang, Lena Hofmann; 2023-10-11; 2310.07111; -; embedding
Is Attention Needed on a Laptop?; Omar Haddad; 2023-03-03; 2303.01912; -; efficiency
Attention Is Needed on a Laptop; Petra Novak; 2023-04-04; 2304.01713; -; efficiency
Sparse Graphs Walk Faster; Tomás Ruiz, Ingrid Berg; 2020-07-07; 2007.03214; 10.5555/graphs.14; graph
Sparse Graphs Walk Further; Tomás Ruiz, Ingrid Berg; 2021-07-08; 2107.03815; 10.5555/graphs.15; graph
Quantised Vectors Keep Their Neighbours; Yuki Tanaka=田中 優希, Lena Hofmann; 2022-12-01; 2212.00216; -; compression
Distilling Heron into 90 Million Parameters; Hedy Lamarr, Omar Haddad; 2024-07-01; 2407.01017; -; distillation
Distilling Heron into 30 Million Parameters; Hedy Lamarr, Omar Haddad; 2024-09-02; 2409.01018; -; distillation
Tokens per Second Is Not a Quality; Petra Novak; 2024-01-09; 2401.04519; -; evaluation
How Readers Judge Relatedness; Chiara Neri, Ada Lovelace; 2019-06-06; 1906.02520; 10.5555/judge.20; evaluation
논문 사이의 친족 관계: 인용 없이 찾는 방법; Minsu Kim=김민수, Younghee Lee=이영희; 2023-02-01; 2302.00321; -; 검색
그래프 신경망을 이용한 논문 추천; Younghee Lee=이영희; 2022-05-20; 2205.10022; -; 그래프
그래프 신경망을 이용한 논문 검색; Younghee Lee=이영희; 2022-08-15; 2208.07023; -; 그래프
한국어 문장 임베딩의 평가 제1부; Jiwoo Park=박지우; 2021-04-01; 2104.00324; -; 임베딩
한국어 문장 임베딩의 평가 제2부; Jiwoo Park=박지우; 2021-12-01; 2112.00325; -; 임베딩
작은 언어 모델로 만드는 요약; Minsu Kim=김민수; 2024-03-03; 2403.01726; -; 요약
혼합 전문가 모델의 부하 균형; Seoyeon Choi=최서연, Jiwoo Park=박지우; 2024-08-20; 2408.10927; 10.5555/moe.27; moe
노트북에서 도는 검색 엔진; Seoyeon Choi=최서연; 2024-10-01; -; 10.5555/laptop.28; 검색
도서관 목록의 기계 번역; Jiwoo Park=박지우; 2018-09-09; -; -; 번역
论文之间的亲缘关系：不依赖引用的方法; Fang Wang=王芳, Na Li=李娜; 2023-03-20; 2303.11230; -; 检索
基于深度学习的论文图像分类方法; Fang Wang=王芳; 2020-01-15; 2001.05431; 10.5555/zh.31; 分类
基于深度学习的论文视频分类方法; Fang Wang=王芳; 2020-11-15; 2011.07632; 10.5555/zh.32; 分类
论文推荐综述（上）; Na Li=李娜; 2021-02-02; 2102.01333; -; 综述
论文推荐综述（下）; Na Li=李娜; 2021-06-02; 2106.01334; -; 综述
小型语言模型的蒸馏; Hao Chen=陈浩, Na Li=李娜; 2024-04-01; 2404.00935; -; 蒸馏
图书馆中的长文本检索; Hao Chen=陈浩; 2023-12-12; -; 10.5555/zh.36; 检索
近邻图的稀疏化; Fang Wang=王芳; 2019-03-03; -; -; 图
論文の近縁関係を測る 前編; Yuki Tanaka=田中 優希; 2022-02-02; 2202.00938; -; 検索
論文の近縁関係を測る 後編; Yuki Tanaka=田中 優希; 2022-06-06; 2206.02539; -; 検索
小さな埋め込みモデルの学習; Yuki Tanaka=田中 優希, Ren Sato=佐藤 蓮; 2024-01-30; 2401.16840; -; 埋め込み
図書館の検索を速くする; Ren Sato=佐藤 蓮; 2023-08-08; -; 10.5555/ja.41; 検索
Learning to Rank with Few Judgements; Ingrid Berg, Wei Liu; 2020-05-05; 2005.02242; 10.5555/rank.42; ranking
Learning to Rank without Judgements; Ingrid Berg, Wei Liu; 2021-05-05; 2105.02243; 10.5555/rank.43; ranking
Notes on Crash Safety of Small Databases; Tomás Ruiz; 2023-07-17; 2307.08544; -; storage
Editorial: Libraries of One's Own; Chiara Neri; 2022-01-01; -; 10.5555/ed.45; editorial
Reply to: Libraries of One's Own; Omar Haddad; 2022-07-01; -; 10.5555/ed.46; editorial
The Hubness of Multilingual Spaces; Lena Hofmann, Wei Zhang; 2021-09-13; 2109.06147; -; embedding
The Hubness of Monolingual Spaces; Lena Hofmann, Wei Zhang; 2020-09-14; 2009.06448; -; embedding
Seventeen Ways to Cut a Sentence; Petra Novak, Nora Voss; 2018-08-08; 1808.02649; -; chunking
What a Title Gives Away; Nora Voss; 2017-02-02; -; -; evaluation";

/// A person, as Latin sources write the name and as the person does.
pub struct Author {
    latin: String,
    native: String,
}

impl Author {
    /// Family name and given names of a Latin name.
    fn inverted(name: &str) -> (String, String) {
        let (given, family) = name.rsplit_once(' ').unwrap();
        (family.to_owned(), given.to_owned())
    }

    fn is_native(&self) -> bool {
        self.latin != self.native
    }
}

pub struct Paper {
    number: usize,
    title: String,
    authors: Vec<Author>,
    date: jiff::civil::Date,
    arxiv: Option<String>,
    doi: Option<String>,
    tag: String,
}

impl Paper {
    /// The id that a library must give it.
    pub fn id(&self) -> PaperId {
        match (&self.arxiv, &self.doi) {
            (Some(id), _) | (None, Some(id)) => id.parse().unwrap(),
            (None, None) => PaperId::of_title(&self.title),
        }
    }

    /// The formats that can hold it: what has no arXiv id is in nothing of arXiv's.
    pub fn formats(&self) -> &'static [&'static str] {
        if self.arxiv.is_some() { &FORMATS } else { &FORMATS[2..] }
    }

    fn abstract_text(&self) -> String {
        let number = self.number;
        match self.title.chars().next().unwrap() {
            '가'..='힣' => format!(
                "이 논문은 {} 문제를 다룬다. 제안하는 방법은 기존 방법보다 {number}건의 실험에서 나은 결과를 보였다.",
                self.tag
            ),
            '論' | '小' | '図' if self.tag != "蒸馏" => format!(
                "本研究では{}の問題を扱う。提案した手法は{number}件の実験でこれまでの手法より良い結果を示した。",
                self.tag
            ),
            '\u{4e00}'..='\u{9fff}' => format!(
                "本文研究{}问题。所提出的方法在{number}个实验中优于已有方法，代码已经公开。",
                self.tag
            ),
            _ => format!(
                "We study {} for libraries that fit on one machine, and ask what is lost when nothing leaves it. Across {number} collections \
                 our method keeps the quality of much larger systems. We release all that is needed to repeat the measurements of this work.",
                self.tag
            ),
        }
    }

    fn url(&self) -> String {
        match (&self.arxiv, &self.doi) {
            (Some(id), _) => format!("https://arxiv.org/abs/{id}v1"),
            (None, Some(doi)) => format!("https://doi.org/{doi}"),
            (None, None) => format!("https://papers.example.org/{}", self.number),
        }
    }

    fn latin(&self) -> Vec<&str> {
        self.authors.iter().map(|author| author.latin.as_str()).collect()
    }

    fn native(&self) -> Vec<&str> {
        self.authors.iter().map(|author| author.native.as_str()).collect()
    }

    /// `Family, Given`, but for names that are written as one.
    fn listed(&self) -> Vec<String> {
        let name = |author: &Author| match author.is_native() {
            true => author.native.clone(),
            false => {
                let (family, given) = Author::inverted(&author.latin);
                format!("{family}, {given}")
            }
        };
        self.authors.iter().map(name).collect()
    }
}

/// All fifty.
pub fn papers() -> Vec<Paper> {
    let read = |(number, line): (usize, &str)| {
        let fields: Vec<&str> = line.split("; ").collect();
        let [title, authors, date, arxiv, doi, tag] = fields[..] else { panic!("{line}") };
        let some = |text: &str| Some(text.to_owned()).filter(|text| text != "-");
        let author = |name: &str| {
            let (latin, native) = name.split_once('=').unwrap_or((name, name));
            Author { latin: latin.into(), native: native.into() }
        };
        Paper {
            number: number + 1,
            title: title.into(),
            authors: authors.split(", ").map(author).collect(),
            date: date.parse().unwrap(),
            arxiv: some(arxiv),
            doi: some(doi),
            tag: tag.into(),
        }
    };
    PAPERS.lines().enumerate().map(read).collect()
}

/// Writes all files into `folder`.
pub fn write(folder: &Path) -> Vec<PathBuf> {
    let papers = papers();
    let of_arxiv: Vec<&Paper> = papers.iter().filter(|paper| paper.arxiv.is_some()).collect();
    let pretty = |value: Value| serde_json::to_string_pretty(&value).unwrap();
    let lines = |values: Vec<Value>| values.iter().map(|value| format!("{value}\n")).collect::<String>();
    let mut files = vec![
        ("atom.xml".to_owned(), atom(&of_arxiv)),
        ("snapshot.jsonl".to_owned(), lines(of_arxiv.iter().map(|paper| snapshot(paper)).collect())),
        ("bibtex.bib".to_owned(), papers.iter().map(bibtex).collect()),
        ("ris.ris".to_owned(), papers.iter().map(ris).collect()),
        ("csl.json".to_owned(), pretty(papers.iter().map(csl).collect())),
        (
            "semantic.json".to_owned(),
            pretty(
                json!({"total": 50, "offset": 0, "data": papers.iter().map(semantic).collect::<Vec<_>>()}),
            ),
        ),
        (
            "openalex.json".to_owned(),
            pretty(json!({
                "meta": {"count": 50, "db_response_time_ms": 12, "page": 1, "per_page": 50},
                "results": papers.iter().map(openalex).collect::<Vec<_>>(),
                "group_by": [],
            })),
        ),
        ("own.jsonl".to_owned(), lines(papers.iter().map(own).collect())),
        ("rss.xml".to_owned(), rss(&papers)),
        ("digest.txt".to_owned(), digest(&papers)),
    ];
    files.extend(papers.iter().map(|paper| (format!("note.{:02}.md", paper.number), note(paper))));
    files
        .into_iter()
        .map(|(name, text)| {
            let path = folder.join(name);
            fs_err::write(&path, text).unwrap();
            path
        })
        .collect()
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The arXiv API breaks long titles and abstracts over lines.
fn folded(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    words.chunks(7).map(|line| line.join(" ")).collect::<Vec<_>>().join("\n  ")
}

fn atom(papers: &[&Paper]) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n  \
         <link href=\"http://arxiv.org/api/query?search_query=all:kin\" rel=\"self\" type=\"application/atom+xml\"/>\n  \
         <title type=\"html\">ArXiv Query: search_query=all:kin</title>\n  <id>http://arxiv.org/api/cHxbiOdZaP56</id>\n  \
         <updated>2024-11-01T00:00:00-04:00</updated>\n  \
         <opensearch:totalResults xmlns:opensearch=\"http://a9.com/-/spec/opensearch/1.1/\">{}</opensearch:totalResults>\n",
        papers.len()
    );
    for paper in papers {
        let id = paper.arxiv.as_ref().unwrap();
        let authors: String = paper
            .latin()
            .iter()
            .map(|name| format!("    <author>\n      <name>{}</name>\n    </author>\n", xml(name)))
            .collect();
        let doi = paper.doi.as_ref().map_or(String::new(), |doi| {
            format!("    <arxiv:doi xmlns:arxiv=\"http://arxiv.org/schemas/atom\">{doi}</arxiv:doi>\n")
        });
        writeln!(
            text,
            "  <entry>\n    <id>http://arxiv.org/abs/{id}v2</id>\n    <updated>{date}T10:00:00Z</updated>\n    <published>{date}T09:00:00Z</published>\n    \
             <title>{}</title>\n    <summary>  {}\n</summary>\n{authors}{doi}    \
             <link href=\"http://arxiv.org/abs/{id}v2\" rel=\"alternate\" type=\"text/html\"/>\n    \
             <link title=\"pdf\" href=\"http://arxiv.org/pdf/{id}v2\" rel=\"related\" type=\"application/pdf\"/>\n    \
             <arxiv:primary_category xmlns:arxiv=\"http://arxiv.org/schemas/atom\" term=\"cs.IR\" scheme=\"http://arxiv.org/schemas/atom\"/>\n    \
             <category term=\"cs.IR\" scheme=\"http://arxiv.org/schemas/atom\"/>\n  </entry>",
            xml(&folded(&paper.title)),
            xml(&folded(&paper.abstract_text())),
            date = paper.date,
        )
        .unwrap();
    }
    text + "</feed>\n"
}

fn snapshot(paper: &Paper) -> Value {
    let parsed: Vec<[String; 3]> = paper
        .latin()
        .iter()
        .map(|name| {
            let (family, given) = Author::inverted(name);
            [family, given, String::new()]
        })
        .collect();
    let names = paper.latin();
    let authors = match names.as_slice() {
        [one, other] => format!("{one} and {other}"),
        names => names.join(", "),
    };
    let created = paper.date.strftime("%a, %-d %b %Y 09:00:00 GMT").to_string();
    json!({
        "id": paper.arxiv, "submitter": names[0], "authors": authors, "title": folded(&paper.title), "comments": "9 pages",
        "journal-ref": null, "doi": paper.doi, "report-no": null, "categories": "cs.IR cs.CL",
        "license": "http://creativecommons.org/licenses/by/4.0/", "abstract": format!("  {}\n", folded(&paper.abstract_text())),
        "versions": [{"version": "v1", "created": created}], "update_date": paper.date.to_string(), "authors_parsed": parsed,
    })
}

fn bibtex(paper: &Paper) -> String {
    let mut dressed = paper.listed().join(" and ");
    for (letter, dress) in [("é", "{\\'e}"), ("ú", "{\\'u}"), ("ñ", "{\\~n}"), ("á", "{\\'a}")] {
        dressed = dressed.replace(letter, dress);
    }
    let title = paper.title.replace('&', "\\&").replace("Heron", "{Heron}");
    let mut text = format!(
        "@article{{paper{},\n  title = {{{title}}},\n  author = {{{dressed}}},\n  year = {{{}}},\n  abstract = {{{}}},\n  keywords = {{{}}},\n",
        paper.number,
        paper.date.year(),
        paper.abstract_text(),
        paper.tag,
    );
    if let Some(id) = &paper.arxiv {
        write!(text, "  eprint = {{{id}}},\n  archivePrefix = {{arXiv}},\n  primaryClass = {{cs.IR}},\n")
            .unwrap();
    }
    if let Some(doi) = &paper.doi {
        writeln!(text, "  doi = {{{doi}}},").unwrap();
    }
    text + "}\n\n"
}

fn ris(paper: &Paper) -> String {
    let mut text = format!("TY  - JOUR\r\nTI  - {}\r\n", paper.title);
    for author in paper.listed() {
        write!(text, "AU  - {author}\r\n").unwrap();
    }
    write!(text, "PY  - {}\r\nAB  - {}\r\nKW  - {}\r\n", paper.date.year(), paper.abstract_text(), paper.tag)
        .unwrap();
    if let Some(doi) = &paper.doi {
        write!(text, "DO  - {}\r\n", doi.to_uppercase()).unwrap();
    }
    write!(text, "UR  - {}\r\nER  - \r\n\r\n", paper.url()).unwrap();
    text
}

fn csl(paper: &Paper) -> Value {
    let name = |author: &Author| match author.is_native() {
        true => json!({"literal": author.native}),
        false => {
            let (family, given) = Author::inverted(&author.latin);
            json!({"family": family, "given": given})
        }
    };
    let date = paper.date;
    let doi = paper.doi.clone().or_else(|| paper.arxiv.as_ref().map(|id| format!("10.48550/arXiv.{id}")));
    json!({
        "id": format!("paper{}", paper.number), "type": "article-journal", "title": paper.title,
        "author": paper.authors.iter().map(name).collect::<Vec<_>>(), "abstract": paper.abstract_text(),
        "issued": {"date-parts": [[date.year(), date.month(), date.day()]]}, "DOI": doi, "URL": paper.url(),
    })
}

fn semantic(paper: &Paper) -> Value {
    let mut ids = json!({"CorpusId": 270_000_000 + paper.number});
    if let Some(id) = &paper.arxiv {
        ids["ArXiv"] = json!(id);
    }
    if let Some(doi) = &paper.doi {
        ids["DOI"] = json!(doi);
    }
    let authors: Vec<Value> =
        paper.latin().iter().map(|name| json!({"authorId": "17", "name": name})).collect();
    json!({
        "paperId": format!("{:040x}", paper.number), "externalIds": ids, "url": format!("https://www.semanticscholar.org/paper/{:040x}", paper.number),
        "title": paper.title, "abstract": paper.abstract_text(), "venue": "Journal of Kinship", "year": paper.date.year(),
        "publicationDate": paper.date.to_string(), "fieldsOfStudy": ["Computer Science"], "authors": authors,
    })
}

fn openalex(paper: &Paper) -> Value {
    let mut inverted: serde_json::Map<String, Value> = serde_json::Map::new();
    for (place, word) in paper.abstract_text().split(' ').enumerate() {
        let places = inverted.entry(word).or_insert_with(|| json!([]));
        places.as_array_mut().unwrap().push(json!(place));
    }
    let doi = paper.doi.clone().or_else(|| paper.arxiv.as_ref().map(|id| format!("10.48550/arxiv.{id}")));
    let doi = doi.map(|doi| format!("https://doi.org/{doi}"));
    let authorships: Vec<Value> = paper
        .latin()
        .iter()
        .map(|name| json!({"author_position": "middle", "author": {"id": "https://openalex.org/A1", "display_name": name}}))
        .collect();
    let work = format!("https://openalex.org/W{}", 4_390_000_000_u64 + paper.number as u64);
    json!({
        "id": work, "doi": doi, "title": paper.title, "display_name": paper.title, "publication_year": paper.date.year(),
        "publication_date": paper.date.to_string(), "ids": {"openalex": work, "doi": doi}, "type": "article", "authorships": authorships,
        "abstract_inverted_index": inverted, "referenced_works": [], "related_works": [],
    })
}

fn own(paper: &Paper) -> Value {
    json!({
        "title": paper.title, "authors": paper.native(), "abstract": paper.abstract_text(), "arxiv_id": paper.arxiv, "doi": paper.doi,
        "date": paper.date.to_string(), "tags": [paper.tag],
    })
}

fn rss(papers: &[Paper]) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\">\n<channel>\n\
                    <title>Papers of the week</title>\n<link>https://papers.example.org/</link>\n<description>What came in</description>\n"
        .to_owned();
    for paper in papers {
        writeln!(
            text,
            "<item>\n<title>{}</title>\n<link>{url}</link>\n<guid isPermaLink=\"true\">{url}</guid>\n<dc:creator>{}</dc:creator>\n\
             <pubDate>{}</pubDate>\n<category>{}</category>\n<description>{}</description>\n</item>",
            xml(&paper.title),
            xml(&paper.latin().join(", ")),
            paper.date.strftime("%a, %d %b %Y 08:00:00 GMT"),
            paper.tag,
            xml(&format!("<p>{}</p>", xml(&paper.abstract_text()))),
            url = paper.url(),
        )
        .unwrap();
    }
    text + "</channel>\n</rss>\n"
}

fn digest(papers: &[Paper]) -> String {
    let mut text = "2024년 11월 1일\n".to_owned();
    for paper in papers {
        // Some people write titles in capitals.
        let title = if paper.number % 5 == 0 { paper.title.to_uppercase() } else { paper.title.clone() };
        writeln!(
            text,
            "{title}\n({})\n{}\n이 연구는 한 번 읽어 볼 만합니다. 실험이 꼼꼼하네요.\n#{}",
            paper.native().join(", "),
            paper.abstract_text(),
            paper.tag
        )
        .unwrap();
    }
    text
}

fn note(paper: &Paper) -> String {
    format!(
        "{}\n\n*{}* ({})\n\n> {}\n\n읽고 나서 남기는 메모입니다. 다음 주에 다시 보겠습니다.\n\n#{}\n",
        paper.url(),
        paper.title,
        paper.native().join(", "),
        paper.abstract_text(),
        paper.tag
    )
}
