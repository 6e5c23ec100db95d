//! The state of a page is its address, nothing else: it can be shared, bookmarked and gone back to. Here addresses are read and made.

use form_urlencoded::Serializer;

use super::super::options::{FILTERS, Pairs};

/// `path` with the parameters `pairs`.
pub(super) fn address<K: AsRef<str>, V: AsRef<str>>(
    path: &str,
    pairs: impl IntoIterator<Item = (K, V)>,
) -> String {
    let mut query = Serializer::new(String::new());
    query.extend_pairs(pairs);
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// What an address says.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    path: &'static str,
    pairs: Pairs,
}

/// How much of a list is shown: nobody who changes the question means that part.
const PART: [&str; 2] = ["limit", "offset"];

impl Said {
    pub(super) fn new(path: &'static str, pairs: Pairs) -> Self {
        Self { path, pairs }
    }

    /// All pairs.
    pub(super) fn pairs(&self) -> &Pairs {
        &self.pairs
    }

    /// The first value of a parameter, if it says anything.
    pub(super) fn first(&self, name: &str) -> Option<&str> {
        let (_, value) = self.pairs.iter().find(|(own, value)| own == name && !value.is_empty())?;
        Some(value)
    }

    /// All values of a parameter.
    pub(super) fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        self.pairs.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Whether it is said.
    pub(super) fn has(&self, name: &str, value: &str) -> bool {
        self.all(name).any(|own| own == value)
    }

    fn to(&self, path: &str, keep: impl Fn(&str, &str) -> bool, more: Option<(&str, &str)>) -> String {
        let kept = self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let kept =
            kept.filter(|(name, value)| !PART.contains(name) && !value.is_empty() && keep(name, value));
        address(path, kept.chain(more))
    }

    /// The address of the same with one value more.
    pub(super) fn with(&self, name: &str, value: &str) -> String {
        self.to(self.path, |own, its| (own, its) != (name, value), Some((name, value)))
    }

    /// Without that value.
    pub(super) fn without(&self, name: &str, value: &str) -> String {
        self.to(self.path, |own, its| (own, its) != (name, value), None)
    }

    /// With that value instead of any other; `None`: with none.
    pub(super) fn set(&self, name: &str, value: Option<&str>) -> String {
        self.to(self.path, |own, _| own != name, value.map(|value| (name, value)))
    }

    /// Of the same only what these parameters say.
    pub(super) fn only(&self, names: &[&str]) -> String {
        self.to(self.path, |own, _| names.contains(&own), None)
    }

    /// The filters among the pairs.
    pub(super) fn filters(&self) -> Pairs {
        let is_filter =
            |(name, value): &&(String, String)| FILTERS.contains(&name.as_str()) && !value.is_empty();
        self.pairs.iter().filter(is_filter).cloned().collect()
    }

    /// The same, asked elsewhere.
    pub(super) fn at(&self, path: &str) -> String {
        self.to(path, |_, _| true, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_anything_and_changes_one_thing_at_a_time() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let pairs = vec![pair("q", "논 &\"<"), pair("tag", "a"), pair("tag", "b"), pair("limit", "20")];
        let said = Said::new("/", pairs);
        let question = "q=%EB%85%BC+%26%22%3C";
        assert_eq!(said.with("tag", "c"), format!("/?{question}&tag=a&tag=b&tag=c"));
        assert_eq!(said.with("tag", "b"), format!("/?{question}&tag=a&tag=b"));
        assert_eq!(said.without("tag", "a"), format!("/?{question}&tag=b"));
        assert_eq!(said.set("sort", Some("date")), format!("/?{question}&tag=a&tag=b&sort=date"));
        assert_eq!(said.set("q", None), "/?tag=a&tag=b");
        assert_eq!(address("/paper", [("id", "hep-ex/0307015")]), "/paper?id=hep-ex%2F0307015");
        assert_eq!(Said::new("/", vec![pair("q", "")]).at("/map"), "/map");
    }
}
