//! Promise: a digest is read the same however its writer lays it out. The true papers are printed again in layouts
//! drawn by lot, and what comes back is counted.

use std::collections::BTreeMap;

use paperkin::corpus;
use paperkin::paper::Record;
use serde_json::Value;

use super::broken::Random;
use super::{flat, sorted_lines};
use crate::support::shared_data;

/// What a paper must come back as.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Paper {
    date: String,
    title: String,
    authors: Vec<String>,
    abstract_text: String,
    commentary: String,
    tags: Vec<String>,
    url: Option<String>,
}

impl Paper {
    fn read(record: &Record) -> Self {
        let texts: Vec<&str> = record.commentaries.iter().map(|note| note.text.as_str()).collect();
        Self {
            date: record.date.map(|date| date.to_string()).unwrap_or_default(),
            title: flat(&record.title),
            authors: record.authors.clone(),
            abstract_text: flat(record.abstract_text.as_deref().unwrap_or_default()),
            commentary: sorted_lines(&texts.join("\n")),
            tags: record.tags.clone(),
            url: record.url.clone().or_else(|| record.ids.first().and_then(|id| id.url())),
        }
    }

    /// The true papers, but for those about which the truth and the text disagree.
    fn all() -> Option<Vec<(Self, Vec<String>)>> {
        let gold = fs_err::read_to_string(shared_data()?.join("digests/gold.jsonl")).unwrap();
        let digests = gold.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let papers =
            digests.flat_map(|digest| digest["papers"].as_array().unwrap().clone()).filter_map(|paper| {
                let list = |key: &str| -> Vec<String> {
                    paper[key]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|item| item.as_str().unwrap().to_owned())
                        .collect()
                };
                let text = |key: &str| flat(paper[key].as_str().unwrap_or_default());
                let commentary = list("commentary");
                let odd = commentary.iter().any(|line| {
                    line.starts_with(['#', '1']) || (line.starts_with("http") && !line.contains(' '))
                }) || list("authors").iter().any(|name| name.starts_with("and "));
                let paper = Self {
                    title: text("title"),
                    authors: list("authors"),
                    abstract_text: text("abstract"),
                    commentary: sorted_lines(&commentary.join("\n")),
                    tags: list("tags"),
                    ..Self::default()
                };
                (!odd).then_some((paper, commentary))
            });
        Some(papers.collect())
    }
}

const DATES: [fn(u32, u32) -> String; 9] = [
    |month, day| format!("2024년 {month}월 {day}일"),
    |month, day| format!("2024년 {month:02}월 {day:02}일 (목)"),
    |month, day| format!("2024-{month:02}-{day:02}"),
    |month, day| format!("2024. {month}. {day}."),
    |month, day| format!("2024.{month:02}.{day:02}"),
    |month, day| format!("2024/{month}/{day}"),
    |month, day| format!("# 2024년 {month}월 {day}일"),
    |month, day| format!("24년 {month}월 {day}일"),
    |month, day| format!("２０２４년 {month}월 {day}일"),
];

/// One change that a writer may make to one paper; its name is for the report.
type Change = (&'static str, fn(&mut Random, &mut Paper, &mut Vec<String>, &mut Vec<String>));

const CHANGES: [Change; 22] = [
    ("as it is", |_, _, _, _| {}),
    ("as it is, again", |_, _, _, _| {}),
    ("no tags", |_, paper, _, _| paper.tags.clear()),
    ("no abstract", |_, paper, _, _| paper.abstract_text.clear()),
    ("et al.", |_, _, head, _| {
        head[1] = head[1].trim_end_matches(')').to_owned() + ", et al.)";
    }),
    ("full-width parentheses", |_, _, head, _| {
        let inner = head[1].strip_prefix('(').and_then(|line| line.strip_suffix(')')).unwrap();
        head[1] = format!("（{inner}）");
    }),
    ("affiliation", |_, paper, head, _| {
        paper.authors[0] += " (Google DeepMind, London)";
        head[1] = format!("({})", paper.authors.join(", "));
    }),
    ("and before the last", |_, paper, head, _| {
        if let Some((last, others)) = paper.authors.split_last().filter(|(_, others)| !others.is_empty()) {
            head[1] = format!("({} and {last})", others.join(", "));
        }
    }),
    ("authors over lines", |_, _, head, _| {
        head[1] = head[1].replacen(", ", ",\n", 2);
    }),
    ("title over lines", |_, paper, head, _| {
        let words: Vec<&str> = paper.title.split(' ').collect();
        let at = words.len() / 2;
        if at > 0 && !words[at].starts_with('(') {
            head[0] = format!("{}\n{}", words[..at].join(" "), words[at..].join(" "));
        }
    }),
    ("title with parentheses", |_, paper, head, _| {
        paper.title += " (Extended Version)";
        head[0].clone_from(&paper.title);
    }),
    ("title as a question", |_, paper, head, _| {
        paper.title = format!("Are We Done? {}?", paper.title.trim_end_matches('?'));
        head[0].clone_from(&paper.title);
    }),
    ("title in Korean", |_, paper, head, _| {
        paper.title = format!("한국어 제목: {}에 대하여", paper.title);
        head[0].clone_from(&paper.title);
    }),
    ("title as a heading", |_, _, head, _| head[0] = format!("## {}", head[0])),
    ("title in bold", |_, _, head, _| head[0] = format!("**{}**", head[0])),
    ("link below the authors", |_, paper, head, _| {
        paper.url = Some("https://arxiv.org/abs/2408.15881".to_owned());
        head.push("https://arxiv.org/abs/2408.15881".to_owned());
    }),
    ("page of the project below the authors", |_, paper, head, _| {
        paper.url = Some("https://example.github.io/project/".to_owned());
        head.push("https://example.github.io/project/".to_owned());
    }),
    ("link above the title", |_, paper, head, _| {
        paper.url = Some("https://arxiv.org/abs/2408.15881".to_owned());
        head.insert(0, "https://arxiv.org/abs/2408.15881".to_owned());
    }),
    ("a paragraph in parentheses", |_, paper, _, commentary| {
        commentary.push("(여담이지만 이런 시도가 늘어나는 것 같네요.)".to_owned());
        paper.commentary = sorted_lines(&commentary.join("\n"));
    }),
    ("a short line in the commentary", |_, paper, _, commentary| {
        commentary.push("1. 데이터셋 2. 모델".to_owned());
        commentary.push("아무튼 재미있는 결과입니다.".to_owned());
        paper.commentary = sorted_lines(&commentary.join("\n"));
    }),
    ("tags with commas", |_, paper, _, _| {
        if paper.tags.len() < 2 {
            paper.tags.extend(["one".to_owned(), "two".to_owned()]);
        }
    }),
    ("no authors", |_, paper, head, _| {
        paper.authors.clear();
        head.truncate(1);
    }),
];

const JOINTS: [&str; 6] = ["\n", "\r\n", "\n\n", " \t\n", "\n \n\n", "\u{a0}\n"];

#[test]
fn digests_come_back_from_layouts_drawn_by_lot() {
    let Some(papers) = Paper::all() else { return };
    let seed = std::env::var("PAPERKIN_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_241_122);
    println!("seed {seed} (set PAPERKIN_SEED to try another)");
    let mut random = Random(seed);
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut wrong = Vec::new();
    for _ in 0..1_500 {
        let (month, day) = (1 + random.below(12) as u32, 1 + random.below(28) as u32);
        let form = DATES[random.below(DATES.len())];
        let joint = JOINTS[random.below(JOINTS.len())];
        // Between papers there may be a blank line whatever is within.
        let gap = if random.below(2) == 0 { joint.to_owned() } else { format!("{joint}{joint}") };
        let mut text = form(month, day) + joint;
        let mut want = Vec::new();
        let mut tagged = true;
        for at in 0..=random.below(5) {
            let (mut paper, mut commentary) = papers[random.below(papers.len())].clone();
            paper.date = format!("2024-{month:02}-{day:02}");
            let (mut name, mut change) = CHANGES[random.below(CHANGES.len())];
            // Without tags above nor authors below nobody could tell a title from commentary.
            if name == "no authors" && !tagged {
                (name, change) = CHANGES[0];
            }
            let mut head = vec![paper.title.clone(), format!("({})", paper.authors.join(", "))];
            change(&mut random, &mut paper, &mut head, &mut commentary);
            let head = head.join("\n").replace('\n', joint);
            text += &format!("{}{head}{joint}", if at > 0 { gap.trim_start_matches(joint) } else { "" });
            for line in
                [paper.abstract_text.clone()].iter().chain(&commentary).filter(|line| !line.is_empty())
            {
                text += &format!("{line}{joint}");
            }
            let tags: Vec<String> = paper.tags.iter().map(|tag| format!("#{tag}")).collect();
            if !tags.is_empty() {
                text += &format!("{}{joint}", tags.join(if name == "tags with commas" { ", " } else { " " }));
            }
            tagged = !tags.is_empty();
            want.push((name, paper));
        }
        let got: Vec<Record> = corpus::read_bytes("digest.txt", text.as_bytes())
            .map(|reader| reader.flatten().collect())
            .unwrap_or_default();
        let got: Vec<Paper> = got.iter().map(Paper::read).collect();
        for (name, paper) in want {
            let count = counts.entry(name).or_default();
            count.1 += 1;
            if got.contains(&paper) {
                count.0 += 1;
            } else {
                let near = got.iter().find(|read| read.title == paper.title);
                wrong.push(format!("{name}\n  want {paper:?}\n  got  {near:?}\n  text {}", short(&text)));
            }
        }
    }
    let (right, all) = counts.values().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
    let report = format!("{right} of {all} papers came back exactly\n{counts:#?}");
    println!("{report}");
    wrong
        .iter()
        .take(std::env::var("PAPERKIN_SHOW").map_or(0, |_| 400))
        .for_each(|wrong| println!("{wrong}"));
    assert!(right * 1_000 >= all * 990, "{report}");
}

fn short(text: &str) -> String {
    text.lines().map(|line| line.chars().take(60).collect::<String>() + " | ").collect()
}
