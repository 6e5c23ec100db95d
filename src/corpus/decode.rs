//! Bytes to text: UTF-8 with or without its mark, UTF-16 with its mark, and a clear refusal of everything else.
//!
//! We do not guess legacy encodings: a wrong guess stores garbage that looks like text for ever. The refusal names
//! the first bad line and the command that helps. Line ends come out as `\n`, characters composed (NFC).

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::{ErrorKind, RecordError};

/// How much of a file is looked at to tell text from binary.
pub(super) const HEAD: usize = 8 << 10;

const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";
const LITTLE_ENDIAN_MARK: &[u8] = b"\xff\xfe";
const BIG_ENDIAN_MARK: &[u8] = b"\xfe\xff";

/// What well-known binary files begin with; one NUL byte condemns the rest.
const SIGNATURES: [(&[u8], &str); 10] = [
    (b"%PDF", "a PDF; save its text, or write a note about it"),
    // One level is unpacked before we look.
    (b"PK\x03\x04", "a zip archive or office document (packed twice, or sent packed); unpack it"),
    (b"\x1f\x8b", "gzip-compressed (packed twice, or sent packed); unpack it with gunzip"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed (packed twice, or sent packed); unpack it"),
    (b"\xfd7zXZ\0", "xz-compressed (packed twice, or sent packed); unpack it"),
    (b"BZh", "bzip2-compressed; unpack it with bunzip2"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"{\\rtf", "rich text (RTF); save it as plain text"),
];

/// The text of `bytes`.
pub(super) fn decode(file: &str, bytes: &[u8]) -> Result<String, RecordError> {
    if let Some(rest) = bytes.strip_prefix(LITTLE_ENDIAN_MARK) {
        return utf16(file, rest, u16::from_le_bytes);
    }
    if let Some(rest) = bytes.strip_prefix(BIG_ENDIAN_MARK) {
        return utf16(file, rest, u16::from_be_bytes);
    }
    refuse_binary(file, bytes)?;
    let stated = stated_charset(bytes);
    if let Some(charset) =
        stated.as_deref().filter(|charset| SEVEN_BIT.iter().any(|known| charset.starts_with(known)))
    {
        return Err(RecordError::new(ErrorKind::Unreadable, file, 1, convert(charset)));
    }
    let bytes = bytes.strip_prefix(UTF8_MARK).unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(settled(text)),
        Err(error) => {
            let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let mut refusal = not_utf8(file, 1 + count_lines(good), &error);
            if let Some(charset) = stated.filter(|charset| charset != "UTF-8") {
                refusal.why = convert(&charset);
            }
            Err(refusal)
        }
    }
}

/// Encodings that pass for ASCII: only the page itself can tell.
const SEVEN_BIT: [&str; 3] = ["ISO-2022-", "HZ", "UTF-7"];

/// The charset that a web page states, in capitals. A page that states another one and is sound UTF-8 all the same
/// was converted when it was saved.
fn stated_charset(bytes: &[u8]) -> Option<String> {
    let head = bytes.get(..HEAD).unwrap_or(bytes).to_ascii_uppercase();
    if !head.trim_ascii_start().starts_with(b"<") {
        return None;
    }
    let at = head.windows(8).position(|window| window == b"CHARSET=")? + 8;
    let value = head.get(at..)?;
    let value = value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value);
    let end = value.iter().position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')));
    let name = String::from_utf8_lossy(value.get(..end?.min(40))?).into_owned();
    (!name.is_empty()).then_some(name)
}

fn convert(charset: &str) -> String {
    format!(
        "in the encoding {charset}, not UTF-8; convert it first, as in: iconv -f {charset} -t UTF-8 OLD > NEW"
    )
}

/// Refuses what is no text at all, by its first bytes.
pub(super) fn refuse_binary(file: &str, bytes: &[u8]) -> Result<(), RecordError> {
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    let refuse = |what: &str| {
        Err(RecordError::new(ErrorKind::Unreadable, file, 1, format!("this is no text: {what}")))
    };
    if let Some((_, what)) = SIGNATURES.iter().find(|(signature, _)| head.starts_with(signature)) {
        return refuse(what);
    }
    if head.get(257..262) == Some(b"ustar") {
        return refuse("a tar archive; unpack it with tar -x, or pack the files as zip");
    }
    if has_wide_mark(head) || !head.contains(&0) {
        return Ok(());
    }
    let zeros = head.iter().filter(|byte| **byte == 0).count();
    if zeros * 3 >= head.len() {
        return refuse("binary, or UTF-16 without its byte order mark; save it as UTF-8");
    }
    refuse("binary (it holds NUL bytes)")
}

/// Whether the file declares itself UTF-16.
pub(super) fn has_wide_mark(head: &[u8]) -> bool {
    head.starts_with(LITTLE_ENDIAN_MARK) || head.starts_with(BIG_ENDIAN_MARK)
}

/// What is said of text in another encoding.
pub(super) const NOT_UTF8: &str = "not UTF-8; if the file is in EUC-KR, GBK, Shift_JIS or Latin-1, convert it first, \
    as in: iconv -f EUC-KR -t UTF-8 OLD > NEW";

/// The error for a line that is not UTF-8.
pub(super) fn not_utf8(file: &str, line: usize, error: &std::str::Utf8Error) -> RecordError {
    let why = if error.error_len().is_none() {
        "the text ends in the middle of a character: the file was cut off; fetch or save it again".to_owned()
    } else {
        NOT_UTF8.to_owned()
    };
    RecordError::new(ErrorKind::Unreadable, file, line, why)
}

fn utf16(file: &str, bytes: &[u8], read: fn([u8; 2]) -> u16) -> Result<String, RecordError> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(bytes.len());
    for unit in char::decode_utf16(pairs.iter().map(|pair| read(*pair))) {
        match unit {
            Ok(c) => text.push(c),
            Err(_) => return Err(bad_utf16(file, &text)),
        }
    }
    if rest.is_empty() { Ok(settled(&text)) } else { Err(bad_utf16(file, &text)) }
}

fn bad_utf16(file: &str, good: &str) -> RecordError {
    let why = "broken UTF-16: the file was cut off or damaged; save it again as UTF-8";
    RecordError::new(ErrorKind::Unreadable, file, 1 + count_lines(good.as_bytes()), why)
}

fn count_lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

/// Line ends as `\n`, and composed characters: "년" as macOS spells it would be no date.
fn settled(text: &str) -> String {
    let text =
        if is_nfc_quick(text.chars()) == IsNormalized::Yes { text.to_owned() } else { text.nfc().collect() };
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str, mark: &[u8], write: fn(u16) -> [u8; 2]) -> Vec<u8> {
        mark.iter().copied().chain(text.encode_utf16().flat_map(write)).collect()
    }

    #[test]
    fn marked_encodings_and_line_ends_are_read() {
        let text = "2024년\n🦙 논문";
        assert_eq!(decode("a", "\u{feff}2024년\r\n🦙 논문".as_bytes()).unwrap(), text);
        assert_eq!(decode("a", "2024년\r🦙 논문".as_bytes()).unwrap(), text);
        assert_eq!(decode("a", text.nfd().collect::<String>().as_bytes()).unwrap(), text);
        assert_eq!(decode("a", &wide(text, b"\xff\xfe", u16::to_le_bytes)).unwrap(), text);
        assert_eq!(decode("a", &wide(text, b"\xfe\xff", u16::to_be_bytes)).unwrap(), text);
    }

    #[test]
    fn other_encodings_are_refused_with_the_first_bad_line_and_a_remedy() {
        // "한글" in EUC-KR, "é" in Latin-1, a character cut in half, half of a UTF-16 pair.
        for (bytes, line, says) in [
            (b"title\n\xc7\xd1\xb1\xdb\n".as_slice(), 2, "iconv"),
            (b"a\nb\ncaf\xe9 au lait", 3, "iconv"),
            (b"ok\n\xed\x95", 2, "cut off"),
            (b"\xff\xfea\0\n\0b", 2, "UTF-16"),
            (b"\xff\xfe\x00\xd8a\0", 1, "UTF-16"),
            (b"%PDF-1.7\n", 1, "PDF"),
            (b"a\0b\0c\0d\0", 1, "UTF-16"),
            (b"plain at first, then \0 and more text", 1, "binary"),
        ] {
            let error = decode("notes/a.md", bytes).unwrap_err();
            assert_eq!((error.line, error.kind), (line, ErrorKind::Unreadable), "{error}");
            assert!(error.to_string().contains(says) && error.file == "notes/a.md", "{error}");
        }
    }
}
