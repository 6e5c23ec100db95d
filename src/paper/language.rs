//! The language of a text: by script where the script decides, by trigram statistics where it does not.
//!
//! Commentary about papers mixes in English terms ("Shampoo와 Adam을 결합"), so letters are weighed: one
//! syllable or ideograph carries about as much as two and a half Latin letters, and a fifth of the weight
//! is enough to make a text Korean, Japanese or Chinese. An English abstract with one Chinese name stays English.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An ISO 639-1 code in lower case; `und` (ISO 639-2: undetermined) where nothing can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Language([u8; 3]);

impl Language {
    /// `ko`
    pub const KOREAN: Self = Self(*b"ko\0");
    /// `zh`
    pub const CHINESE: Self = Self(*b"zh\0");
    /// `ja`
    pub const JAPANESE: Self = Self(*b"ja\0");
    /// `en`
    pub const ENGLISH: Self = Self(*b"en\0");
    /// `und`
    pub const UNDETERMINED: Self = Self(*b"und");

    /// The code.
    #[must_use]
    pub fn code(&self) -> &str {
        let length = if self.0[2] == 0 { 2 } else { 3 };
        std::str::from_utf8(&self.0[..length]).unwrap_or("und")
    }

    /// Reads a code such as `ko`, `zh-Hans` or `EN`; `None` if it is not two or three letters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let primary = text.trim().split(['-', '_']).next()?.to_ascii_lowercase();
        let mut code = [0u8; 3];
        let fits = matches!(primary.len(), 2 | 3) && primary.bytes().all(|byte| byte.is_ascii_lowercase());
        fits.then(|| {
            code[..primary.len()].copy_from_slice(primary.as_bytes());
            Self(code)
        })
    }

    /// The language of `text`.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let letters = Letters::count(text);
        if letters.total() == 0.0 {
            return Self::UNDETERMINED;
        }
        let share = |weight: f32| weight / letters.total();
        if share(letters.hangul + letters.kana + letters.han) >= 0.2 {
            // Kana never stands in Chinese or Korean but as a quotation; Hangul never in Chinese or Japanese.
            return if letters.hangul >= letters.kana && letters.hangul >= 0.2 * letters.han {
                if letters.hangul > 0.0 { Self::KOREAN } else { Self::CHINESE }
            } else if letters.kana >= 0.1 * letters.han {
                Self::JAPANESE
            } else {
                Self::CHINESE
            };
        }
        Self::of_alphabetic(text, &letters)
    }

    fn of_alphabetic(text: &str, letters: &Letters) -> Self {
        // Statistics need text: "SOAP" or "Adam" are no evidence for Somali. Papers default to English.
        let latin = letters.latin >= 0.5 * letters.total();
        if latin && letters.latin < 24.0 {
            return Self::ENGLISH;
        }
        // The statistics cost more than all else that is done with a record; nearly all abstracts need none.
        if latin && is_plainly_english(text) {
            return Self::ENGLISH;
        }
        match whatlang::detect(text) {
            Some(guess) if guess.is_reliable() || !latin => Self::from_iso_639_3(guess.lang().code()),
            _ if latin => Self::ENGLISH,
            _ => Self::UNDETERMINED,
        }
    }

    fn from_iso_639_3(code: &str) -> Self {
        const TWO_LETTERS: [(&str, &str); 40] = [
            ("eng", "en"),
            ("deu", "de"),
            ("fra", "fr"),
            ("spa", "es"),
            ("por", "pt"),
            ("ita", "it"),
            ("nld", "nl"),
            ("rus", "ru"),
            ("ukr", "uk"),
            ("bel", "be"),
            ("bul", "bg"),
            ("srp", "sr"),
            ("mkd", "mk"),
            ("pol", "pl"),
            ("ces", "cs"),
            ("slk", "sk"),
            ("slv", "sl"),
            ("hrv", "hr"),
            ("ron", "ro"),
            ("hun", "hu"),
            ("swe", "sv"),
            ("dan", "da"),
            ("nob", "nb"),
            ("fin", "fi"),
            ("est", "et"),
            ("lav", "lv"),
            ("lit", "lt"),
            ("tur", "tr"),
            ("vie", "vi"),
            ("ind", "id"),
            ("ara", "ar"),
            ("pes", "fa"),
            ("heb", "he"),
            ("ell", "el"),
            ("hin", "hi"),
            ("ben", "bn"),
            ("tam", "ta"),
            ("tha", "th"),
            ("kat", "ka"),
            ("hye", "hy"),
        ];
        let short = TWO_LETTERS.iter().find(|(three, _)| *three == code).map_or(code, |(_, two)| two);
        Self::parse(short).unwrap_or(Self::UNDETERMINED)
    }
}

/// Whether an eighth of the first words are those that only English has, three kinds of them at least.
fn is_plainly_english(text: &str) -> bool {
    const FIRST: usize = 60;
    const ENGLISH: [&str; 14] =
        ["the", "of", "and", "to", "is", "that", "we", "with", "are", "this", "by", "which", "from", "our"];
    let (mut words, mut english, mut kinds) = (0_u32, 0_u32, 0_u16);
    for word in text.split_ascii_whitespace().take(FIRST) {
        words += 1;
        let word = word.trim_matches(|c: char| c.is_ascii_punctuation());
        if let Some(kind) = ENGLISH.iter().position(|known| known.eq_ignore_ascii_case(word)) {
            english += 1;
            kinds |= 1 << kind;
        }
    }
    // "of", "we" and "is" are Dutch as well; "the" is nobody else's.
    words >= 8 && english * 8 >= words && kinds.count_ones() >= 3 && kinds & 1 == 1
}

#[derive(Default)]
struct Letters {
    hangul: f32,
    kana: f32,
    han: f32,
    latin: f32,
    other: f32,
}

impl Letters {
    const CJK_WEIGHT: f32 = 2.5;

    fn count(text: &str) -> Self {
        let mut letters = Self::default();
        for c in text.chars().filter(|c| c.is_alphabetic()) {
            match u32::from(c) {
                0x1100..=0x11ff | 0x3130..=0x318f | 0xa960..=0xa97f | 0xac00..=0xd7ff => {
                    letters.hangul += Self::CJK_WEIGHT;
                }
                0x3040..=0x30ff | 0x31f0..=0x31ff | 0xff66..=0xff9f => letters.kana += Self::CJK_WEIGHT,
                0x2e80..=0x2fdf
                | 0x3005..=0x3007
                | 0x3400..=0x4dbf
                | 0x4e00..=0x9fff
                | 0xf900..=0xfaff
                | 0x20000..=0x3ffff => letters.han += Self::CJK_WEIGHT,
                0x41..=0x24f | 0x1e00..=0x1eff | 0xff21..=0xff5a => letters.latin += 1.0,
                _ => letters.other += 1.0,
            }
        }
        letters
    }

    fn total(&self) -> f32 {
        self.hangul + self.kana + self.han + self.latin + self.other
    }
}

impl Default for Language {
    fn default() -> Self {
        Self::UNDETERMINED
    }
}

impl fmt::Display for Language {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

impl TryFrom<String> for Language {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
            .ok_or_else(|| format!("'{text}' is no language code; use ISO 639-1, as in ko, zh, en"))
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.code().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_and_mixed_text() {
        for (text, want) in [
            ("Shampoo와 Adam을 결합한 옵티마이저", "ko"),
            (
                "MM1.5. MM1에 이어 Ablation이 꽤 상세하군요. Dynamic Splitting과 OCR 데이터의 효과를 봤습니다.",
                "ko",
            ),
            ("残差连接的替代方案", "zh"),
            ("多模态大型语言模型(MLLM)通过在大型语言模型(LLM)中集成视觉编码器", "zh"),
            ("モンテカルロ木探索で推論を学習する", "ja"),
            ("mixture of vision encoders", "en"),
            ("SOAP", "en"),
            (
                "We show that the loss of the model is bounded by that of the teacher, and that this holds for all of them.",
                "en",
            ),
            (
                "Wij laten zien dat het model is getraind met de data die we hebben, of dat dit in de praktijk zo is en blijft.",
                "nl",
            ),
            (
                "We thank 王小明 for the figures, and the reviewers for their careful reading of this paper.",
                "en",
            ),
            (
                "Wir untersuchen die Skalierung großer Sprachmodelle und zeigen, dass die Lernrate mit der Länge fällt.",
                "de",
            ),
            ("Мы изучаем масштабирование больших языковых моделей на длинных последовательностях.", "ru"),
            ("نحن ندرس النماذج اللغوية الكبيرة وتدريبها", "ar"),
            ("1706.03762 🦙", "und"),
            ("", "und"),
        ] {
            assert_eq!(Language::of(text).code(), want, "{text}");
        }
    }

    #[test]
    fn codes_are_folded() {
        assert_eq!(Language::parse("zh-Hans"), Some(Language::CHINESE));
        assert_eq!(Language::parse("Korean"), None);
    }
}
