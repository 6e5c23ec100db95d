//! The stream under the XML parser: counts bytes and lines, stops a token before it fills the memory, and reads Latin-1
//! where the text declares it (the parser knows UTF-8 only).

use std::io::{BufRead, Error, Read, Result};

use super::super::{LONGEST_LINE, Stream};

/// What Windows put where Latin-1 has control characters; texts that declare the one are written in the other.
const WINDOWS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The bounded stream.
pub(super) struct Bounds {
    stream: Stream,
    /// Decoded text, where the stream is not read as it is.
    decoded: Option<Vec<u8>>,
    taken: usize,
    begun: bool,
    /// Bytes of the file.
    pub bytes: u64,
    /// The line that is being read, from 1.
    pub line: usize,
    token: usize,
}

impl Bounds {
    pub fn new(stream: Stream) -> Self {
        Self { stream, decoded: None, taken: 0, begun: false, bytes: 0, line: 1, token: 0 }
    }

    /// The next token begins.
    pub fn next_token(&mut self) {
        self.token = 0;
    }

    /// Whether the token was too long: the parser lost its way in it.
    pub fn is_over(&self) -> bool {
        self.token > LONGEST_LINE
    }

    /// Whether nothing follows.
    pub fn is_at_end(&mut self) -> bool {
        self.fill_buf().is_ok_and(<[u8]>::is_empty)
    }

    /// Reads past `</name`, or the end; `false` at the end.
    pub fn skip_past_end_of(&mut self, name: &str) -> Result<bool> {
        let end = format!("</{name}");
        let end = end.as_bytes();
        let mut matched = 0;
        loop {
            self.token = 0;
            let chunk = self.fill_buf()?;
            if chunk.is_empty() {
                return Ok(false);
            }
            let mut used = 0;
            for byte in chunk {
                used += 1;
                // '<' stands only at the head of what we look for.
                matched = match byte {
                    byte if end.get(matched) == Some(byte) => matched + 1,
                    b'<' => 1,
                    _ => 0,
                };
                if matched == end.len() {
                    break;
                }
            }
            self.consume(used);
            if matched == end.len() {
                return Ok(true);
            }
        }
    }

    /// Declared Latin-1 is believed unless the head is sound UTF-8 with more than ASCII in it.
    fn begin(&mut self) -> Result<()> {
        self.begun = true;
        let head = self.stream.fill_buf()?;
        let line = head.get(..200).unwrap_or(head).to_ascii_lowercase();
        let declares = |name: &[u8]| line.windows(name.len()).any(|window| window == name);
        let latin = line.starts_with(b"<?xml")
            && [b"iso-8859-1".as_slice(), b"latin1", b"windows-1252", b"cp1252"].into_iter().any(declares);
        let utf8 = std::str::from_utf8(head).map_or_else(|error| error.error_len().is_none(), |_| true);
        if latin && (head.is_ascii() || !utf8) {
            self.decoded = Some(Vec::new());
        }
        Ok(())
    }
}

impl Read for Bounds {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Bounds {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        if self.token > LONGEST_LINE {
            return Err(Error::other("a token without end"));
        }
        if !self.begun {
            self.begin()?;
        }
        let Some(decoded) = &mut self.decoded else { return self.stream.fill_buf() };
        if self.taken == decoded.len() {
            (self.taken, *decoded) = (0, Vec::new());
            let chunk = self.stream.fill_buf()?;
            let decode = |byte: &u8| match byte {
                0x80..=0x9f => WINDOWS.get(usize::from(byte - 0x80)).copied().unwrap_or_default(),
                byte => char::from(*byte),
            };
            let text: String = chunk.iter().map(decode).collect();
            let used = chunk.len();
            self.stream.consume(used);
            self.bytes += used as u64;
            *decoded = text.into_bytes();
        }
        Ok(decoded.get(self.taken..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        let lines = |chunk: &[u8]| {
            chunk.get(..amount).unwrap_or_default().iter().filter(|byte| **byte == b'\n').count()
        };
        self.token += amount;
        match &self.decoded {
            Some(decoded) => {
                self.line += lines(decoded.get(self.taken..).unwrap_or_default());
                self.taken += amount;
            }
            None => {
                // The buffer is filled: this reads nothing.
                self.line += self.stream.fill_buf().map(lines).unwrap_or_default();
                self.stream.consume(amount);
                self.bytes += amount as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(bytes: &[u8]) -> String {
        let mut bounds = Bounds::new(Box::new(std::io::Cursor::new(bytes.to_vec())));
        let mut text = String::new();
        bounds.read_to_string(&mut text).unwrap();
        assert_eq!(bounds.bytes, bytes.len() as u64);
        text
    }

    #[test]
    fn declared_latin_is_read_and_wrongly_declared_utf8_too() {
        let head = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>";
        let latin = [head.as_bytes(), b"<a>caf\xe9 \x96 x</a>"].concat();
        assert_eq!(text_of(&latin), format!("{head}<a>café – x</a>"));
        let utf8 = format!("{head}<a>논문</a>");
        assert_eq!(text_of(utf8.as_bytes()), utf8);
    }

    #[test]
    fn skipping_finds_the_end_across_chunks() {
        let text = "x</ite</item></item >rest";
        let stream = std::io::BufReader::with_capacity(3, std::io::Cursor::new(text.as_bytes().to_vec()));
        let mut bounds = Bounds::new(Box::new(stream));
        assert!(bounds.skip_past_end_of("item").unwrap());
        let mut rest = String::new();
        bounds.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "></item >rest");
        assert!(!bounds.skip_past_end_of("item").unwrap());
    }
}
