//! English words for the words of a question in Korean, Chinese or Japanese: abstracts are English, and a model of this size does
//! not know that 환각, 幻觉 and 幻覚 are hallucinations.
//!
//! The tables are in `models/glossary` (where they come from, and their licences: `models/glossary/README.md`) and part of the
//! binary: dictionaries, and terms of research that these lack or give other senses first (强化学习 is two words of English). A word means several English words, each to a share; they count as one word together (Pirkola 1998, "The Effects of
//! Query Structure and Dictionary Setups in Dictionary-Based Cross-Language Information Retrieval"; with shares, Darwish and Oard 2003),
//! so that a word of many meanings does not outvote one that is clear.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use super::characters::{Class, Script, characters};
use super::token::Stems;

/// Words of a question that are looked up.
const MOST: usize = 256;
/// Characters of the longest word that is looked up.
const LONGEST: usize = 12;
/// What the shares of a word's meanings add up to.
const ALL: f32 = 15.0;
/// Of a table, unpacked.
const LARGEST: usize = 64 << 20;

static KOREAN: LazyLock<Dictionary> =
    LazyLock::new(|| Dictionary::of(include_bytes!("../../models/glossary/ko.tsv.zst"), 0));
static CHINESE: LazyLock<Dictionary> =
    LazyLock::new(|| Dictionary::of(include_bytes!("../../models/glossary/zh.tsv.zst"), 1));
static JAPANESE: LazyLock<Dictionary> =
    LazyLock::new(|| Dictionary::of(include_bytes!("../../models/glossary/ja.tsv.zst"), 2));

/// A language's words.
struct Dictionary {
    table: Table,
    /// By spelling: a gloss for each English word of a term.
    terms: HashMap<&'static str, Vec<String>>,
}

impl Dictionary {
    /// `column`: of the language's spellings, behind the English.
    fn of(packed: &[u8], column: usize) -> Self {
        let table = Table::unpacked(packed);
        let mut senses: HashMap<&'static str, Vec<&'static str>> = HashMap::new();
        for line in include_str!("../../models/glossary/research.tsv").lines() {
            let mut cells = line.split('\t');
            let (Some(english), Some(spellings)) = (cells.next(), cells.nth(column)) else { continue };
            for spelling in spellings.split(',').filter(|spelling| !spelling.is_empty()) {
                senses.entry(spelling).or_default().push(english);
            }
        }
        let terms = senses.into_iter().map(|(spelling, senses)| {
            let term = senses.iter().find(|english| english.contains(' '));
            let glosses = match term {
                Some(words) => words.split(' ').map(|word| shared(&[word], None)).collect(),
                None => vec![shared(&senses, table.meanings(spelling))],
            };
            (spelling, glosses)
        });
        Self { terms: terms.collect(), table }
    }

    /// A gloss for each English word that `word` stands for.
    fn glosses(&self, word: &str) -> Option<Vec<&str>> {
        let term = self.terms.get(word).map(|glosses| glosses.iter().map(String::as_str).collect());
        term.or_else(|| Some(vec![self.table.meanings(word)?]))
    }
}

/// A line's meanings: of `senses`, each of words joined by slashes, all to the same share; those of a dictionary are half of it.
fn shared(senses: &[&str], dictionary: Option<&str>) -> String {
    let words: Vec<&str> = senses.iter().flat_map(|sense| sense.split('/')).collect();
    let whole = if dictionary.is_some() { ALL / 2.0 } else { ALL };
    let mut line: Vec<String> =
        words.iter().map(|word| format!("{word} {}", whole / words.len() as f32)).collect();
    let mut known = dictionary.unwrap_or_default().split(' ');
    while let (Some(word), Some(share)) = (known.next(), known.next()) {
        line.push(format!("{word} {}", share.parse::<f32>().unwrap_or_default() / 2.0));
    }
    line.join(" ")
}

/// Words in order, each a line: the word, a tab, and English words each with a share of 15.
struct Table {
    text: String,
    lines: Vec<u32>,
}

impl Table {
    fn unpacked(packed: &[u8]) -> Self {
        let bytes = zstd::bulk::decompress(packed, LARGEST).unwrap_or_default();
        Self::of(String::from_utf8(bytes).unwrap_or_default())
    }

    fn of(text: String) -> Self {
        let mut lines = vec![0];
        lines.extend(text.match_indices('\n').filter_map(|(at, _)| u32::try_from(at + 1).ok()));
        lines.pop();
        Self { text, lines }
    }

    fn line(&self, start: u32) -> Option<(&str, &str)> {
        self.text.get(start as usize..)?.lines().next()?.split_once('\t')
    }

    fn meanings(&self, word: &str) -> Option<&str> {
        let found = self.lines.binary_search_by(|start| {
            self.line(*start)
                .map_or(std::cmp::Ordering::Less, |(known, _)| known.as_bytes().cmp(word.as_bytes()))
        });
        self.line(*self.lines.get(found.ok()?)?).map(|(_, meanings)| meanings)
    }
}

/// A word of a question, and what it is in English.
#[derive(Clone, Debug, PartialEq)]
pub struct Gloss {
    /// Bytes of the question.
    pub span: Range<usize>,
    /// Terms, and to what share the word means them; their sum is about one.
    pub(super) meanings: Vec<(String, f32)>,
}

/// The words of a question in English.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Glosses {
    pub(super) words: Vec<Gloss>,
    /// Words that no table has, of a script that the tables are for.
    pub(super) unknown: usize,
}

impl Glosses {
    /// Of a question in any language; of scripts other than Hangul, Han and kana nothing.
    #[must_use]
    pub fn of(question: &str) -> Self {
        let characters = characters(question);
        let is_kana = |letter: char| matches!(letter, 'ぁ'..='ヺ');
        let is_japanese = characters.iter().any(|character| is_kana(character.letter));
        let mut read = Self::default();
        let mut stems = Stems::new();
        let mut at = 0;
        while let Some(first) = characters.get(at) {
            let length = characters[at..].iter().take_while(|c| c.class == first.class).count();
            let run = &characters[at..at + length];
            at += length;
            let (dictionary, endings): (&Dictionary, bool) = match first.class {
                Class::Unspaced(Script::Hangul) => (&KOREAN, true),
                Class::Unspaced(Script::Han) if is_japanese => (&JAPANESE, false),
                Class::Unspaced(Script::Han) => (&CHINESE, false),
                _ => continue,
            };
            // One character of a longer run is a particle, or a part of a word that is not known.
            let shortest = run.len().min(2);
            let mut begin = 0;
            while begin < run.len() && read.words.len() < MOST {
                let longest = (shortest..=LONGEST.min(run.len() - begin)).rev().find_map(|length| {
                    let piece = &run[begin..begin + length];
                    let word: String = piece.iter().map(|character| character.letter).collect();
                    let glosses = dictionary.glosses(&word)?;
                    Some((length, piece[0].start..piece[length - 1].end, glosses))
                });
                match longest {
                    Some((length, span, glosses)) => {
                        for meanings in glosses {
                            read.add(span.clone(), meanings, &mut stems);
                        }
                        begin += length;
                    }
                    // Behind a word of Korean come its endings; where none begins it, all of it is unknown.
                    None if endings => {
                        read.unknown += usize::from(begin == 0);
                        break;
                    }
                    None => {
                        // Kana between words are endings and particles.
                        read.unknown += usize::from(!is_kana(run[begin].letter) && begin == 0);
                        begin += 1;
                    }
                }
            }
        }
        read
    }

    fn add(&mut self, span: Range<usize>, meanings: &str, stems: &mut Stems) {
        let mut words = meanings.split(' ');
        let mut terms: Vec<(String, f32)> = Vec::new();
        while let (Some(word), Some(share)) = (words.next(), words.next()) {
            let share = share.parse::<f32>().unwrap_or_default() / ALL;
            let term = stems.of(word);
            match terms.iter_mut().find(|(known, _)| *known == term) {
                Some((_, known)) => *known += share,
                None => terms.push((term, share)),
            }
        }
        if self.words.iter().all(|known| known.meanings != terms) {
            self.words.push(Gloss { span, meanings: terms });
        }
    }

    /// Whether nothing of the question is known in English.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_research_in_three_languages() {
        for (question, expected) in [
            ("환각을 줄이는 방법", &[("환각", "hallucin"), ("줄이", "reduc"), ("방법", "method")][..]),
            ("확산 모델의 양자화", &[("확산", "diffus"), ("양자화", "quantiz")]),
            ("幻觉", &[("幻觉", "hallucin")]),
            ("优化器", &[("优化器", "optim")]),
            ("量子化と知識の蒸留", &[("量子化", "quantiz"), ("知識", "knowledg"), ("蒸留", "distil")]),
            ("ロボット", &[("ロボット", "robot")]),
            (
                "강화학습을 위한 어텐션",
                &[("강화학습", "reinforc"), ("강화학습", "learn"), ("어텐션", "attent")],
            ),
            ("低秩适配的学习率", &[("低秩适配", "rank"), ("低秩适配", "adapt"), ("学习率", "rate")]),
            ("長文脈のファインチューニング", &[("長文脈", "context"), ("ファインチューニング", "tune")]),
            // Other senses stay beside those of research.
            ("전문가 혼합", &[("전문가", "expert"), ("혼합", "mixtur"), ("혼합", "mix")]),
        ] {
            let found = Glosses::of(question);
            for (word, term) in expected {
                let stands = found.words.iter().any(|gloss| {
                    &question[gloss.span.clone()] == *word
                        && gloss.meanings.iter().any(|(meant, _)| meant.starts_with(term))
                });
                assert!(stands, "{question}: {word} {term}: {found:?}");
            }
        }
    }

    #[test]
    fn other_scripts_and_hostile_text_give_nothing() {
        for nothing in ["", "hallucination", "ﷺ שלום 🦙 \u{0}", "ㅋㅋㅋ", "\\frac{1}{2}"] {
            assert!(Glosses::of(nothing).is_empty(), "{nothing}");
        }
        assert_eq!(Glosses::of("GPT 환각").words.len(), 1);
        let begun = std::time::Instant::now();
        let long = Glosses::of(&"환각확산양자화 幻觉的量化".repeat(20_000));
        assert!(long.words.len() <= MOST && begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    }

    #[test]
    fn every_line_of_the_tables_is_found_and_shares_are_shares() {
        for Dictionary { table, .. } in [&*KOREAN, &*CHINESE, &*JAPANESE] {
            assert!(table.lines.len() > 10_000);
            for start in &table.lines {
                let (word, meanings) = table.line(*start).unwrap();
                assert_eq!(table.meanings(word), Some(meanings));
                let shares = meanings.split(' ').skip(1).step_by(2).map(|share| share.parse::<u8>().unwrap());
                assert!(shares.map(u32::from).sum::<u32>() <= 20, "{word} {meanings}");
            }
            assert_eq!(table.meanings("no such word"), None);
        }
    }
}
