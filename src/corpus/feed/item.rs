//! One entry of a feed to one record: a paper, if the entry's own link or id is one's, else a post, which is a record
//! too (its URL is what names it).

use jiff::civil::Date;

use super::super::commentary::{by_language, mentions_in};
use super::super::dialect::{folded, version_of};
use super::super::links::{push_new, repositories_in};
use super::super::markup::plain;
use crate::paper::{ArxivId, PaperId, Record, cut, identifiers_in, normalise, single_line};

/// A title made from a text is no longer than this.
const MADE_TITLE: usize = 200;

/// A text as the feed has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::corpus) struct Text {
    /// As it stands.
    pub text: String,
    /// Whether it is markup.
    pub html: bool,
}

impl Text {
    pub fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), html: false }
    }

    pub fn html(text: &str) -> Self {
        Self { text: text.to_owned(), html: true }
    }

    fn read(&self) -> String {
        if self.html { normalise(&plain(&self.text)) } else { normalise(&self.text) }
    }
}

/// What an entry says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::corpus) struct Item {
    /// The entry's own name: Atom's `id`, RSS's `guid`.
    pub id: String,
    /// Its own pages, the one it is about first.
    pub links: Vec<String>,
    /// Other names that it states for itself: a DOI.
    pub names: Vec<String>,
    pub title: Text,
    pub summary: Text,
    pub content: Text,
    pub authors: Vec<String>,
    pub date: Option<Date>,
    pub updated: Option<Date>,
    pub tags: Vec<String>,
    pub venue: Option<String>,
    /// arXiv's comment.
    pub comment: String,
}

impl Item {
    /// The record, or what is missing.
    pub fn record(&self) -> Result<Record, String> {
        let mut record = Record {
            authors: self.authors.clone(),
            tags: self.tags.clone(),
            venue: self.venue.clone(),
            date: self.date.or(self.updated),
            updated: self.updated,
            ..Record::default()
        };
        let summary = self.take_names(&mut record);
        let title = self.title.read();
        let title = match title.rsplit_once("(arXiv:") {
            // "On Graphs. (arXiv:2408.15881v1 [cs.LG] UPDATED)"
            Some((title, _)) if !title.trim().is_empty() => title.trim().trim_end_matches('.'),
            _ => &title,
        };
        record.title = single_line(title);
        let content = self.content.read();
        self.take_links(&mut record);
        let mut texts = [summary, content].into_iter().filter(|text| !text.is_empty());
        let (first, second) = (texts.next(), texts.next());
        match (first, second) {
            (None, _) => {}
            (Some(text), None) => record.abstract_text = Some(text),
            // A teaser says what the text says.
            (Some(teaser), Some(text)) if is_head_of(&teaser, &text) => record.abstract_text = Some(text),
            (Some(summary), Some(text)) => {
                record.abstract_text = Some(summary);
                record.commentaries = by_language(&text.lines().collect::<Vec<_>>());
            }
        }
        if record.title.is_empty() {
            let head = record.abstract_text.as_deref().unwrap_or_default();
            record.title = single_line(cut(head.lines().next().unwrap_or_default(), MADE_TITLE));
        }
        if record.title.is_empty() {
            return Err("an entry without title and text; nothing names it".to_owned());
        }
        let abstract_text = record.abstract_text.as_deref().unwrap_or_default();
        record.repositories = repositories_in(&format!("{}\n{abstract_text}", self.comment));
        Ok(record)
    }

    /// Takes ids and version; gives the summary without what arXiv puts before it.
    fn take_names(&self, record: &mut Record) -> String {
        let mut summary = self.summary.read();
        let mut version = None;
        let mut take = |text: &str| {
            if let Some(id) = own_id(text) {
                if matches!(id, PaperId::Arxiv(_)) {
                    version = version.or_else(|| version_of(text));
                }
                push_new(&mut record.ids, id);
            }
        };
        take(&self.id);
        // One page is one paper's; a second link with another id leads elsewhere.
        self.links.iter().take(2).for_each(|link| take(link));
        self.names.iter().for_each(|name| take(name));
        if let Some((_, named)) = self.title.text.rsplit_once("(arXiv:") {
            take(named.split([' ', ')']).next().unwrap_or_default());
        }
        if summary.starts_with("arXiv:")
            && let Some((head, text)) = summary.split_once("Abstract:").filter(|(head, _)| head.len() < 200)
        {
            take(head.split_whitespace().next().unwrap_or_default());
            summary = text.to_owned();
        }
        record.version = version;
        if record.ids.iter().any(|id| matches!(id, PaperId::Arxiv(_))) {
            return folded(&summary);
        }
        summary.trim().to_owned()
    }

    /// Where a post is, and to which papers its text links.
    fn take_links(&self, record: &mut Record) {
        let page = self.links.iter().map(|link| single_line(link)).find(|link| link.contains("://"));
        let page = page.or_else(|| Some(single_line(&self.id)).filter(|id| id.contains("://")));
        record.url = page.filter(|page| own_id(page).is_none());
        record.mentions = mentions_in(&[&self.summary.text, &self.content.text], &record.ids);
    }
}

/// The id that a link, a guid or a field is.
fn own_id(text: &str) -> Option<PaperId> {
    let text = text.trim();
    let lower = text.get(..14).map(str::to_ascii_lowercase);
    if lower.as_deref() == Some("oai:arxiv.org:") {
        return text.get(14..).and_then(ArxivId::parse).map(PaperId::Arxiv);
    }
    // A link into a page about a paper, or a search for one, holds an id too but is not its page.
    let id = PaperId::parse(text).filter(PaperId::is_registered)?;
    let bare = text.split(['?', '#']).next().unwrap_or_default();
    (!text.contains("://") || identifiers_in(bare).contains(&id)).then_some(id)
}

/// Whether `teaser` is how `text` begins, cut off somewhere.
fn is_head_of(teaser: &str, text: &str) -> bool {
    let bare = |text: &str| text.split_whitespace().collect::<String>();
    let head = bare(teaser);
    let head = head.trim_end_matches(['…', '.', ']', '[']);
    bare(text).starts_with(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(link: &str, title: &str, summary: Text, content: Text) -> Item {
        Item { links: vec![link.into()], title: Text::plain(title), summary, content, ..Item::default() }
    }

    #[test]
    fn own_ids() {
        for (text, want) in [
            ("oai:arXiv.org:2408.15881v2", Some("arxiv:2408.15881")),
            ("http://arxiv.org/abs/hep-ex/0307015v1", Some("arxiv:hep-ex/0307015")),
            ("doi:10.1038/S41586-024-1", Some("doi:10.1038/s41586-024-1")),
            ("https://doi.org/10.1038/x?utm=feed", Some("doi:10.1038/x")),
            ("https://blog.example/?about=https://arxiv.org/abs/2408.15881", None),
            ("tag:blog.example,2024:1", None),
            ("", None),
        ] {
            assert_eq!(own_id(text).map(|id| id.to_string()).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn posts_with_a_teaser_a_summary_or_one_text() {
        let teaser = item(
            "https://a.example/1",
            "그래프",
            Text::html("<p>그래프는 좋습니다 [...]</p>"),
            Text::html("<p>그래프는 좋습니다 라고 썼다.</p><p>끝</p>"),
        );
        let record = teaser.record().unwrap();
        assert_eq!(record.abstract_text.as_deref(), Some("그래프는 좋습니다 라고 썼다.\n끝"));
        assert_eq!((record.url.as_deref(), record.commentaries.len()), (Some("https://a.example/1"), 0));
        let both = item(
            "https://a.example/2",
            "x",
            Text::plain("我们研究稀疏图。"),
            Text::html("<p>Another text, see <a href='https://arxiv.org/abs/2106.09685'>it</a>.</p>"),
        );
        let record = both.record().unwrap();
        assert_eq!(record.abstract_text.as_deref(), Some("我们研究稀疏图。"));
        assert_eq!(
            (record.commentaries[0].text.as_str(), record.mentions.len()),
            ("Another text, see it.", 1)
        );
        let untitled = item(
            "https://a.example/3",
            "",
            Text::html("<p>一个没有标题的帖子。</p><p>x</p>"),
            Text::default(),
        );
        assert_eq!(untitled.record().unwrap().title, "一个没有标题的帖子。");
        assert!(
            item("https://a.example/4", " ", Text::default(), Text::default())
                .record()
                .unwrap_err()
                .contains("title")
        );
    }
}
