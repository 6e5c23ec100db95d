//! Names of authors in the two orders in which sources give them: "Edward Hu", and "Hu, Edward" as BibTeX, RIS and
//! libraries sort them.
//!
//! Records of structured formats hold the natural order; exports turn it round again. Where an order cannot be known
//! (organisations, Chinese, Japanese and Korean names, one word) a name stays as it is written.

use super::single_line;

/// What stands behind a name and is no given name.
const SUFFIXES: [&str; 9] = ["jr", "jnr", "sr", "snr", "ii", "iii", "iv", "v", "esq"];
/// What stands behind a comma in the name of a company, or behind a person's as a degree.
const TITLES: [&str; 21] = [
    "inc",
    "ltd",
    "llc",
    "llp",
    "corp",
    "co",
    "gmbh",
    "ag",
    "sa",
    "bv",
    "plc",
    "pty",
    "kg",
    "limited",
    "incorporated",
    "phd",
    "md",
    "msc",
    "dr",
    "usa",
    "uk",
];
/// A name with one of these words is no person's.
const ORGANISATIONS: [&str; 30] = [
    "the",
    "workshop",
    "project",
    "initiative",
    "alliance",
    "society",
    "association",
    "company",
    "university",
    "universität",
    "université",
    "universidad",
    "institute",
    "institut",
    "laboratory",
    "laboratories",
    "lab",
    "labs",
    "team",
    "group",
    "collaboration",
    "consortium",
    "research",
    "department",
    "school",
    "college",
    "center",
    "centre",
    "foundation",
    "committee",
];
/// Words in lower case that belong to the family name behind them.
const PARTICLES: [&str; 24] = [
    "van", "von", "der", "den", "de", "del", "della", "di", "da", "das", "do", "dos", "du", "la", "le",
    "ten", "ter", "zu", "zur", "af", "av", "bin", "ibn", "al",
];

/// The name in natural order: "Hu, Edward" is "Edward Hu", "King, Jr., Martin Luther" is "Martin Luther King Jr.".
///
/// Without a comma it is untouched; in braces, as BibTeX protects organisations, it is what stands in them.
#[must_use]
pub fn natural_name(name: &str) -> String {
    let name = single_line(name);
    if let Some(inner) = braced(&name) {
        return single_line(inner);
    }
    let parts: Vec<&str> = name.split([',', '，']).map(str::trim).collect();
    natural_order(&parts).unwrap_or(name)
}

/// The same of a name that is split at its commas already; `None` where it is no person's in sorted order.
#[must_use]
pub fn natural_order(parts: &[&str]) -> Option<String> {
    let (family, given, suffix) = match *parts {
        [family, ""] | ["", family] => return Some(family.to_owned()),
        [family, given] => (family, given, ""),
        [family, suffix, given] | [family, given, suffix] if among(&SUFFIXES, suffix) => {
            (family, given, suffix)
        }
        _ => return None,
    };
    let organisation = family.split(' ').any(|word| among(&ORGANISATIONS, word));
    if family.is_empty()
        || given.is_empty()
        || organisation
        || among(&TITLES, given)
        || among(&SUFFIXES, given)
    {
        return None;
    }
    let joint = if suffix.is_empty() && is_cjk(family) && is_cjk(given) {
        return Some(format!("{family}{given}"));
    } else if suffix.is_empty() {
        ""
    } else {
        " "
    };
    Some(format!("{given} {family}{joint}{suffix}"))
}

/// The name as it is sorted, so that [`natural_name`] gives `name` back: "van Beethoven, Ludwig". A name whose order
/// cannot be known stays as it is, and one with a comma of its own is put in braces. The only one that does not come back is
/// a name of which a comma and unpaired braces are part; it is given as it is.
#[must_use]
pub fn family_first(name: &str) -> String {
    let comes_back = |candidate: &String| natural_name(candidate) == name;
    sorted(name)
        .filter(comes_back)
        .or_else(|| Some(name.to_owned()).filter(comes_back))
        .or_else(|| Some(format!("{{{name}}}")).filter(comes_back))
        .unwrap_or_else(|| name.to_owned())
}

/// Family name and given names (with the suffix behind the latter) of a person's name in natural order.
#[must_use]
pub fn family_and_given(name: &str) -> Option<(String, String, Option<String>)> {
    let mut words: Vec<&str> = name.split(' ').collect();
    let unknowable = name.contains([',', '，', '{', '}']) || name.chars().any(is_cjk_letter);
    if unknowable || words.iter().any(|word| among(&ORGANISATIONS, word) || among(&TITLES, word)) {
        return None;
    }
    let suffix = words.pop_if(|word| among(&SUFFIXES, word)).map(str::to_owned);
    let last = words.len().checked_sub(1).filter(|last| *last > 0)?;
    let particles = words
        .get(1..last)?
        .iter()
        .rev()
        .take_while(|word| PARTICLES.contains(&word.to_lowercase().as_str()))
        .count();
    let (given, family) = words.split_at_checked(last - particles)?;
    Some((family.join(" "), given.join(" "), suffix))
}

fn sorted(name: &str) -> Option<String> {
    let (family, given, suffix) = family_and_given(name)?;
    let suffix = suffix.map(|suffix| format!(", {suffix}")).unwrap_or_default();
    Some(format!("{family}, {given}{suffix}"))
}

/// What stands in the braces that hold all of `name`.
fn braced(name: &str) -> Option<&str> {
    let inner = name.strip_prefix('{')?.strip_suffix('}')?;
    let mut depth = 0usize;
    for byte in inner.bytes() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    (depth == 0).then_some(inner)
}

fn among(words: &[&str], word: &str) -> bool {
    let bare: String = word.chars().filter(|c| *c != '.').flat_map(char::to_lowercase).collect();
    words.contains(&bare.as_str())
}

fn is_cjk(name: &str) -> bool {
    name.chars().all(is_cjk_letter)
}

/// Han, kana, Hangul.
fn is_cjk_letter(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11ff}' | '\u{3005}'..='\u{30ff}' | '\u{3130}'..='\u{318f}' | '\u{3400}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_in_natural_order() {
        for (written, natural) in [
            ("Hu, Edward", "Edward Hu"),
            ("Hu,Edward J.", "Edward J. Hu"),
            ("King, Jr., Martin Luther", "Martin Luther King Jr."),
            ("King, Martin Luther, Jr.", "Martin Luther King Jr."),
            ("Beethoven, Ludwig van", "Ludwig van Beethoven"),
            ("van Beethoven, Ludwig", "Ludwig van Beethoven"),
            ("OpenAI, Inc.", "OpenAI, Inc."),
            ("University of California, Berkeley", "University of California, Berkeley"),
            ("Edward Hu", "Edward Hu"),
            ("王, 芳", "王芳"),
            ("王，芳", "王芳"),
            ("王 芳", "王 芳"),
            ("김, 민수", "김민수"),
            ("山田, 太郎", "山田太郎"),
            ("Üstün, Ahmet", "Ahmet Üstün"),
            ("{Hu, Edward}", "Hu, Edward"),
            ("{A} and {B}", "{A} and {B}"),
            ("Jane Doe, PhD", "Jane Doe, PhD"),
            ("Hu,", "Hu"),
            ("a, b, c, d", "a, b, c, d"),
            (",", ""),
            ("  ", ""),
        ] {
            assert_eq!(natural_name(written), natural, "{written}");
        }
    }

    #[test]
    fn names_as_they_are_sorted() {
        for (natural, sorted) in [
            ("Edward Hu", "Hu, Edward"),
            ("Ludwig van Beethoven", "van Beethoven, Ludwig"),
            ("Martin Luther King Jr.", "King, Martin Luther, Jr."),
            ("Plato", "Plato"),
            ("王芳", "王芳"),
            ("王 芳", "王 芳"),
            ("김민수", "김민수"),
            ("Gemma Team", "Gemma Team"),
            ("OpenAI, Inc.", "OpenAI, Inc."),
            ("Hu, Edward", "{Hu, Edward}"),
            ("{Hu}", "{{Hu}}"),
        ] {
            assert_eq!(family_first(natural), sorted, "{natural}");
            assert_eq!(natural_name(sorted), natural, "{sorted}");
        }
    }

    proptest! {
        #[test]
        fn every_name_comes_back(name in "([A-Za-z]{1,4}|van|Jr\\.|Inc\\.|王|芳|민수|and|,|，|[{}]|שם|🦙|é|[ .'-]){0,9}") {
            let name = single_line(&name);
            let unpaired = braced(&format!("{{{name}}}")).is_none();
            if !(unpaired && name.contains([',', '，'])) {
                prop_assert_eq!(natural_name(&family_first(&name)), name);
            }
        }
    }
}
