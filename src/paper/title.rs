//! Titles compared across sources: case, spaces, punctuation and LaTeX dress differ, the letters do not.

use unicode_normalization::UnicodeNormalization;

use super::unicode_of;

/// Lower-case letters and digits of a title, and nothing else: NFKC folds full-width forms and ligatures;
/// digits stay, so "Part 1" and "Part 2" stay apart. LaTeX counts as what it shows: `$\beta$-VAE` is "β-VAE". A title without any letter (an emoji) is kept as it is.
#[must_use]
pub fn normalised_title(title: &str) -> String {
    let title = unicode_of(title);
    let letters: String =
        title.nfkc().flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric()).nfc().collect();
    if letters.is_empty() { title.trim().to_owned() } else { letters }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dress_is_dropped_and_letters_are_kept() {
        assert_eq!(normalised_title("  Ｆｕｌｌ－width: “Title” "), "fullwidthtitle");
        assert_eq!(normalised_title("한국어 논문, 제2판"), "한국어논문제2판");
        assert_eq!(normalised_title("한국어"), normalised_title("한국어"));
        assert_eq!(normalised_title("🦙"), "🦙");
        assert_eq!(normalised_title(r"$\beta$-VAE"), normalised_title("β-VAE"));
        assert_eq!(
            normalised_title(r"$\mathbf{Q}^*$ and \textit{{GPT}-4}"),
            normalised_title("Q* and GPT-4")
        );
        assert_eq!(
            normalised_title(r#"G\"odel의 정리, {O}($n^2$) 알고리즘"#),
            normalised_title("Gödel의 정리, O(n²) 알고리즘")
        );
        assert_eq!(normalised_title("从 $5 到 $10"), "从5到10", "a price is no formula");
    }
}
