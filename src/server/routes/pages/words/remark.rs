//! Remarks beside the hits, in the reader's language; the English is the API's own.

use super::Words;
use crate::paper::cut;
use crate::search::{Missing, Remark};

/// Code points of somebody's text that a remark repeats.
const REPEATED: usize = 80;

impl Words {
    /// `remark`, as a sentence.
    pub(in super::super) fn remark(&self, remark: &Remark) -> String {
        match self.code {
            "ko" => korean(remark),
            "zh" => chinese(remark),
            _ => super::super::view::sentence(&remark.to_string()),
        }
    }

    /// The name of a filter's key.
    fn key(&self, key: &str) -> &'static str {
        match key {
            "author" => self.authors,
            _ => self.tags,
        }
    }
}

fn quoted(phrases: &[String], joint: &str) -> String {
    let quoted: Vec<String> = phrases.iter().map(|phrase| format!("\"{}\"", cut(phrase, REPEATED))).collect();
    quoted.join(joint)
}

fn korean(remark: &Remark) -> String {
    match remark {
        Remark::EmptyLibrary => {
            "서재가 비어 있습니다. 'paperkin ingest PATH...'로 논문을 읽어 들이세요.".to_owned()
        }
        Remark::NoPaperLeft => "이 조건에 맞는 논문이 없습니다. 조건을 하나 빼 보세요.".to_owned(),
        Remark::PhrasesNotFound(phrases) => {
            format!("{} 그대로 들어 있는 논문이 없어 따옴표 없이 찾았습니다.", quoted(phrases, ", "))
        }
        Remark::NotInLibrary(id) => format!("{id}은(는) 이 서재에 없습니다."),
        Remark::Missing(Missing { key, value, near }) => {
            let key = super::KOREAN.key(key);
            let perhaps = near.as_ref().map(|near| format!(" 혹시 '{}'인가요?", cut(near, REPEATED)));
            format!("{key} '{}'인 논문이 없습니다.{}", cut(value, REPEATED), perhaps.unwrap_or_default())
        }
        Remark::NoValue(key) => {
            format!("'{key}' 바로 뒤에 값이 없어 단어로 찾았습니다. 조건은 tag:moe처럼 씁니다.")
        }
    }
}

fn chinese(remark: &Remark) -> String {
    match remark {
        Remark::EmptyLibrary => "文库是空的。用 'paperkin ingest PATH...' 读入论文。".to_owned(),
        Remark::NoPaperLeft => "没有符合这些条件的论文。去掉一个条件试试。".to_owned(),
        Remark::PhrasesNotFound(phrases) => {
            format!("没有论文原样包含{}，已去掉引号搜索。", quoted(phrases, "和"))
        }
        Remark::NotInLibrary(id) => format!("此文库没有 {id}。"),
        Remark::Missing(Missing { key, value, near }) => {
            let key = super::CHINESE.key(key);
            let perhaps = near.as_ref().map(|near| format!("是否指“{}”？", cut(near, REPEATED)));
            format!("没有{key}为“{}”的论文。{}", cut(value, REPEATED), perhaps.unwrap_or_default())
        }
        Remark::NoValue(key) => format!("“{key}”后面没有值，已当作词语搜索。条件写作 tag:moe。"),
    }
}
