//! Little-endian reading that cannot leave its buffer: lengths come from files that anybody may have written, so
//! every read is checked and no number from a file is ever allocated before the bytes for it are seen.

/// A position in a buffer. The error is a sentence; the caller adds the file's name.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The next `length` bytes.
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let taken = self.at.checked_add(length).and_then(|end| self.bytes.get(self.at..end));
        let taken =
            taken.ok_or_else(|| format!("it ends at byte {} where {length} more were expected", self.at))?;
        self.at += length;
        Ok(taken)
    }

    /// As [`Cursor::take`], for a length that the file gave: too large for this machine is too large for the file.
    pub(super) fn take_u64(&mut self, length: u64) -> Result<&'a [u8], String> {
        self.take(usize::try_from(length).map_err(|_| format!("a length of {length} bytes"))?)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let taken = self.take(N)?;
        taken.try_into().map_err(|_| "a short read".to_owned())
    }

    pub(super) fn u8(&mut self) -> Result<u8, String> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, String> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, String> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, String> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn f32(&mut self) -> Result<f32, String> {
        self.array().map(f32::from_le_bytes)
    }

    pub(super) fn f64(&mut self) -> Result<f64, String> {
        self.array().map(f64::from_le_bytes)
    }

    /// An `i32` that counts something: not negative.
    pub(super) fn count(&mut self) -> Result<usize, String> {
        let value = self.array().map(i32::from_le_bytes)?;
        usize::try_from(value).map_err(|_| format!("a count of {value}"))
    }

    /// `count` numbers of four bytes.
    pub(super) fn words(&mut self, count: usize) -> Result<impl Iterator<Item = [u8; 4]> + 'a, String> {
        let taken = self.take(count.checked_mul(4).ok_or("a table longer than memory")?)?;
        Ok(taken.chunks_exact(4).map(|word| [word[0], word[1], word[2], word[3]]))
    }

    pub(super) fn text(&mut self, length: usize) -> Result<&'a str, String> {
        std::str::from_utf8(self.take(length)?).map_err(|error| format!("a name that is not UTF-8 ({error})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_leaves_the_buffer() {
        let mut cursor = Cursor::new(&[1, 0, 0, 0, 255, 255, 255, 255]);
        assert_eq!(cursor.u32(), Ok(1));
        assert!(cursor.take(usize::MAX).is_err());
        assert!(cursor.take_u64(u64::MAX).is_err());
        assert!(cursor.words(usize::MAX).is_err());
        assert!(cursor.count().is_err(), "-1 is no count");
        assert!(cursor.u8().is_err());
    }
}
