//! Web pages saved by the browser: a paper's own page by its meta tags, an article about one paper as
//! [`super::article`] reads it, a blog post as a note about it would be.
//!
//! A page's own paper is known by what the page says of itself (`citation_*`, Dublin Core, its address), never by
//! what it links to. A page of links is about no one paper, and says so.

use super::article::{self, Start};
use super::lines::Page;
use super::links::{push_new, repositories_in, without_links, without_urls};
use super::web_page::{WebPage, is_abstract_label};
use super::{ErrorKind, Found, date};
use crate::paper::{PaperId, Record, Source, natural_name, normalise, normalised_title, single_line};

/// So many letters of its own, CJK ones counted thrice, make a page a text.
const LEAST_TEXT: usize = 300;
/// A line of fewer is a button or a caption.
const LEAST_LINE: usize = 40;

/// Reads the page.
pub(super) fn read(name: &str, text: &str) -> Found {
    let markup = WebPage::read(text);
    let page = Page { name, lines: markup.page_lines() };
    let scholarly = own_page(&markup);
    if let Some(mut record) = scholarly {
        record.source = Source { file: name.to_owned(), line: 1, slot: String::new() };
        return Found { records: vec![Ok(record)], notices: Vec::new() };
    }
    let title = title(&markup);
    let labelled = article::names_its_paper(&page);
    if !labelled && !is_text(&markup) {
        let why = "a web page that is about no one paper: it holds links, or a shell without text; save the article \
                   itself, or the paper's own page";
        return Found { records: vec![Err(page.error(ErrorKind::NoPaper, 1, why))], notices: Vec::new() };
    }
    let Some(title) = title else {
        let why = "a web page without title; save the page anew, or write a note about it";
        return Found { records: vec![Err(page.error(ErrorKind::NoPaper, 1, why))], notices: Vec::new() };
    };
    let record = Record {
        authors: markup
            .first(&["author", "article:author"])
            .filter(|name| !name.contains("://"))
            .into_iter()
            .map(single_line)
            .collect(),
        date: markup
            .first(&["article:published_time", "datepublished", "dc.date", "date", "parsely-pub-date"])
            .and_then(date::field),
        url: url(&markup),
        ..Record::default()
    };
    let record = if labelled { Record { authors: Vec::new(), ..record } } else { record };
    // The title stands above the text once more.
    let lines = page.lines.iter().copied().filter(|line| {
        labelled || normalised_title(line.text.trim_start_matches("# ")) != normalised_title(&title)
    });
    let page = Page { name, lines: lines.collect() };
    article::read_from(&page, Start { record, title: Some(title) })
}

/// The record of a page that states itself whose paper it is of.
fn own_page(markup: &WebPage) -> Option<Record> {
    let address = url(markup).and_then(|url| PaperId::parse(&url)).filter(PaperId::is_registered);
    let mut record = Record::default();
    for tags in [["citation_arxiv_id"].as_slice(), &["citation_doi", "dc.identifier", "prism.doi"]] {
        let id = markup.first(tags).and_then(PaperId::parse).filter(PaperId::is_registered);
        id.into_iter().for_each(|id| push_new(&mut record.ids, id));
    }
    let stated = markup.first(&["citation_title"]).or_else(|| {
        // Dublin Core is on blogs too: it counts where the page is known for a paper's.
        let known = !record.ids.is_empty() || address.is_some();
        known.then(|| markup.first(&["dc.title", "og:title"])).flatten()
    });
    // "[2408.15881] LLaVA-MoD: Making LLaVA Tiny", where the head was lost.
    let bracketed = markup.title.trim().strip_prefix('[').and_then(|title| title.split_once(']'));
    let listed =
        bracketed.and_then(|(id, title)| Some((PaperId::parse(id).filter(PaperId::is_registered)?, title)));
    let title = match (stated, &listed) {
        (Some(title), _) => title.to_owned(),
        (None, Some((_, title))) => (*title).to_owned(),
        (None, None) => return None,
    };
    record.title = single_line(&title);
    if record.title.is_empty() {
        return None;
    }
    let same_registry = |a: &PaperId, b: &PaperId| std::mem::discriminant(a) == std::mem::discriminant(b);
    for id in address.into_iter().chain(listed.map(|(id, _)| id)) {
        if !record.ids.iter().any(|known| same_registry(known, &id)) {
            record.ids.push(id);
        }
    }
    let authors: Vec<&str> = match markup.all("citation_author").collect::<Vec<_>>() {
        named if !named.is_empty() => named,
        _ => markup.all("dc.creator").chain(markup.all("dc.contributor")).collect(),
    };
    record.authors = authors.into_iter().map(natural_name).filter(|name| !name.is_empty()).collect();
    record.date = markup
        .first(&[
            "citation_date",
            "citation_publication_date",
            "citation_online_date",
            "dc.date",
            "dc.issued",
        ])
        .and_then(date::field);
    record.updated =
        markup.first(&["citation_online_date"]).and_then(date::field).filter(|day| Some(*day) > record.date);
    record.version = markup.first(&["og:url"]).and_then(version);
    record.venue = markup
        .first(&["citation_journal_title", "citation_conference_title", "citation_inbook_title"])
        .map(single_line);
    for tag in markup.all("citation_keywords").flat_map(|tags| tags.split([';', ','])).map(single_line) {
        if !tag.is_empty() {
            push_new(&mut record.tags, tag);
        }
    }
    let shown = without_label(&markup.abstract_text);
    let stated = markup.first(&["citation_abstract", "dc.description", "og:description", "description"]);
    // What the page shows has its links; what its head says may be cut.
    let stated = stated.map(normalise).unwrap_or_default();
    let text = if shown.chars().count() * 2 >= stated.chars().count() { shown } else { stated };
    record.repositories = repositories_in(&text);
    record.abstract_text = Some(text).filter(|text| !text.is_empty());
    if record.ids.is_empty() {
        record.url = url(markup);
    }
    Some(record)
}

fn url(markup: &WebPage) -> Option<String> {
    let stated = markup.first(&["og:url", "citation_public_url", "citation_abstract_html_url"]);
    markup.url.as_deref().or(stated).filter(|url| url.contains("://")).map(single_line)
}

/// The `2` of `https://arxiv.org/abs/2408.15881v2`.
fn version(url: &str) -> Option<u32> {
    url.contains("arxiv.org/").then(|| url.rsplit_once('v')?.1.parse().ok()).flatten()
}

fn without_label(text: &str) -> String {
    let text = normalise(text);
    match text.split_once([':', '：', '.']) {
        Some((label, rest)) if is_abstract_label(label) => normalise(rest),
        _ => text,
    }
}

/// What the page is called, without the name of its site.
fn title(markup: &WebPage) -> Option<String> {
    let heading = markup.lines.iter().find_map(|(_, line)| line.strip_prefix("# ").map(single_line));
    let site = markup.first(&["og:site_name"]).map(single_line).unwrap_or_default();
    let tag = single_line(&markup.title);
    let bare = |title: String| {
        let cut = [" | ", " - ", " – ", " — ", " · "].iter().find_map(|joint| {
            let (before, after) = title.rsplit_once(joint)?;
            (*joint == " | " || (!site.is_empty() && after == site)).then(|| before.to_owned())
        });
        cut.unwrap_or(title)
    };
    let stated = markup.first(&["og:title", "twitter:title"]).map(single_line).map(bare);
    let found = stated.or(heading).filter(|title| !title.is_empty());
    found.or_else(|| Some(bare(tag))).filter(|title| title.chars().any(char::is_alphabetic))
}

/// Whether there is more to read than to click.
fn is_text(markup: &WebPage) -> bool {
    let weight = |c: char| if ('\u{2e80}'..='\u{d7ff}').contains(&c) { 3 } else { 1 };
    let mut own = 0usize;
    for (_, line) in &markup.lines {
        // The words of links do not count, wherever they stand.
        let words = without_urls(&without_links(line));
        let weight: usize = words.chars().filter(|c| c.is_alphanumeric()).map(weight).sum();
        if weight >= LEAST_LINE && !line.starts_with("# ") {
            own += weight;
        }
    }
    own >= LEAST_TEXT && (markup.is_article || own >= markup.linked)
}

#[cfg(test)]
mod tests {
    use super::super::{Format, read_bytes};
    use super::*;
    use crate::paper::Mention;

    fn one(html: &str) -> Record {
        let mut reader = read_bytes("saved/page.html", html.as_bytes()).unwrap();
        assert_eq!(reader.format(), Format::Html);
        let record = reader.next().unwrap().unwrap();
        assert!(reader.next().is_none());
        record
    }

    const ABS: &str = r#"<!DOCTYPE html>
<html lang="en"><head><title>[2408.15881] LLaVA-MoD: Making LLaVA Tiny</title>
<link rel="canonical" href="https://arxiv.org/abs/2408.15881"/>
<meta property="og:url" content="https://arxiv.org/abs/2408.15881v3" />
<meta property="og:description" content="Abstract page for arXiv paper 2408.15881: LLaVA-MoD: Making LLaVA Tiny" />
<meta name="citation_title" content="LLaVA-MoD: Making LLaVA Tiny" /><meta name="citation_author" content="Shu, Fangxun" />
<meta name="citation_author" content="Liao, Yue" /><meta name="citation_date" content="2024/08/28" />
<meta name="citation_online_date" content="2024/10/29" /><meta name="citation_arxiv_id" content="2408.15881" />
</head><body><header><nav><a href="https://arxiv.org/abs/1706.03762">other</a></nav></header>
<blockquote class="abstract mathjax"><span class="descriptor">Abstract:</span>We introduce LLaVA-MoD with $2\times$ speed.
Code at <a href="https://github.com/a/b" rel="external">this https URL</a>.</blockquote></body></html>"#;

    #[test]
    fn the_page_of_a_paper_is_that_paper() {
        let record = one(ABS);
        assert_eq!(
            (record.title.as_str(), record.authors.join("|").as_str()),
            ("LLaVA-MoD: Making LLaVA Tiny", "Fangxun Shu|Yue Liao")
        );
        assert_eq!(record.ids, ["arxiv:2408.15881".parse().unwrap()]);
        assert_eq!(
            record.abstract_text.as_deref(),
            Some("We introduce LLaVA-MoD with $2\\times$ speed. Code at https://github.com/a/b.")
        );
        assert_eq!(record.date.map(|day| day.to_string()).as_deref(), Some("2024-08-28"));
        assert_eq!(record.updated.map(|day| day.to_string()).as_deref(), Some("2024-10-29"));
        assert_eq!((record.version, record.repositories.len(), record.commentaries.len()), (Some(3), 1, 0));
        assert!(record.mentions.is_empty());
        let journal = one(
            "<html><head><meta name=\"citation_title\" content=\"그래프 연구\"><meta name=\"citation_doi\" content=\"10.1145/3292500.3330701\">\
             <meta name=\"citation_publication_date\" content=\"2019\"><meta name=\"citation_journal_title\" content=\"정보과학회논문지\">\
             <meta name=\"dc.Description\" content=\"이 논문은 그래프를 다룬다.\"></head><body>로그인</body></html>",
        );
        assert_eq!(journal.ids, ["doi:10.1145/3292500.3330701".parse().unwrap()]);
        assert_eq!(
            (journal.venue.as_deref(), journal.abstract_text.as_deref()),
            (Some("정보과학회논문지"), Some("이 논문은 그래프를 다룬다."))
        );
    }

    #[test]
    fn an_article_with_labels_is_read_as_articles_are() {
        let text = "稀疏图很重要，这篇论文研究了它。".repeat(6);
        let record = one(&format!(
            "<!doctype html><html><head><title>某某AI 解读 | 某站</title><link rel=canonical href=https://news.example.cn/1></head><body>\
             <nav>首页</nav><div><p>论文名:SPARSE GRAPHS</p><p><b>论文链接：</b><a href=\"https://arxiv.org/abs/2408.15881\">arXiv</a></p>\
             <p>{text}<a href=\"https://arxiv.org/abs/2106.09685\">LoRA</a></p><p>推荐阅读</p><p>别的新闻</p></div>",
        ));
        assert_eq!(
            (record.title.as_str(), record.url.as_deref()),
            ("SPARSE GRAPHS", Some("https://news.example.cn/1"))
        );
        assert_eq!(record.ids, ["arxiv:2408.15881".parse().unwrap()]);
        assert_eq!(record.mentions, [Mention::Paper("2106.09685".parse().unwrap())]);
        assert!(
            record.commentaries[0].text.ends_with("LoRA") && record.commentaries[0].language.code() == "zh"
        );
    }

    #[test]
    fn a_blog_post_is_a_record_with_its_text() {
        let text = "모델의 성능을 개선하고 가격을 낮췄다는 이야기입니다. ".repeat(8);
        let record = one(&format!(
            "<html><head><meta property=\"og:title\" content=\"새 모델 공개 | 블로그\"><meta property=\"article:published_time\" \
             content=\"2024-10-01T09:00:00+09:00\"><meta property=\"og:url\" content=\"https://blog.example.kr/post/1\">\
             <meta name=author content=\"김철수\"></head><body><h1>새 모델 공개</h1><p>{text}</p><p>이전 연구는 <a href=\"https://arxiv.org/abs/2106.09685\">여기</a>에 있습니다.</p>",
        ));
        assert_eq!((record.title.as_str(), record.authors.join("|").as_str()), ("새 모델 공개", "김철수"));
        assert_eq!(record.date.map(|day| day.to_string()).as_deref(), Some("2024-10-01"));
        assert_eq!(
            (record.url.as_deref(), record.ids.len(), record.mentions.len()),
            (Some("https://blog.example.kr/post/1"), 0, 1)
        );
        assert!(
            record.commentaries[0].text.starts_with("모델의")
                && record.commentaries[0].text.ends_with("여기에 있습니다.")
        );
    }

    #[test]
    fn pages_of_links_and_shells_are_no_papers() {
        let links = "<li><a href=\"https://a.org/x\">An article about large language models</a>".repeat(60);
        for html in [
            format!("<html><head><title>News</title></head><body><ul>{links}</ul></body></html>"),
            "<!doctype html><html><head><title>App</title><script>x</script></head><body><div id=root></div></body></html>".to_owned(),
        ] {
            let error = read_bytes("p.html", html.as_bytes()).unwrap().next().unwrap().unwrap_err();
            assert!(error.kind == ErrorKind::NoPaper && error.why.contains("save the article"), "{error}");
        }
    }

    #[test]
    fn another_charset_is_refused_with_the_command_that_helps() {
        let mut page = b"<html><head><meta charset=\"euc-kr\"><title>".to_vec();
        page.extend(b"\xc7\xd1\xb1\xdb</title>");
        let error = read_bytes("p.html", &page).map(|_| ()).unwrap_err();
        assert!(error.why.contains("iconv -f EUC-KR"), "{error}");
        page = page.to_ascii_lowercase();
        let other = page.windows(6).position(|window| window == b"euc-kr").unwrap();
        page.splice(other..other + 6, *b"shift_jis");
        let error = read_bytes("p.html", &page).map(|_| ()).unwrap_err();
        assert!(error.why.contains("iconv -f SHIFT_JIS"), "{error}");
        let seven_bit = b"<html><head><meta charset=iso-2022-jp><title>\x1b$B%0%i%U\x1b(B</title>";
        let error = read_bytes("p.html", seven_bit).map(|_| ()).unwrap_err();
        assert!(error.why.contains("iconv -f ISO-2022-JP"), "{error}");
    }
}
