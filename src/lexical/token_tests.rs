//! The tokeniser, by example and by chance.

use proptest::prelude::*;

use super::token::{Role, tokens};

/// Terms a question asks for, in order.
fn asked(text: &str) -> Vec<String> {
    let mut asked: Vec<_> = tokens(text).into_iter().filter(|token| token.role.is_asked()).collect();
    asked.sort_by_key(|token| (token.start, matches!(token.role, Role::Glued | Role::Joined), token.end));
    asked.into_iter().map(|token| token.term).collect()
}

/// Terms a phrase steps over.
fn steps(text: &str) -> Vec<(String, usize)> {
    let steps = tokens(text).into_iter().filter(|token| token.role.is_step());
    steps.map(|token| (token.term, token.position)).collect()
}

#[test]
fn words_of_every_script() {
    let table: [(&str, &[&str]); 24] = [
        ("Learning graphs, quickly!", &["learn", "graph", "quick"]),
        ("The naïve Schrödinger équation", &["the", "naiv", "schroding", "equat"]),
        ("대조 학습은", &["대조", "학습", "습은"]),
        ("모", &["모"]),
        ("LLM을", &["llm", "을"]),
        ("用GPT-4做", &["用", "gpt", "gpt4", "4", "做"]),
        ("储氢材料", &["储氢", "氢材", "材料"]),
        ("機械学習のモデル", &["機械", "械学", "学習", "習の", "のモ", "モデ", "デル"]),
        ("ﾓﾃﾞﾙ", &["モデ", "デル"]),
        ("한국어 모델中文", &["한국", "국어", "모델", "中文"]),
        ("\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}", &["한국"]),
        ("مُحَمَّد التعلّم", &["محمد", "التعلم"]),
        ("למידה עמוקה", &["למידה", "עמוקה"]),
        ("глубокое обучение", &["глубокое", "обучение"]),
        ("ไทย", &["ไท", "ทย"]),
        ("🦙 llama👍🏽", &["🦙", "llama", "👍"]),
        ("∇f", &["∇", "f"]),
        (r"foo\bar $\beta$-VAE", &["foo", "bar", "beta", "vae"]),
        ("don't model's", &["don", "dont", "t", "model"]),
        ("end. Start (a, b)", &["end", "start", "a", "b"]),
        ("and/or", &["and", "or"]),
        ("x² e^2", &["x2", "e", "e2", "2"]),
        ("1,000 3.5 12,34", &["1000", "3.5", "12", "34"]),
        ("", &[]),
    ];
    for (text, expected) in table {
        assert_eq!(asked(text), expected, "{text}");
    }
}

#[test]
fn identifiers_as_people_type_them() {
    let table: [(&str, &[&str]); 20] = [
        ("GPT-4", &["gpt", "gpt4", "4"]),
        ("gpt4", &["gpt", "gpt4"]),
        ("GPT-4-turbo", &["gpt", "gpt4", "gpt4turbo", "4", "4turbo", "turbo"]),
        ("LLaVA-MoD", &["llava", "llavamod", "mod"]),
        ("C++ C# C F#", &["c++", "c#", "c", "f#"]),
        ("C++11", &["c++", "c++11", "11"]),
        (".NET", &[".net", "net"]),
        ("F1 3D o1", &["f1", "3d", "o1"]),
        ("4-bit", &["4", "4bit", "bit"]),
        ("k-means", &["k", "kmean", "mean"]),
        ("kmeans", &["kmean"]),
        ("snake_case", &["snake", "snakecas", "case"]),
        ("2408.15881", &["2408.15881"]),
        ("2408.15881v2", &["2408.15881", "2408.15881v2"]),
        ("GPT-3.5", &["gpt", "gpt3.5", "3.5"]),
        ("gpt3.5", &["gpt", "gpt3.5", "3.5"]),
        ("10.1000/xyz-123.", &["10.1000", "10.1000/xyz-123", "xyz", "xyz123", "123"]),
        ("R&D", &["r", "rd", "d"]),
        ("Bose–Einstein", &["bose", "boseeinstein", "einstein"]),
        ("a1b2c3d4e5", &["a1b2c3d4e5"]),
    ];
    for (text, expected) in table {
        assert_eq!(asked(text), expected, "{text}");
    }
}

#[test]
fn a_phrase_fits_every_spelling() {
    let turbo = steps("GPT-4 turbo");
    assert_eq!(turbo, [("gpt".into(), 0), ("4".into(), 1), ("turbo".into(), 2)]);
    assert_eq!(steps("gpt4 turbo"), turbo);
    assert_eq!(steps("gpt 4 turbo"), turbo);
    assert_eq!(steps("LLaVA-MoD: making"), steps("llava mod making"));
    assert_eq!(steps("3D vision"), steps("3-D vision"));
    // A pair stands where its first character stands, so that what follows is as far as it looks.
    assert_eq!(steps("모델은 큰"), [("모델".into(), 0), ("델은".into(), 1), ("큰".into(), 3)]);
}

#[test]
fn one_character_is_there_to_be_found_and_costs_longer_questions_nothing() {
    let tokens = tokens("모델");
    let single = tokens.iter().find(|token| token.term == "모").unwrap();
    assert_eq!(single.role, Role::Character);
    assert!(!single.role.is_asked());
}

#[test]
fn what_has_no_end_takes_linear_time_and_is_cut() {
    for unit in
        ["a", "가", "字", "1", "a-", "a1", "1.", "e\u{301}", "\u{301}", "ß", "'", "10.1000/", "+", "𝔸", "ก"]
    {
        let text = unit.repeat((1 << 20) / unit.len());
        let start = std::time::Instant::now();
        let tokens = tokens(&text);
        assert!(start.elapsed().as_secs() < 10, "{unit}: {:?}", start.elapsed());
        assert!(tokens.iter().all(|token| token.term.len() <= 100), "{unit}");
        assert!(tokens.len() <= 5 * text.chars().count(), "{unit}");
    }
    assert_eq!(asked(&"x".repeat(250)).iter().map(String::len).collect::<Vec<_>>(), [100, 100, 50]);
}

proptest! {
    #[test]
    fn any_text_has_tokens_that_point_into_it(text in "(\\PC|[a-z0-9\\-.'+#/ \u{300}-\u{305}\u{1100}-\u{1112}\u{1161}-\u{1175}\u{11a8}-\u{11c2}가-힣一-三ァ-ン\u{ff66}-\u{ff9f}]){0,60}") {
        let mut last = 0;
        for token in tokens(&text) {
            prop_assert!(!token.term.is_empty());
            prop_assert!(token.start >= last && token.start < token.end);
            prop_assert!(text.get(token.start..token.end).is_some());
            last = token.start;
        }
    }
}
