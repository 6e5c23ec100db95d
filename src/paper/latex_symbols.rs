//! What LaTeX's names stand for: one sorted table a kind, read by `latex.rs`.
//!
//! The `unicodeit` crate was looked at: it replaces its 2,500 commands one after another in all of a text, without
//! asking whether it is LaTeX ("C:\to\in"), and part of it is under the LPPL.

/// The sign that a command stands for.
pub(super) fn symbol(name: &str) -> Option<&'static str> {
    find(&SYMBOLS, name)
}

/// The letter that a command of text stands for.
pub(super) fn letter(name: &str) -> Option<&'static str> {
    find(&LETTERS, name)
}

/// Whether the command shows its argument in another font, and nothing else.
pub(super) fn is_wrapper(name: &str) -> bool {
    WRAPPERS.binary_search(&name).is_ok()
}

/// Whether the command sets the font of the group it begins.
pub(super) fn is_switch(name: &str) -> bool {
    SWITCHES.binary_search(&name).is_ok()
}

/// Whether a formula reads the same without the command.
pub(super) fn is_dropped(name: &str) -> bool {
    DROPPED.binary_search(&name).is_ok()
}

fn find(table: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    table.binary_search_by(|(key, _)| key.cmp(&name)).ok().and_then(|at| table.get(at)).map(|(_, sign)| *sign)
}

/// The combining mark of an accent in text, with or without braces around its letter.
pub(super) fn accent(name: &str) -> Option<char> {
    Some(match name {
        "'" => '\u{301}',
        "`" => '\u{300}',
        "^" => '\u{302}',
        "\"" => '\u{308}',
        "~" => '\u{303}',
        "=" => '\u{304}',
        "." => '\u{307}',
        "c" => '\u{327}',
        "k" => '\u{328}',
        "H" => '\u{30b}',
        "u" => '\u{306}',
        "v" => '\u{30c}',
        "r" => '\u{30a}',
        "b" => '\u{331}',
        "d" => '\u{323}',
        _ => return None,
    })
}

/// The combining mark of an accent in a formula.
pub(super) fn hat(name: &str) -> Option<char> {
    Some(match name {
        "hat" | "widehat" => '\u{302}',
        "tilde" | "widetilde" => '\u{303}',
        "bar" | "overline" => '\u{304}',
        "vec" | "overrightarrow" => '\u{20d7}',
        "dot" => '\u{307}',
        "ddot" => '\u{308}',
        "check" => '\u{30c}',
        "breve" => '\u{306}',
        "acute" => '\u{301}',
        "grave" => '\u{300}',
        _ => return None,
    })
}

/// The character raised; `None` where Unicode has none.
pub(super) fn raised(c: char) -> Option<char> {
    pair(RAISED, c)
}

/// The character lowered; `None` where Unicode has none.
pub(super) fn lowered(c: char) -> Option<char> {
    pair(LOWERED, c)
}

fn pair(table: &str, c: char) -> Option<char> {
    let mut signs = table.chars();
    while let (Some(from), Some(to)) = (signs.next(), signs.next()) {
        if from == c {
            return Some(to);
        }
    }
    None
}

/// The letter with a double stroke (`\mathbb`).
pub(super) fn double_struck(c: char) -> Option<char> {
    match c {
        'C' => Some('ℂ'),
        'H' => Some('ℍ'),
        'N' => Some('ℕ'),
        'P' => Some('ℙ'),
        'Q' => Some('ℚ'),
        'R' => Some('ℝ'),
        'Z' => Some('ℤ'),
        'A'..='Z' => char::from_u32(0x1d538 + u32::from(c) - u32::from('A')),
        'a'..='z' => char::from_u32(0x1d552 + u32::from(c) - u32::from('a')),
        '0'..='9' => char::from_u32(0x1d7d8 + u32::from(c) - u32::from('0')),
        _ => None,
    }
}

/// The letter in script (`\mathcal`).
pub(super) fn script(c: char) -> Option<char> {
    match c {
        'B' => Some('ℬ'),
        'E' => Some('ℰ'),
        'F' => Some('ℱ'),
        'H' => Some('ℋ'),
        'I' => Some('ℐ'),
        'L' => Some('ℒ'),
        'M' => Some('ℳ'),
        'R' => Some('ℛ'),
        'e' => Some('ℯ'),
        'g' => Some('ℊ'),
        'o' => Some('ℴ'),
        'A'..='Z' => char::from_u32(0x1d49c + u32::from(c) - u32::from('A')),
        'a'..='z' => char::from_u32(0x1d4b6 + u32::from(c) - u32::from('a')),
        _ => None,
    }
}

/// A character and how it looks raised, in turn.
const RAISED: &str = "0⁰1¹2²3³4⁴5⁵6⁶7⁷8⁸9⁹+⁺-⁻=⁼(⁽)⁾nⁿiⁱaᵃbᵇcᶜdᵈeᵉfᶠgᵍhʰjʲkᵏlˡmᵐoᵒpᵖrʳsˢtᵗuᵘvᵛwʷxˣyʸzᶻAᴬBᴮDᴰEᴱGᴳHᴴIᴵJᴶKᴷLᴸMᴹNᴺOᴼPᴾRᴿTᵀUᵁVⱽWᵂ⊤ᵀ∘°∗***′′††‡‡−⁻βᵝγᵞδᵟθᶿ";

/// A character and how it looks lowered, in turn.
const LOWERED: &str = "0₀1₁2₂3₃4₄5₅6₆7₇8₈9₉+₊-₋=₌(₍)₎aₐeₑhₕiᵢjⱼkₖlₗmₘnₙoₒpₚrᵣsₛtₜuᵤvᵥxₓ−₋βᵦγᵧρᵨϕᵩφᵩχᵪ";

/// Signs, and the names of functions, which stand for themselves.
#[rustfmt::skip]
const SYMBOLS: [(&str, &str); 276] = [
    ("BibTeX", "BibTeX"), ("Box", "□"), ("Delta", "Δ"), ("Downarrow", "⇓"), ("Gamma", "Γ"), ("Im", "ℑ"),
    ("LaTeX", "LaTeX"), ("Lambda", "Λ"), ("Leftarrow", "⇐"), ("Leftrightarrow", "⇔"), ("Omega", "Ω"),
    ("P", "¶"), ("Phi", "Φ"), ("Pi", "Π"), ("Pr", "Pr"), ("Psi", "Ψ"), ("Re", "ℜ"), ("Rightarrow", "⇒"),
    ("S", "§"), ("Sigma", "Σ"), ("TeX", "TeX"), ("Theta", "Θ"), ("Uparrow", "⇑"), ("Upsilon", "Υ"),
    ("Vert", "‖"), ("Xi", "Ξ"), ("aleph", "ℵ"), ("alpha", "α"), ("angle", "∠"), ("approx", "≈"),
    ("arg", "arg"), ("argmax", "argmax"), ("argmin", "argmin"), ("ast", "*"), ("asymp", "≍"),
    ("backslash", "\\"), ("because", "∵"), ("beta", "β"), ("bigcap", "⋂"), ("bigcup", "⋃"),
    ("bigoplus", "⨁"), ("bigotimes", "⨂"), ("blacksquare", "■"), ("bmod", "mod"), ("bot", "⊥"),
    ("bullet", "•"), ("cap", "∩"), ("cdot", "·"), ("cdots", "⋯"), ("checkmark", "✓"), ("chi", "χ"),
    ("circ", "∘"), ("clubsuit", "♣"), ("cmark", "✓"), ("coloneqq", "≔"), ("cong", "≅"), ("coprod", "∐"),
    ("copyright", "©"), ("cos", "cos"), ("cosh", "cosh"), ("cup", "∪"), ("dagger", "†"), ("ddagger", "‡"),
    ("ddots", "⋱"), ("deg", "deg"), ("degree", "°"), ("delta", "δ"), ("det", "det"), ("diamond", "⋄"),
    ("diamondsuit", "♦"), ("dim", "dim"), ("div", "÷"), ("doteq", "≐"), ("dots", "…"), ("dotsb", "⋯"),
    ("dotsc", "…"), ("downarrow", "↓"), ("ell", "ℓ"), ("emptyset", "∅"), ("epsilon", "ϵ"), ("equiv", "≡"),
    ("eta", "η"), ("euro", "€"), ("exists", "∃"), ("exp", "exp"), ("flat", "♭"), ("forall", "∀"),
    ("gamma", "γ"), ("gcd", "gcd"), ("ge", "≥"), ("geq", "≥"), ("geqslant", "⩾"), ("gets", "←"),
    ("gg", "≫"), ("gt", ">"), ("gtrsim", "≳"), ("guillemotleft", "«"), ("guillemotright", "»"),
    ("hbar", "ℏ"), ("heartsuit", "♥"), ("hookrightarrow", "↪"), ("iff", "⇔"), ("iint", "∬"),
    ("implies", "⇒"), ("in", "∈"), ("inf", "inf"), ("infty", "∞"), ("int", "∫"), ("iota", "ι"),
    ("kappa", "κ"), ("ker", "ker"), ("lVert", "‖"), ("lambda", "λ"), ("land", "∧"), ("langle", "⟨"),
    ("lbrace", "{"), ("lbrack", "["), ("lceil", "⌈"), ("ldots", "…"), ("le", "≤"), ("leadsto", "⇝"),
    ("leftarrow", "←"), ("leftrightarrow", "↔"), ("leq", "≤"), ("leqslant", "⩽"), ("lesssim", "≲"),
    ("lfloor", "⌊"), ("lim", "lim"), ("liminf", "liminf"), ("limsup", "limsup"), ("ll", "≪"), ("ln", "ln"),
    ("lnot", "¬"), ("log", "log"), ("longleftarrow", "⟵"), ("longmapsto", "⟼"), ("longrightarrow", "⟶"),
    ("lor", "∨"), ("lt", "<"), ("lvert", "|"), ("mapsto", "↦"), ("max", "max"), ("mid", "∣"),
    ("min", "min"), ("mod", "mod"), ("models", "⊨"), ("mp", "∓"), ("mu", "μ"), ("nabla", "∇"),
    ("natural", "♮"), ("ne", "≠"), ("nearrow", "↗"), ("neg", "¬"), ("neq", "≠"), ("nexists", "∄"),
    ("ni", "∋"), ("notin", "∉"), ("nu", "ν"), ("odot", "⊙"), ("oint", "∮"), ("omega", "ω"), ("ominus", "⊖"),
    ("oplus", "⊕"), ("otimes", "⊗"), ("parallel", "∥"), ("partial", "∂"), ("perp", "⊥"), ("phi", "ϕ"),
    ("pi", "π"), ("pm", "±"), ("pounds", "£"), ("prec", "≺"), ("preceq", "⪯"), ("prime", "′"),
    ("prod", "∏"), ("propto", "∝"), ("psi", "ψ"), ("quotedblbase", "„"), ("quotesinglbase", "‚"),
    ("rVert", "‖"), ("rangle", "⟩"), ("rbrace", "}"), ("rbrack", "]"), ("rceil", "⌉"), ("rfloor", "⌋"),
    ("rho", "ρ"), ("rightarrow", "→"), ("rightharpoonup", "⇀"), ("rightleftharpoons", "⇌"),
    ("rightsquigarrow", "⇝"), ("rvert", "|"), ("searrow", "↘"), ("setminus", "∖"), ("sharp", "♯"),
    ("sigma", "σ"), ("sim", "∼"), ("simeq", "≃"), ("sin", "sin"), ("sinh", "sinh"), ("spadesuit", "♠"),
    ("square", "□"), ("star", "⋆"), ("subset", "⊂"), ("subseteq", "⊆"), ("subsetneq", "⊊"), ("succ", "≻"),
    ("succeq", "⪰"), ("sum", "∑"), ("sup", "sup"), ("supset", "⊃"), ("supseteq", "⊇"), ("surd", "√"),
    ("tan", "tan"), ("tanh", "tanh"), ("tau", "τ"), ("textasciicircum", "^"), ("textasciitilde", "~"),
    ("textbackslash", "\\"), ("textbar", "|"), ("textbraceleft", "{"), ("textbraceright", "}"),
    ("textbullet", "•"), ("textcopyright", "©"), ("textdegree", "°"), ("textdollar", "$"),
    ("textellipsis", "…"), ("textemdash", "—"), ("textendash", "–"), ("texteuro", "€"),
    ("textgreater", ">"), ("textless", "<"), ("textmu", "µ"), ("textnumero", "№"), ("textonehalf", "½"),
    ("textperiodcentered", "·"), ("textpm", "±"), ("textquotedbl", "\""), ("textquotedblleft", "“"),
    ("textquotedblright", "”"), ("textquoteleft", "‘"), ("textquoteright", "’"), ("textquotesingle", "'"),
    ("textregistered", "®"), ("textsterling", "£"), ("texttimes", "×"), ("texttrademark", "™"),
    ("textunderscore", "_"), ("textwon", "₩"), ("textyen", "¥"), ("therefore", "∴"), ("theta", "θ"),
    ("times", "×"), ("to", "→"), ("top", "⊤"), ("triangle", "△"), ("triangleq", "≜"), ("uparrow", "↑"),
    ("updownarrow", "↕"), ("upsilon", "υ"), ("varepsilon", "ε"), ("varnothing", "∅"), ("varphi", "φ"),
    ("varpi", "ϖ"), ("varrho", "ϱ"), ("varsigma", "ς"), ("vartheta", "ϑ"), ("vdash", "⊢"), ("vdots", "⋮"),
    ("vee", "∨"), ("vert", "|"), ("wedge", "∧"), ("wp", "℘"), ("xi", "ξ"), ("xmark", "✗"), ("yen", "¥"),
    ("zeta", "ζ"),
];

/// Letters that ASCII lacks.
#[rustfmt::skip]
const LETTERS: [(&str, &str); 22] = [
    ("AA", "Å"), ("AE", "Æ"), ("DH", "Ð"), ("DJ", "Đ"), ("L", "Ł"), ("NG", "Ŋ"), ("O", "Ø"), ("OE", "Œ"),
    ("SS", "ẞ"), ("TH", "Þ"), ("aa", "å"), ("ae", "æ"), ("dh", "ð"), ("dj", "đ"), ("i", "ı"), ("j", "ȷ"),
    ("l", "ł"), ("ng", "ŋ"), ("o", "ø"), ("oe", "œ"), ("ss", "ß"), ("th", "þ"),
];

/// Commands of which only the argument is text.
#[rustfmt::skip]
const WRAPPERS: [&str; 37] = [
    "bm", "boldsymbol", "emph", "ensuremath", "hbox", "mathbf", "mathbin", "mathfrak", "mathit",
    "mathnormal", "mathop", "mathrel", "mathrm", "mathsf", "mathtt", "mbox", "nolinkurl", "operatorname",
    "overbrace", "path", "pmb", "text", "textbf", "textit", "textls", "textmd", "textnormal", "textrm",
    "textsc", "textsf", "textsl", "texttt", "textup", "uline", "underbrace", "underline", "url",
];

/// Commands that hold until their group ends.
#[rustfmt::skip]
const SWITCHES: [&str; 19] = [
    "bf", "bfseries", "em", "footnotesize", "it", "itshape", "large", "normalfont", "rm", "rmfamily", "sc",
    "scshape", "sf", "sffamily", "sl", "small", "tt", "ttfamily", "upshape",
];

/// Commands about size and place.
#[rustfmt::skip]
const DROPPED: [&str; 21] = [
    "Big", "Bigg", "Bigl", "Bigr", "big", "bigg", "biggl", "biggr", "bigl", "bigr", "displaystyle", "left",
    "limits", "mathstrut", "middle", "nolimits", "nonumber", "protect", "relax", "right", "textstyle",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_so_that_everything_is_found() {
        for table in [&SYMBOLS[..], &LETTERS] {
            assert!(table.is_sorted_by(|a, b| a.0 < b.0));
        }
        for names in [&WRAPPERS[..], &SWITCHES, &DROPPED] {
            assert!(names.is_sorted_by(|a, b| a < b));
        }
        assert_eq!(RAISED.chars().count() % 2 + LOWERED.chars().count() % 2, 0);
        assert_eq!(
            (symbol("beta"), letter("ss"), raised('9'), lowered('x')),
            (Some("β"), Some("ß"), Some('⁹'), Some('ₓ'))
        );
        assert_eq!((double_struck('R'), double_struck('B'), script('O')), (Some('ℝ'), Some('𝔹'), Some('𝒪')));
    }
}
