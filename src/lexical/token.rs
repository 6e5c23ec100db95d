//! Text to tokens: one way for papers and questions, so that what was typed is what was stored.
//!
//! Words of spaced scripts are words (English ones stemmed); Han, kana, Hangul and the scripts of South-East Asia are
//! pairs of characters. What people spell in many ways (GPT-4, GPT4, gpt 4) is its parts *and* all of it joined; parts
//! stand at positions of their own in every spelling, so that a phrase fits whichever was typed.

use std::collections::HashMap;

use rust_stemmers::{Algorithm, Stemmer};

use super::characters::{Character, Class, characters};

/// Bytes of the longest term; what is longer is cut, since nobody types it.
const LONGEST: usize = 100;
/// Changes between letters and digits up to which they are parts ("gpt4o"); with more it is a checksum.
const PIECES: usize = 4;
/// Parts up to which a compound is one term as well ("state-of-the-art").
const PARTS: usize = 8;

/// What a token is to a question and to a phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A word, or the only character of its run.
    Word,
    /// Two neighbouring characters of a script without spaces.
    Pair,
    /// The letter or digit of "o1" and "3D": part of phrases, and too little to ask for.
    Piece,
    /// Letters and digits with nothing between them: "gpt4" beside "gpt" and "4".
    Glued,
    /// Parts without what is between them: "gpt4" beside "gpt", "4" of "GPT-4".
    Joined,
    /// One character of a longer run: found by a question of one character.
    Character,
}

impl Role {
    /// Whether a question asks for it.
    pub(super) fn is_asked(self) -> bool {
        !matches!(self, Self::Piece | Self::Character)
    }

    /// Whether it is one of the steps of a phrase.
    pub(super) fn is_step(self) -> bool {
        matches!(self, Self::Word | Self::Pair | Self::Piece)
    }
}

/// A token: what is compared, and the bytes of the text it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) term: String,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) position: usize,
    pub(super) role: Role,
}

/// English stems, remembered: the words of papers are few, and finding a stem takes longer than all else here.
pub(super) struct Stems {
    stemmer: Stemmer,
    known: HashMap<String, String>,
}

impl Stems {
    /// How many are remembered before it is begun anew.
    const MOST: usize = 1 << 16;

    pub(super) fn new() -> Self {
        Self { stemmer: Stemmer::create(Algorithm::English), known: HashMap::new() }
    }

    pub(super) fn of(&mut self, word: &str) -> String {
        if let Some(stem) = self.known.get(word) {
            return stem.clone();
        }
        if self.known.len() >= Self::MOST {
            self.known.clear();
        }
        let stem = self.stemmer.stem(word).into_owned();
        self.known.insert(word.to_owned(), stem.clone());
        stem
    }
}

/// The tokens of `text`, by where they begin.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    tokens_with(text, &mut Stems::new())
}

/// [`tokens`] of one of many texts.
pub(super) fn tokens_with(text: &str, stems: &mut Stems) -> Vec<Token> {
    let characters = characters(text);
    let mut cutter = Cutter {
        characters: &characters,
        stems,
        tokens: Vec::with_capacity(text.len() / 5),
        at: 0,
        position: 0,
    };
    while let Some(character) = cutter.peek(0) {
        match character.class {
            Class::Other => cutter.at += 1,
            Class::Symbol => cutter.symbol(character),
            Class::Unspaced(_) => cutter.run(character.class),
            Class::Letter | Class::Digit => cutter.compound(),
        }
    }
    cutter.tokens
}

struct Cutter<'c> {
    characters: &'c [Character],
    stems: &'c mut Stems,
    tokens: Vec<Token>,
    at: usize,
    position: usize,
}

/// Text of characters in a row.
#[derive(Clone, Debug, Default)]
struct Piece {
    text: String,
    start: usize,
    end: usize,
}

impl Piece {
    fn of(characters: &[Character]) -> Self {
        Self {
            text: characters.iter().map(|character| character.letter).collect(),
            start: characters.first().map_or(0, |first| first.start),
            end: characters.last().map_or(0, |last| last.end),
        }
    }

    fn extend(&mut self, character: Character) {
        if self.text.is_empty() {
            self.start = character.start;
        }
        self.text.push(character.letter);
        self.end = character.end;
    }

    fn and(&self, next: &Self) -> Self {
        Self { text: format!("{}{}", self.text, next.text), start: self.start, end: next.end }
    }
}

impl Cutter<'_> {
    fn peek(&self, ahead: usize) -> Option<Character> {
        self.characters.get(self.at + ahead).copied()
    }

    fn is(&self, ahead: usize, letter: char) -> bool {
        self.peek(ahead).is_some_and(|character| character.letter == letter)
    }

    fn is_class(&self, ahead: usize, class: Class) -> bool {
        self.peek(ahead).is_some_and(|character| character.class == class)
    }

    fn is_word(&self, ahead: usize) -> bool {
        self.is_class(ahead, Class::Letter) || self.is_class(ahead, Class::Digit)
    }

    fn symbol(&mut self, character: Character) {
        let symbol = Piece::of(&[character]);
        self.push(&symbol, Role::Word, self.position);
        self.position += 1;
        self.at += 1;
    }

    /// A run of a script without spaces: its pairs, and its characters.
    fn run(&mut self, class: Class) {
        let rest = self.characters.get(self.at..).unwrap_or_default();
        let length = rest.iter().take_while(|character| character.class == class).count();
        let run = rest.get(..length).unwrap_or_default();
        for (step, character) in run.iter().enumerate() {
            if let Some(pair) = run.get(step..step + 2) {
                self.push(&Piece::of(pair), Role::Pair, self.position + step);
            }
            let role = if length == 1 { Role::Word } else { Role::Character };
            self.push(&Piece::of(&[*character]), role, self.position + step);
        }
        self.at += length;
        self.position += length;
    }

    /// Words held together by one hyphen, dot or the like each.
    fn compound(&mut self) {
        let first = self.tokens.len();
        self.digital_identifier();
        self.dotted_name();
        let mut groups: Vec<(Piece, usize)> = Vec::new();
        loop {
            let before = self.position;
            let group = self.group();
            groups.push((group, before));
            let joined = self.peek(0).is_some_and(|c| is_joiner(c.letter)) && self.is_word(1);
            if !joined {
                break;
            }
            if self.is(0, '\'') && self.is(1, 's') && !self.is_word(2) {
                self.at += 2;
                break;
            }
            self.at += 1;
        }
        let pairs = groups.iter().zip(groups.iter().skip(1));
        let mut joined: Vec<(Piece, usize)> =
            pairs.map(|((one, position), (two, _))| (one.and(two), *position)).collect();
        if (3..=PARTS).contains(&groups.len()) {
            let whole = groups.iter().skip(2).fold(joined.first().cloned(), |whole, (next, _)| {
                whole.map(|(whole, position)| (whole.and(next), position))
            });
            joined.extend(whole);
        }
        for (piece, position) in joined {
            self.push(&piece, Role::Joined, position);
        }
        if let Some(compound) = self.tokens.get_mut(first..) {
            compound.sort_by_key(|token| token.start);
        }
    }

    /// Letters and digits with nothing between them; gives the whole.
    fn group(&mut self) -> Piece {
        let mut pieces = Vec::new();
        loop {
            if self.is_class(0, Class::Letter) {
                pieces.push(self.letters());
            } else if self.is_class(0, Class::Digit) {
                pieces.push(self.number());
            } else {
                break;
            }
        }
        let whole = pieces.iter().fold(None, |whole: Option<Piece>, next| match whole {
            None => Some(next.clone()),
            Some(mut whole) => {
                whole.text.push_str(&next.text);
                whole.end = next.end;
                Some(whole)
            }
        });
        let whole = whole.unwrap_or_default();
        match pieces.as_slice() {
            [_] => self.word(&whole),
            pieces if pieces.len() > PIECES => self.word(&whole),
            pieces => {
                self.push(&whole, Role::Glued, self.position);
                for piece in pieces {
                    if piece.text.len() > 1 {
                        self.word(piece);
                    } else {
                        self.push(piece, Role::Piece, self.position);
                        self.position += 1;
                    }
                }
            }
        }
        whole
    }

    fn letters(&mut self) -> Piece {
        let mut letters = Piece::default();
        while let Some(character) = self.peek(0).filter(|character| character.class == Class::Letter) {
            letters.extend(character);
            self.at += 1;
        }
        // C++ is no C, and C# neither.
        let sign = if self.is(0, '+') && self.is(1, '+') {
            2
        } else {
            usize::from(self.is(0, '#') && letters.text.len() == 1 && !self.is_word(1))
        };
        for _ in 0..sign {
            if let Some(character) = self.peek(0) {
                letters.extend(character);
                self.at += 1;
            }
        }
        letters
    }

    /// Digits with their decimal points (3.5, 2408.15881) and without the commas of thousands.
    fn number(&mut self) -> Piece {
        let mut number = Piece::default();
        while let Some(character) = self.peek(0) {
            let thousands = character.letter == ','
                && (1..=3).all(|ahead| self.is_class(ahead, Class::Digit))
                && !self.is_class(4, Class::Digit);
            let point = character.letter == '.' && self.is_class(1, Class::Digit);
            if character.class == Class::Digit || point {
                number.extend(character);
            } else if !thousands {
                break;
            }
            self.at += 1;
        }
        number
    }

    /// A DOI is one term beside its parts.
    fn digital_identifier(&mut self) {
        let prefix = ['1', '0', '.'];
        if !prefix.iter().enumerate().all(|(ahead, letter)| self.is(ahead, *letter)) {
            return;
        }
        let rest = self.characters.get(self.at..).unwrap_or_default();
        let registrant = rest.iter().skip(3).take_while(|c| c.class == Class::Digit).count();
        let slash = 3 + registrant;
        if !(4..=9).contains(&registrant) || !self.is(slash, '/') {
            return;
        }
        let ends =
            |c: &Character| c.letter.is_whitespace() || matches!(c.letter, '"' | '<' | '>' | ',' | ';');
        let mut length = rest.iter().take(LONGEST + 1).take_while(|c| !ends(c)).count();
        while length > slash
            && rest.get(length - 1).is_some_and(|last| matches!(last.letter, '.' | ')' | ']'))
        {
            length -= 1;
        }
        let identifier = Piece::of(rest.get(..length).unwrap_or_default());
        if length > slash + 1 {
            self.push(&identifier, Role::Joined, self.position);
        }
    }

    /// ".NET" is one term beside "net".
    fn dotted_name(&mut self) {
        let before = |back: usize| self.at.checked_sub(back).and_then(|at| self.characters.get(at));
        let opens = before(2).is_none_or(|c| c.letter.is_whitespace() || c.letter == '(');
        let Some(dot) = before(1).filter(|dot| dot.letter == '.' && opens).copied() else { return };
        let rest = self.characters.get(self.at..).unwrap_or_default();
        let length = rest.iter().take(LONGEST).take_while(|c| c.class == Class::Letter).count();
        let mut name = Piece::of(&[dot]);
        rest.iter().take(length).for_each(|character| name.extend(*character));
        if length > 0 {
            self.push(&name, Role::Glued, self.position);
        }
    }

    /// A word at a position of its own, in several where it is longer than any word.
    fn word(&mut self, piece: &Piece) {
        if piece.text.len() <= LONGEST {
            self.push(piece, Role::Word, self.position);
            self.position += 1;
            return;
        }
        let mut part = Piece { text: String::new(), ..piece.clone() };
        for letter in piece.text.chars() {
            if part.text.len() + letter.len_utf8() > LONGEST {
                self.push(&part, Role::Word, self.position);
                self.position += 1;
                part.text.clear();
            }
            part.text.push(letter);
        }
        self.push(&part, Role::Word, self.position);
        self.position += 1;
    }

    fn push(&mut self, piece: &Piece, role: Role, position: usize) {
        if piece.text.is_empty() || piece.text.len() > LONGEST {
            return;
        }
        let english = piece.text.len() > 2 && piece.text.bytes().all(|byte| byte.is_ascii_lowercase());
        let term = if english { self.stems.of(&piece.text) } else { piece.text.clone() };
        self.tokens.push(Token { term, start: piece.start, end: piece.end, position, role });
    }
}

/// Holds two words together where no space is: "k-means", "snake_case", "e^2", "R&D", "don't", "torch.nn".
fn is_joiner(c: char) -> bool {
    matches!(c, '-' | '_' | '^' | '.' | '\'' | '&')
}
