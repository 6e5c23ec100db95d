//! Questions of everyday life, which few libraries of papers answer: how near they come to a library tells what nearness is worth
//! there (`search/chance.rs`). Short, as what people type; none is a word of the nonsense that tests ask.

use super::vectors::BOTH;
use super::{EvalError, Vectors};
use crate::index::Probe;
use crate::paper::Language;

const LANGUAGES: [Language; 4] = [Language::ENGLISH, Language::KOREAN, Language::CHINESE, Language::JAPANESE];

const QUESTIONS: [[&str; 4]; 24] = [
    ["laundry detergent", "세탁 세제", "洗衣液", "洗濯洗剤"],
    ["birthday cake", "생일 케이크", "生日蛋糕", "誕生日ケーキ"],
    ["bus timetable", "버스 시간표", "公交时刻表", "バスの時刻表"],
    ["swimming pool", "수영장", "游泳池", "プール"],
    ["wool sweater", "털 스웨터", "毛衣", "セーター"],
    ["front door key", "현관 열쇠", "大门钥匙", "玄関の鍵"],
    ["fried rice", "볶음밥", "炒饭", "チャーハン"],
    ["school holidays", "여름 방학", "暑假", "夏休み"],
    ["walking the dog", "강아지 산책", "遛狗", "犬の散歩"],
    ["toothbrush", "칫솔", "牙刷", "歯ブラシ"],
    ["sunny beach", "해수욕장", "海滩", "海水浴場"],
    ["hotel breakfast", "호텔 조식", "酒店早餐", "ホテルの朝食"],
    ["knitting needles", "뜨개바늘", "毛线针", "編み針"],
    ["leaking roof", "지붕 누수", "屋顶漏水", "雨漏り"],
    ["pay rise", "월급 인상", "涨工资", "昇給"],
    ["wine glass", "와인 잔", "酒杯", "ワイングラス"],
    ["old castle", "옛 성", "古堡", "古城"],
    ["razor", "면도기", "剃须刀", "ひげそり"],
    ["concert tickets", "콘서트 표", "演唱会门票", "コンサートのチケット"],
    ["rose garden", "장미 정원", "玫瑰花园", "バラ園"],
    ["fire brigade", "소방서", "消防队", "消防署"],
    ["lost wallet", "잃어버린 지갑", "丢失的钱包", "財布の紛失"],
    ["wooden chair", "나무 의자", "木椅", "木の椅子"],
    ["camping tent", "캠핑 텐트", "露营帐篷", "キャンプのテント"],
];

/// The questions, embedded.
pub(super) fn probes(vectors: &mut Vectors<'_>) -> Result<Vec<Probe>, EvalError> {
    let asked = QUESTIONS.as_flattened();
    let texts: Vec<String> = asked.iter().map(|text| (*text).to_owned()).collect();
    let embedded = vectors.embed(&BOTH, &texts)?;
    Ok(LANGUAGES
        .into_iter()
        .cycle()
        .zip(&embedded)
        .map(|(language, vector)| Probe::of(language, vector))
        .collect())
}
