//! What a page says when it fails, in the reader's language; the English is the API's own. What only those meet who write addresses by
//! hand stays English.

use super::super::view::sentence;
use super::Words;
use crate::search::FilterError;
use crate::server::error::{Code, Failure};

impl Words {
    /// What went wrong, and what would do.
    pub(in super::super) fn failure(&self, failure: &Failure) -> (String, String) {
        let own = match self.code {
            "ko" => korean(failure),
            "zh" => chinese(failure),
            _ => None,
        };
        let (message, hint) = own.unwrap_or_else(|| (sentence(failure.message()), sentence(failure.hint())));
        let hint = match failure.filter() {
            _ if failure.is_passing() => self.looks_again.to_owned(),
            // The API's own hint is for programs.
            Some(FilterError::NoDate(_) | FilterError::Backwards { .. }) => self.how_years.to_owned(),
            // The message itself says what can be asked.
            Some(_) => self.in_quotes.to_owned(),
            None => hint,
        };
        (message, hint)
    }
}

fn korean(failure: &Failure) -> Option<(String, String)> {
    if let Some(error) = failure.filter() {
        return Some((korean_filter(error), String::new()));
    }
    let (message, hint) = match failure.code() {
        Code::UnknownPaper => {
            ("이 서재에 없는 논문입니다.", "제목으로 찾아보거나, 'paperkin ingest'로 읽어 들이세요.")
        }
        Code::BadId => ("논문의 id가 아닙니다.", "arXiv id나 그 주소, 또는 DOI를 쓰세요."),
        Code::NotEmbedded => {
            ("아직 벡터가 없는 논문입니다.", "'paperkin ingest'가 끝나면 관련 논문을 볼 수 있습니다.")
        }
        Code::NotReady => ("아직 준비되지 않았습니다.", ""),
        Code::Overloaded => ("지금은 요청이 너무 많습니다.", ""),
        Code::Timeout => ("답하는 데 너무 오래 걸렸습니다.", "잠시 뒤에 다시 해 보세요."),
        Code::Internal => (
            "paperkin의 결함으로 답하지 못했습니다.",
            "'paperkin check'를 실행해 보세요. 서버의 로그에 더 자세히 적혀 있습니다.",
        ),
        _ => return None,
    };
    Some((message.to_owned(), hint.to_owned()))
}

fn korean_filter(error: &FilterError) -> String {
    match error {
        FilterError::UnknownKey(key) => format!(
            "'{key}'(이)라는 조건은 없습니다. tag, author, lang, source, year, from, to, has를 쓸 수 있습니다."
        ),
        FilterError::NoDate(text) => format!("'{text}'은(는) 날짜가 아닙니다."),
        FilterError::Backwards { from, to } => format!("기간의 끝이 처음보다 앞섭니다: {from}..{to}"),
        FilterError::NoLanguage(text) => {
            format!("'{text}'은(는) 언어가 아닙니다. ko, zh, ja, en 같은 ISO 639-1 코드를 쓰세요.")
        }
        FilterError::NoProperty(text) => {
            format!("'{text}'은(는) 논문에 있는 것이 아닙니다. has:commentary나 -has:commentary를 쓰세요.")
        }
        FilterError::NoAuthor(text) => {
            format!("'{text}'은(는) 저자가 아닙니다. 성이나 이름을 쓰세요: author:\"Kim, Minsu\"")
        }
        FilterError::TooMany(values) => format!("조건의 값이 {values}개로 너무 많습니다."),
        FilterError::Empty(key, example) => {
            format!("{key}: 뒤에 값이 없습니다. {key}:{example}처럼 쓰세요.")
        }
    }
}

fn chinese(failure: &Failure) -> Option<(String, String)> {
    if let Some(error) = failure.filter() {
        return Some((chinese_filter(error), String::new()));
    }
    let (message, hint) = match failure.code() {
        Code::UnknownPaper => ("此文库没有这篇论文。", "按标题搜索，或用 'paperkin ingest' 读入。"),
        Code::BadId => ("这不是论文的 id。", "请写 arXiv id 或其网址，或 DOI。"),
        Code::NotEmbedded => ("这篇论文还没有向量。", "等 'paperkin ingest' 完成后即可查看相关论文。"),
        Code::NotReady => ("尚未就绪。", ""),
        Code::Overloaded => ("目前请求过多。", ""),
        Code::Timeout => ("回答耗时过长。", "请稍后再试。"),
        Code::Internal => {
            ("paperkin 出现缺陷，未能回答。", "请运行 'paperkin check'；服务器日志里有详细信息。")
        }
        _ => return None,
    };
    Some((message.to_owned(), hint.to_owned()))
}

fn chinese_filter(error: &FilterError) -> String {
    match error {
        FilterError::UnknownKey(key) => {
            format!("没有名为“{key}”的条件。可用 tag、author、lang、source、year、from、to、has。")
        }
        FilterError::NoDate(text) => format!("“{text}”不是日期。"),
        FilterError::Backwards { from, to } => format!("时段的结束早于开始：{from}..{to}"),
        FilterError::NoLanguage(text) => {
            format!("“{text}”不是语言。请用 ko、zh、ja、en 等 ISO 639-1 代码。")
        }
        FilterError::NoProperty(text) => {
            format!("“{text}”不是论文会有的东西。请用 has:commentary 或 -has:commentary。")
        }
        FilterError::NoAuthor(text) => {
            format!("“{text}”不是作者。请写姓或姓名：author:\"Kim, Minsu\"")
        }
        FilterError::TooMany(values) => format!("条件的值有 {values} 个，太多了。"),
        FilterError::Empty(key, example) => format!("{key}: 后面没有值。请写作 {key}:{example}。"),
    }
}
