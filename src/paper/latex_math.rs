//! Formulas: where one begins and ends in prose, and how it is shown in one line.

use super::latex::{Close, Pass};
use super::latex_symbols as symbols;

/// A longer one is not inline.
const LONGEST: usize = 2_000;

/// Where a formula stands: its first byte behind the delimiter, that of the closing delimiter, one past that.
pub(super) struct Place {
    pub(super) begin: usize,
    pub(super) close: usize,
    pub(super) end: usize,
}

/// A group within a formula.
#[derive(Clone, Copy)]
pub(super) enum Formula {
    Raised,
    Lowered,
    Struck,
    Script,
    Hat(char),
    Numerator,
    Denominator,
    Root,
}

/// The formula whose delimiter (`$`, `$$`, `\(`, `\[`) stands at `at`, if it is one and not a price.
pub(super) fn formula_at(text: &str, at: usize) -> Option<Place> {
    let rest = text.get(at..)?;
    let (opening, closing) = if rest.starts_with("$$") {
        ("$$", "$$")
    } else if rest.starts_with('$') {
        ("$", "$")
    } else if rest.starts_with("\\(") {
        ("\\(", "\\)")
    } else {
        ("\\[", "\\]")
    };
    let begin = at + opening.len();
    let bytes = text.as_bytes();
    let mut close = begin;
    loop {
        let here = bytes.get(close..)?;
        if close - begin > LONGEST || here.is_empty() || here.starts_with(b"\n\n") {
            return None;
        }
        if here.starts_with(closing.as_bytes()) {
            break;
        }
        match here.first() {
            // Only as far as the next opening: looking on from each would be quadratic.
            Some(b'\\') if here.starts_with(opening.as_bytes()) => return None,
            Some(b'\\') => close += 2,
            Some(b'$') => return None,
            _ => close += 1,
        }
    }
    let end = close + closing.len();
    let inner = text.get(begin..close)?;
    let after = text.get(end..)?.chars().next().unwrap_or(' ');
    is_formula(inner, after, closing == "$").then_some(Place { begin, close, end })
}

/// Dollars are prices as well: between them must stand what nobody writes but in a formula.
fn is_formula(inner: &str, after: char, dollars: bool) -> bool {
    if inner.trim().is_empty() {
        return false;
    }
    if has_known_command(inner) {
        return true;
    }
    let spaced = inner.starts_with(char::is_whitespace) || inner.ends_with(char::is_whitespace);
    if (dollars && (spaced || after.is_ascii_digit())) || inner.contains('\\') {
        return false;
    }
    let operators = inner.contains(['=', '<', '>', '+', '^', '_', '|', '(']);
    let numeric = inner.starts_with(|c: char| c.is_ascii_digit());
    if (inner.contains(char::is_whitespace) && !operators) || inner.ends_with(['/', '-', ',', ':', ';', '.'])
    {
        return false;
    }
    !(numeric && !operators && after.is_alphanumeric()) && words_are_names(inner)
}

fn has_known_command(inner: &str) -> bool {
    inner.match_indices('\\').any(|(at, _)| {
        let rest = inner.get(at + 1..).unwrap_or_default();
        let length = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let name = rest.get(..length).unwrap_or_default();
        length > 0
            && (symbols::symbol(name).is_some()
                || symbols::is_wrapper(name)
                || symbols::is_dropped(name)
                || symbols::hat(name).is_some()
                || group(name).is_some())
    })
}

/// Names in formulas are short, but for those in braces.
fn words_are_names(inner: &str) -> bool {
    let mut run = String::new();
    let mut depth = 0usize;
    for c in inner.chars().chain([' ']) {
        if c.is_ascii_alphabetic() {
            run.push(c);
            continue;
        }
        let is_name =
            run.len() <= 2 || depth > 0 || (run.len() <= 6 && symbols::symbol(&run) == Some(run.as_str()));
        let foreign = c.is_alphabetic()
            && !matches!(c, '\u{370}'..='\u{3ff}' | '\u{1d00}'..='\u{1dbf}' | '\u{2070}'..='\u{214f}' | '\u{1d400}'..='\u{1d7ff}');
        if !is_name || foreign {
            return false;
        }
        run.clear();
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

/// The commands whose argument has rules of its own.
fn group(name: &str) -> Option<Formula> {
    Some(match name {
        "mathbb" | "mathds" | "Bbb" => Formula::Struck,
        "mathcal" | "mathscr" | "cal" => Formula::Script,
        "frac" | "dfrac" | "tfrac" | "nicefrac" | "cfrac" => Formula::Numerator,
        "sqrt" => Formula::Root,
        _ => Formula::Hat(symbols::hat(name)?),
    })
}

/// Shows what stands at the cursor.
pub(super) fn step(pass: &mut Pass<'_>, c: char) {
    match c {
        '\\' => command(pass),
        '^' => script(pass, true),
        '_' => script(pass, false),
        '{' => {
            let brace = pass.at;
            if !pass.enter(brace, Close::Nothing) {
                pass.keep(c);
            }
        }
        '~' | '&' => pass.say(" ", pass.at + 1),
        '\'' => pass.say("′", pass.at + 1),
        c => pass.keep(c),
    }
}

fn command(pass: &mut Pass<'_>) {
    let (name, end) = pass.command();
    let brace = if pass.byte(end) == b'*' { end + 1 } else { end };
    match name {
        "," | ";" | ":" | " " | ">" | "\\" | "\n" | "quad" | "qquad" => pass.say(" ", end),
        "!" | "/" | "-" => pass.at = end,
        "|" => pass.say("‖", end),
        "{" | "}" | "%" | "$" | "&" | "_" | "#" => pass.say(name, end),
        _ if group(name).is_some() => argument(pass, name, end),
        _ if symbols::is_wrapper(name) => {
            if !pass.enter(brace, Close::Nothing) {
                pass.at = end;
            }
        }
        _ if symbols::is_dropped(name) || symbols::is_switch(name) => {
            pass.at = end + usize::from(matches!(pass.byte(end), b'.' | b' '));
        }
        _ => match symbols::symbol(name).or_else(|| symbols::letter(name)) {
            Some(sign) => {
                let is_word = sign.len() > 1 && sign.is_ascii();
                if is_word && pass.out.ends_with(char::is_alphanumeric) {
                    pass.out.push(' ');
                }
                pass.say(sign, end);
                pass.skip_braces();
            }
            None => pass.keep_command(name, end),
        },
    }
}

/// The argument of a command of [`group`]: braces, or the next sign.
fn argument(pass: &mut Pass<'_>, name: &str, end: usize) {
    let Some(kind) = group(name) else { return };
    let mut at = end;
    if matches!(kind, Formula::Root) {
        pass.out.push('√');
        if pass.byte(at) == b'['
            && let Some(width) = pass.text.get(at..).and_then(|rest| rest.get(..rest.len().min(8))?.find(']'))
        {
            at += width + 1;
        }
    }
    while pass.byte(at) == b' ' {
        at += 1;
    }
    let from = pass.out.len();
    if pass.byte(at) == b'{' && pass.enter(at, Close::Formula(kind, from)) {
        return;
    }
    pass.at = at;
    let next = pass.next().filter(char::is_ascii_alphanumeric);
    match (kind, next) {
        (Formula::Numerator, Some(c)) => {
            pass.keep(c);
            pass.out.push('/');
        }
        (Formula::Numerator | Formula::Root, _) | (_, None) => {}
        (_, Some(c)) => {
            pass.keep(c);
            close(pass, kind, from);
        }
    }
}

/// What is raised or lowered: a group, a command, one sign.
fn script(pass: &mut Pass<'_>, up: bool) {
    let mark = if up { '^' } else { '_' };
    let (kind, shift) = if up {
        (Formula::Raised, symbols::raised as fn(char) -> Option<char>)
    } else {
        (Formula::Lowered, symbols::lowered as fn(char) -> Option<char>)
    };
    let from = pass.out.len();
    pass.at += 1;
    match pass.next() {
        Some('{') if pass.enter(pass.at, Close::Formula(kind, from)) => {}
        Some('\\') => {
            let (name, end) = pass.command();
            if symbols::is_wrapper(name) && pass.enter(end, Close::Formula(kind, from)) {
                return;
            }
            match symbols::symbol(name).and_then(|sign| sign.chars().next()).and_then(shift) {
                Some(sign) => {
                    pass.out.push(sign);
                    pass.at = end;
                    pass.skip_braces();
                }
                None => pass.out.push(mark),
            }
        }
        Some(c) if !matches!(c, '$' | '}' | '{') => match shift(c) {
            Some(sign) => pass.say(sign.encode_utf8(&mut [0; 4]), pass.at + c.len_utf8()),
            None => {
                pass.out.push(mark);
                pass.keep(c);
            }
        },
        _ => pass.out.push(mark),
    }
}

/// A group of a formula has been written from `from` on, and closes.
pub(super) fn close(pass: &mut Pass<'_>, kind: Formula, from: usize) {
    let inner = pass.out.split_off(from.min(pass.out.len()));
    let mapped = |map: fn(char) -> Option<char>| inner.chars().map(map).collect::<Option<String>>();
    let loose = inner.contains([' ', '+', '-', '/', '=', '·', '×']);
    let in_brackets = |needed: bool| if needed { format!("({inner})") } else { inner.clone() };
    let shown = match kind {
        Formula::Raised | Formula::Lowered => {
            let (mark, map) = match kind {
                Formula::Raised => ('^', symbols::raised as fn(char) -> Option<char>),
                _ => ('_', symbols::lowered as fn(char) -> Option<char>),
            };
            let is_word = inner.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !inner.is_empty();
            match mapped(map) {
                Some(shown) => shown,
                None if is_word => format!("{mark}{inner}"),
                None => format!("{mark}({inner})"),
            }
        }
        Formula::Struck => inner.chars().map(|c| symbols::double_struck(c).unwrap_or(c)).collect(),
        Formula::Script => inner.chars().map(|c| symbols::script(c).unwrap_or(c)).collect(),
        Formula::Hat(mark) if inner.chars().count() == 1 => format!("{inner}{mark}"),
        Formula::Hat(_) => inner,
        Formula::Numerator => {
            let brace = pass.at;
            let numerator = in_brackets(loose);
            pass.out.push_str(&numerator);
            pass.out.push('/');
            let from = pass.out.len();
            if pass.byte(brace) == b'{' {
                pass.enter(brace, Close::Formula(Formula::Denominator, from));
            }
            return;
        }
        Formula::Denominator => in_brackets(loose),
        Formula::Root => in_brackets(inner.chars().count() > 1),
    };
    pass.out.push_str(&shown);
}
