//! Items of a JSON Feed (jsonfeed.org, versions 1 and 1.1); an item is what an entry of any feed is.

use super::super::feed::{Item, Text};
use super::fields::{Fields, text_in};
use crate::paper::{Record, single_line};

pub(super) fn record(fields: &mut Fields<'_>) -> Result<Record, String> {
    let mut item = Item {
        id: fields.text("id").unwrap_or_default().to_owned(),
        title: Text::plain(fields.text("title").unwrap_or_default()),
        summary: Text::plain(fields.text("summary").unwrap_or_default()),
        date: fields.date("date_published"),
        updated: fields.date("date_modified"),
        ..Item::default()
    };
    // An item about another page has both: the other page is what it is about.
    item.links
        .extend(["external_url", "url"].into_iter().filter_map(|key| fields.text(key)).map(str::to_owned));
    item.content = match fields.text("content_html") {
        Some(html) => Text::html(html),
        None => Text::plain(fields.text("content_text").unwrap_or_default()),
    };
    // Version 1 had one author.
    let one = fields.get("author").into_iter();
    let authors = fields.list("authors").iter().chain(one).filter_map(|author| text_in(author, "name"));
    item.authors.extend(authors.map(single_line));
    let tags = fields.list("tags").iter().filter_map(serde_json::Value::as_str);
    item.tags.extend(tags.map(single_line).filter(|tag| !tag.is_empty()));
    item.record()
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;

    #[test]
    fn a_post_and_a_paper() {
        let (post, odd) = read(
            r#"{"id": "https://ada.example/graphs", "url": "https://ada.example/graphs", "title": "그래프에 대하여", "content_html": "<p>좋은 <b>글</b>입니다.</p><p>See <a href=\"https://arxiv.org/abs/2106.09685\">LoRA</a>.</p>",
                "date_published": "2024-08-29T08:00:00-07:00", "authors": [{"name": "김철수"}], "tags": ["graphs"]}"#,
        )
        .unwrap();
        assert_eq!(
            (post.title.as_str(), post.url.as_deref()),
            ("그래프에 대하여", Some("https://ada.example/graphs"))
        );
        assert_eq!(post.abstract_text.as_deref(), Some("좋은 글입니다.\nSee LoRA."));
        assert_eq!((post.ids.len(), post.mentions.len(), post.authors.len(), post.tags.len()), (0, 1, 1, 1));
        assert!(odd.is_empty());
        let (paper, _) = read(
            r#"{"id": "7", "url": "https://ada.example/7", "external_url": "https://arxiv.org/abs/2408.15881v2", "content_text": "We study graphs < 5.", "date_published": "soon"}"#,
        )
        .unwrap();
        assert_eq!((paper.ids.len(), paper.version), (1, Some(2)));
        assert_eq!(paper.title, "We study graphs < 5.", "a title made from the text");
    }
}
