//! Feeds as services write them, damaged ones, and hostile ones.

use proptest::prelude::*;

use super::*;
use crate::corpus::read_bytes;

fn read(bytes: &[u8]) -> Vec<Result<Record, RecordError>> {
    let mut reader = Feed::new("a.xml", Box::new(std::io::Cursor::new(bytes.to_vec())));
    let records: Vec<_> = reader.by_ref().collect();
    assert!(reader.bytes_read() <= bytes.len() as u64);
    records
}

fn all(text: &str) -> Vec<Record> {
    assert_eq!(read_bytes("x", text.as_bytes()).unwrap().format(), Format::Feed);
    read(text.as_bytes()).into_iter().map(Result::unwrap).collect()
}

const ARXIV: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
  <title type="html">ArXiv Query: search_query=all:graph</title>
  <id>http://arxiv.org/api/x</id>
  <opensearch:totalResults xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">2</opensearch:totalResults>
  <entry>
    <id>http://arxiv.org/abs/2408.15881v3</id>
    <updated>2024-10-09T20:14:30Z</updated>
    <published>2024-08-28T15:50:41Z</published>
    <title>Sparse Graphs with $a &lt; b$:
  A Study</title>
    <summary>  We study sparse graphs &amp; trees,
broken over lines.
  Second paragraph: https://github.com/ada/graphs
</summary>
    <author><name>Ada Lovelace</name><arxiv:affiliation xmlns:arxiv="http://arxiv.org/schemas/atom">Analytical Society</arxiv:affiliation></author>
    <author>
      <name>김철수</name>
    </author>
    <arxiv:doi xmlns:arxiv="http://arxiv.org/schemas/atom">10.1000/ABC.5</arxiv:doi>
    <link title="doi" href="http://dx.doi.org/10.1000/ABC.5" rel="related"/>
    <arxiv:comment xmlns:arxiv="http://arxiv.org/schemas/atom">8 pages, https://github.com/boole/logic</arxiv:comment>
    <arxiv:journal_ref xmlns:arxiv="http://arxiv.org/schemas/atom">J. Graphs 5 (2024)</arxiv:journal_ref>
    <link href="http://arxiv.org/abs/2408.15881v3" rel="alternate" type="text/html"/>
    <link title="pdf" href="http://arxiv.org/pdf/2408.15881v3" rel="related" type="application/pdf"/>
    <arxiv:primary_category xmlns:arxiv="http://arxiv.org/schemas/atom" term="cs.LG" scheme="http://arxiv.org/schemas/atom"/>
    <category term="cs.LG" scheme="http://arxiv.org/schemas/atom"/>
    <category term="math.CO" scheme="http://arxiv.org/schemas/atom"/>
  </entry>
  <entry><id>http://arxiv.org/abs/hep-ex/0307015v1</id><title>Old</title><summary>See arXiv:2106.09685.</summary></entry>
</feed>"#;

#[test]
fn the_arxiv_api() {
    let records = all(ARXIV);
    let first = &records[0];
    assert_eq!(first.title, "Sparse Graphs with $a < b$: A Study");
    let ids: Vec<String> = first.ids.iter().map(ToString::to_string).collect();
    assert_eq!(ids, ["arxiv:2408.15881", "doi:10.1000/abc.5"]);
    assert_eq!(first.authors, ["Ada Lovelace", "김철수"]);
    assert_eq!(
        first.abstract_text.as_deref(),
        Some(
            "We study sparse graphs & trees, broken over lines.\nSecond paragraph: https://github.com/ada/graphs"
        )
    );
    assert_eq!(
        (first.date.unwrap().to_string(), first.updated.unwrap().to_string()),
        ("2024-08-28".into(), "2024-10-09".into())
    );
    assert_eq!(
        (first.version, first.venue.as_deref(), first.url.as_deref()),
        (Some(3), Some("J. Graphs 5 (2024)"), None)
    );
    assert_eq!(first.tags, ["cs.LG", "math.CO"]);
    assert_eq!(first.repositories, ["https://github.com/boole/logic", "https://github.com/ada/graphs"]);
    assert_eq!((first.source.line, first.source.slot.as_str()), (6, "arxiv:2408.15881"));
    assert_eq!((records[1].ids.len(), records[1].version, records[1].source.line), (1, Some(1), 30));
    assert_eq!(records[1].mentions.len(), 1);
}

#[test]
fn the_error_of_the_api_is_no_paper() {
    let found = read(
        b"<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>http://arxiv.org/api/errors#incorrect_id_format_for_1234</id>\
          <title>Error</title><summary>incorrect id format for 1234</summary></entry></feed>",
    );
    let error = found[0].as_ref().unwrap_err();
    assert!(
        found.len() == 1 && error.why.contains("incorrect id format for 1234") && error.why.contains("again"),
        "{error}"
    );
}

#[test]
fn the_rss_of_arxiv() {
    let records = all(r#"<?xml version='1.0' encoding='UTF-8'?>
<rss xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/" version="2.0"><channel>
<title>cs.CL updates</title><link>http://rss.arxiv.org/rss/cs.CL</link>
<item><title>On Graphs</title><link>https://arxiv.org/abs/2408.15881</link>
<description>arXiv:2408.15881v2 Announce Type: replace
Abstract: We study graphs,
as others.</description>
<guid isPermaLink="false">oai:arXiv.org:2408.15881v2</guid><category>cs.CL</category><pubDate>Thu, 29 Aug 2024 00:00:00 -0400</pubDate>
<arxiv:announce_type>replace</arxiv:announce_type><dc:creator>Ada Lovelace, George Boole, 王芳</dc:creator></item>
<item><title>Trees. (arXiv:2106.09685v1 [cs.LG] UPDATED)</title><link>http://arxiv.org/abs/2106.09685</link>
<description>&lt;p&gt;We study &lt;i&gt;trees&lt;/i&gt; with $a &lt; b$.&lt;/p&gt;</description><dc:creator> &lt;a href="http://arxiv.org/find/1"&gt;Ada Lovelace&lt;/a&gt;, &lt;a href="x"&gt;Emmy Noether&lt;/a&gt;</dc:creator></item>
</channel></rss>"#);
    assert_eq!(records[0].authors, ["Ada Lovelace", "George Boole", "王芳"]);
    assert_eq!(records[0].abstract_text.as_deref(), Some("We study graphs, as others."));
    assert_eq!((records[0].version, records[0].ids.len(), records[0].mentions.len()), (Some(2), 1, 0));
    assert_eq!(records[0].date.unwrap().to_string(), "2024-08-29");
    assert_eq!((records[1].title.as_str(), records[1].version), ("Trees", Some(1)));
    assert_eq!(records[1].abstract_text.as_deref(), Some("We study trees with $a < b$."));
    assert_eq!(records[1].authors, ["Ada Lovelace", "Emmy Noether"]);
}

#[test]
fn posts_journals_and_old_rss() {
    let posts = all(
        r#"<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="ko"><entry xml:base="https://a.example/"><title type="html">Graphs &amp;amp; &lt;b&gt;나무&lt;/b&gt;</title>
<link rel="self" href="https://a.example/feed/1"/><link href="https://a.example/1"/><id>tag:a.example,2024:1</id><updated>2024-08-29T08:00:00Z</updated>
<author><name>김철수</name><email>kim@a.example</email></author><source><title>Another</title></source>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>첫 문단 a &lt; b.</p><p><a href="https://arxiv.org/abs/2106.09685">둘째</a></p></div></content></entry></feed>"#,
    );
    assert_eq!(
        (posts[0].title.as_str(), posts[0].url.as_deref()),
        ("Graphs & 나무", Some("https://a.example/1"))
    );
    assert_eq!(posts[0].abstract_text.as_deref(), Some("첫 문단 a < b.\n둘째"));
    assert_eq!((posts[0].authors.len(), posts[0].mentions.len(), posts[0].ids.len()), (1, 1, 0));
    let old = all(
        r#"<?xml version="1.0" encoding="ISO-8859-1"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:d="http://purl.org/dc/elements/1.1/" xmlns:prism="http://prismstandard.org/namespaces/basic/2.0/">
<channel rdf:about="x"><title>J</title><items><rdf:Seq/></items></channel>
<item rdf:about="https://www.nature.example/articles/1"><title><![CDATA[AT&T and <i>E. coli</i>]]></title><link>https://www.nature.example/articles/1</link>
<description>稀疏图 AT&T &eacute; &unknown; x</description><d:creator>Lovelace, Ada</d:creator><d:date>2024-08-29</d:date><d:identifier>doi:10.1038/X</d:identifier><prism:publicationName>Nature</prism:publicationName></item></rdf:RDF>"#,
    );
    assert_eq!((old[0].title.as_str(), old[0].venue.as_deref()), ("AT&T and E. coli", Some("Nature")));
    assert_eq!(old[0].abstract_text.as_deref(), Some("稀疏图 AT&T é &unknown; x"));
    assert_eq!(old[0].ids, ["doi:10.1038/x".parse().unwrap()]);
    assert_eq!(
        (old[0].authors[0].as_str(), old[0].date.unwrap().to_string()),
        ("Ada Lovelace", "2024-08-29".into())
    );
    let mail = all(
        "<rss><channel><item><title>x</title><author>ada@a.example (Ada Lovelace)</author></item></channel></rss>",
    );
    assert_eq!(mail[0].authors, ["Ada Lovelace"]);
}

#[test]
fn what_is_cut_off_or_broken_keeps_what_came_before() {
    let whole = ARXIV.find("<entry><id>").unwrap();
    for (text, says, line) in [
        (ARXIV[..whole + 40].to_owned(), "1 entry before", 30),
        (ARXIV[..whole].to_owned(), "cut off", 30),
        (ARXIV.replace("<title>Old</title>", "<title>Old</tilte>"), "broken XML", 30),
        (ARXIV.replace("<title>Old</title>", "<title a='x></title>"), "broken XML", 31),
    ] {
        let found = read(text.as_bytes());
        let error = found[1].as_ref().unwrap_err();
        assert!(found.len() == 2 && found[0].is_ok() && error.why.contains(says), "{error}");
        assert_eq!(error.line, line, "{error}");
    }
    let mut bytes = ARXIV.replace("Old", "@").into_bytes();
    let at = bytes.iter().rposition(|byte| *byte == b'@').unwrap();
    bytes[at] = 0xe9;
    let error = read(&bytes).pop().unwrap().unwrap_err();
    assert!(error.why.contains("iconv") && error.why.contains("1 entry before"), "{error}");
    assert_eq!(read(b"<feed></feed>")[0].as_ref().unwrap_err().kind, ErrorKind::NoPaper);
}

#[test]
fn too_large_entries_are_one_error_each() {
    let large = "x".repeat(LONGEST_LINE + 10);
    let many = format!("<b>{}</b>", "y".repeat(1000)).repeat(LONGEST_LINE / 1000);
    let text = format!(
        "<rss><channel><item><title>a</title><description><![CDATA[{large}]]></description></item>\n<item><title>b</title></item>\n\
         <item><description>{many}</description></item>\n<item ><title>c</title><link>{large}</link></item >\n<item><title>d</title></item></channel></rss>"
    );
    let told: Vec<_> = read(text.as_bytes())
        .into_iter()
        .map(|found| found.map(|record| (record.source.line, record.title)).map_err(|error| error.line))
        .collect();
    assert_eq!(told, [Err(1), Ok((2, "b".into())), Err(3), Err(4), Ok((5, "d".into()))]);
}

#[test]
fn hostile_feeds_end_soon() {
    let lol = "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]><rss><item><title>&b;&b;</title></item></rss>";
    assert_eq!(all(lol)[0].title, "&b;&b;");
    let attributes: String = (0..100_000).map(|at| format!(" a{at}='{at}' xmlns:n{at}='u'")).collect();
    let tags: String = (0..100_000).map(|at| format!("<category term='{at}'/>")).collect();
    for (text, records) in [
        (format!("<rss><item><title{attributes}>x</title><link{attributes}/></item></rss>"), 1),
        (format!("<rss><item><title>x</title>{tags}</item></rss>"), 1),
        (format!("<rss><item>{}", "<a>".repeat(1_000_000)), 0),
        (
            format!(
                "<rss><item><title>x</title>{}{}</item><item><title>y</title></item></rss>",
                "<a>".repeat(500),
                "</a>".repeat(500)
            ),
            1,
        ),
        (format!("<rss><item><title>{}</title></item></rss>", "&".repeat(1_000_000)), 1),
        (format!("<rss>{}", "<item>".repeat(100_000)), 0),
    ] {
        let begun = std::time::Instant::now();
        let found = read(text.as_bytes());
        assert_eq!(found.iter().filter(|found| found.is_ok()).count(), records, "{}", &text[..40]);
        assert!(begun.elapsed().as_secs() < 10, "{}", &text[..40]);
    }
}

proptest! {
    #[test]
    fn no_mutation_panics(at in 0..ARXIV.len(), with in proptest::collection::vec(any::<u8>(), 0..6), cut in 0..30usize) {
        let mut bytes = ARXIV.as_bytes().to_vec();
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, with);
        prop_assert!(read(&bytes).len() <= 4);
    }

    #[test]
    fn no_splice_of_markup_panics(parts in proptest::collection::vec(prop::sample::select(vec![
        "<feed>", "</feed>", "<entry>", "</entry>", "<item>", "</item>", "<title>", "</title>", "<content type='xhtml'>", "</content>", "<author>", "<name>", "</name>",
        "<![CDATA[", "]]>", "&#x1F600;", "&#0;", "&", "논문", "<a href='", "'>", "<!--", "-->", "<?x", "?>", "<link/>", "<id>arxiv:2408.15881", "</id>", "\n",
    ]), 0..40)) {
        let text = parts.concat();
        for found in read(text.as_bytes()).into_iter().flatten() {
            prop_assert!(!found.title.is_empty());
        }
    }
}
