//! What is shown, what is left alone, and that no text takes long.

use std::time::Instant;

use proptest::prelude::*;

use super::*;

#[test]
fn latex_is_shown() {
    for (source, shown) in [
        (r#"are \textit{transferred} to \emph{new \textbf{tasks}}"#, "are transferred to new tasks"),
        (r#"1.53$\times$~20.57$\times$ 提升"#, "1.53×~20.57× 提升"),
        (
            r#"Erd\H{o}s, G\'erard, Kurt G{\"o}del, Fran\c{c}ois, Stra{\ss}e, S{\o}ren, Ho\v{r}ava"#,
            "Erdős, Gérard, Kurt Gödel, François, Straße, Søren, Hořava",
        ),
        (
            r#"Mu\~noz, Ga\v{s}evi{\'c}, na{\"\i}ve, {\c c}a, Wali\'nski"#,
            "Muñoz, Gašević, naïve, ça, Waliński",
        ),
        (r#"$\beta$-VAE와 $\alpha$"#, "β-VAE와 α"),
        (r#"$x^2 + y_i \leq 10^{-3}$"#, "x² + yᵢ ≤ 10⁻³"),
        (r#"\(O(n \log n)\) and $O(n\log n)$"#, "O(n log n) and O(n log n)"),
        (r#"$f: \mathbb{R}^d \to \mathbb{R}$, $\mathcal{O}(1)$"#, "f: ℝᵈ → ℝ, 𝒪(1)"),
        (r#"$d_{model}$, $e^{i\pi}$, $W_{Q}^{\top}$, $Q^*$, $90^\circ$"#, "d_model, e^(iπ), W_Qᵀ, Q*, 90°"),
        (
            r#"$\frac{a}{b}$, $\frac{a+1}{\sqrt{d_k}}$, $\sqrt{x}$, $\sqrt{x+1}$, $\frac12$"#,
            "a/b, (a+1)/√(dₖ), √x, √(x+1), 1/2",
        ),
        (r#"$\hat{x}$ 和 $\bar y$"#, "x\u{302} 和 y\u{304}"),
        (
            r#"see \href{https://a.org/x_y}{this page} or \url{https://a.org/~me\_x}"#,
            "see this page or https://a.org/~me_x",
        ),
        (r#"95\% of A\&B in snake\_case"#, "95% of A&B in snake_case"),
        (r#"costs \$5 and \$10"#, "costs $5 and $10"),
        (r#"``quoted'' words --- 1--2, Fig.~3 for $k$NN"#, "“quoted” words — 1–2, Fig. 3 for kNN"),
        (r#"{\em Nature} and {\bf all} \alpha-divergence"#, "Nature and all α-divergence"),
        (r#"$n$개의 토큰, $n$个词元, $n$個"#, "n개의 토큰, n个词元, n個"),
        (r#"$\operatorname*{argmax}_x \left( p(x) \right)$"#, "argmaxₓ ( p(x) )"),
        (r#"$$E = mc^2$$"#, "E = mc²"),
    ] {
        assert_eq!(unicode_of(source), shown, "{source}");
        assert_eq!(unicode_of(shown), shown, "shown twice: {source}");
    }
}

#[test]
fn prose_is_left_alone() {
    for text in [
        "$5 and $10",
        "between $5-$10, US$5/A$6, $5M vs A$3M",
        "가격은 $5와 $10입니다. 5$와 10$, ₩5,000~10,000",
        "价格是 $5 到 $10，约 ~10% 的",
        r#"C:\temp\new\beta and \\server\share$ or D:\alpha"#,
        "a_b snake_case x^2 {x} {\"json\": 1} ~10 -- 'x'' `y`",
        r#"{\"name\": \"order\", \"o\": \"a\"}"#,
        r#"it\'s don\'t I\'m we\'re; \d+\.txt \w \s"#,
        r#"a regex \(not math\) and \[text\]"#,
        r#"\unknown{x} and \cite{vaswani2017}"#,
        "$PATH and $HOME/$USER, $_GET['x'] and $foo",
        "100% of R&D",
        r#"src\beta\x and \pi"#,
        "$ \\ {",
        r#"\"#,
        "$$",
        "$",
        "日本語のテキスト、$100から$200まで",
        "שלום $5 עולם 🦙",
    ] {
        assert!(
            matches!(unicode_of(text), Cow::Borrowed(same) if same == text),
            "{text}: {}",
            unicode_of(text)
        );
    }
}

#[test]
fn an_unknown_command_keeps_its_argument() {
    assert_eq!(unicode_of(r"$\foo{x^2} + \beta$"), r"\foo{x²} + β");
    assert_eq!(unicode_of(r"\cite{a_b} uses $\beta$"), r"\cite{a_b} uses β");
}

#[test]
fn the_text_of_bibtex() {
    for (source, text) in [
        (r#"{GPT}-4 {\&} {The {Best}} of 50\%"#, "GPT-4 & The Best of 50%"),
        (
            r#"Stra\ss e, \O{}re, Erd\H os, \'{E}cole, \c{C}a, {\AA}s, \o re"#,
            "Straße, Øre, Erdős, École, Ça, Ås, øre",
        ),
        (r#"The $\beta$-{VAE} and $O(n^{2})$"#, r#"The $\beta$-VAE and $O(n^{2})$"#),
        ("one\n  two\n\n three", "one two\nthree"),
        (r#"\textbackslash{}\{a\}\textasciitilde{}\textasciicircum{}\$5 -{}- x"#, r#"\{a}~^$5 -- x"#),
        (r#"a~b -- c --- ``d''"#, "a b – c — “d”"),
        (r#"{王芳} 와 {김민수}"#, "王芳 와 김민수"),
    ] {
        assert_eq!(latex_text(source), text, "{source}");
    }
}

/// Seconds for one text.
fn seconds(text: &str) -> f64 {
    let began = Instant::now();
    std::hint::black_box(unicode_of(text).len() + latex_text(text).len());
    began.elapsed().as_secs_f64()
}

#[test]
fn hostile_texts_take_no_time_and_no_stack() {
    for unit in [
        "{",
        "}",
        "$",
        "\\",
        "\\(",
        "$\\frac{",
        "$^{",
        "\\textbf{",
        "\\'{",
        "${",
        "$x$",
        "{\\em ",
        "\\\"",
        "$\\sqrt{\\hat{",
        "``",
        "''",
        "~",
        "-",
        "\\href{",
        "\\url{",
        "$$",
        "$\\beta",
        "$a^{b_{",
        "{\\\"o",
        "\\[",
        "한$\\beta$",
    ] {
        for closing in ["", "}", "$", "}$"] {
            let half = unit.repeat((64 << 10) / unit.len()) + &closing.repeat(64 << 10);
            let taken = seconds(&half);
            assert!(taken < 0.5, "{unit:?} and {closing:?}: {taken} s");
        }
    }
}

#[test]
fn plain_abstracts_cost_nothing() {
    let text = "We study sparse graphs and 한국어 문장 and 中文句子 in one text. ".repeat(20_000);
    let taken = seconds_to_look(&text);
    assert!(text.len() as f64 / taken > 50e6, "{:.0} MB/s", text.len() as f64 / taken / 1e6);
}

fn seconds_to_look(text: &str) -> f64 {
    let began = Instant::now();
    assert!(matches!(std::hint::black_box(unicode_of(text)), Cow::Borrowed(_)));
    began.elapsed().as_secs_f64()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn showing_twice_is_showing_once(
        text in r#"(\\[a-z]{1,3}|\\beta|\\frac|\\textit|\\['"{}$%_^~\\]|[{}$^_~`'"-]|[a-c]|5| |한|中|é|🦙|\n){0,24}"#
    ) {
        let once = unicode_of(&text).into_owned();
        prop_assert_eq!(unicode_of(&once).into_owned(), once);
        prop_assert!(latex_text(&text).len() <= 2 * text.len() + 8);
    }
}
