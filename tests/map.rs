//! The map: the same for the same vectors, neighbours near each other, kept on disk or made anew, drawn so that anybody can read it.

use std::collections::HashSet;
use std::path::Path;
use std::time::Instant;

use paperkin::index::{Centring, NearestOfEach, nearest_of_each};
use paperkin::map::{Colour, Map, MapError, PaperVectors, Picture, Points};
use paperkin::paper::{Record, Source, UnitVector};
use paperkin::store::{Store, Writer};

use crate::support::toy::ToyLibrary;
use crate::support::{Random, paperkin};

/// So many vectors about so many topics.
fn topics(count: usize, topics: usize, dimension: usize) -> PaperVectors {
    let mut random = Random::new(11);
    let mut normal = move || (0..6).map(|_| random.below(2_001) as f32 / 1_000.0 - 1.0).sum::<f32>();
    let middles: Vec<Vec<f32>> = (0..topics).map(|_| (0..dimension).map(|_| normal()).collect()).collect();
    let vectors = (0..count).map(|at| {
        UnitVector::new(middles[at % topics].iter().map(|middle| middle + 0.7 * normal()).collect()).unwrap()
    });
    PaperVectors::of_directions(dimension, vectors)
}

fn laid_out(vectors: &PaperVectors) -> Map {
    Map::laid_out(vectors, &mut |_| true).unwrap()
}

/// Which share of the ten nearest among vectors is among the ten and the fifty nearest on the map, of a thousand papers.
fn kept(map: &Map, vectors: &PaperVectors, truth: &NearestOfEach) -> [f64; 2] {
    let points: Vec<[f32; 2]> =
        map.points_of(vectors).into_iter().map(|point| point.unwrap().map(f32::from)).collect();
    let (mut found, mut all) = ([0; 2], 0);
    for row in (0..points.len()).step_by(points.len().div_ceil(1_000)) {
        let own = points[row];
        let mut others: Vec<(f32, u32)> = (0..)
            .zip(&points)
            .filter(|(other, _)| *other as usize != row)
            .map(|(other, point)| ((point[0] - own[0]).hypot(point[1] - own[1]), other))
            .collect();
        others.sort_unstable_by(|one, two| one.0.total_cmp(&two.0));
        let wanted: HashSet<u32> = truth.of(row).iter().take(10).map(|(other, _)| *other).collect();
        all += wanted.len();
        for (found, among) in found.iter_mut().zip([10, 50]) {
            *found += others.iter().take(among).filter(|(_, other)| wanted.contains(other)).count();
        }
    }
    found.map(|found| found as f64 / all as f64)
}

#[test]
fn the_same_vectors_are_the_same_map_for_any_number_of_threads() {
    // More than are compared pair by pair.
    let vectors = topics(8_400, 150, 24);
    let by = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| laid_out(&vectors)).to_bytes()
    };
    let one = by(1);
    assert_eq!(one, by(3));
    assert_ne!(one, laid_out(&topics(8_399, 150, 24)).to_bytes());
}

#[test]
fn of_many_rows_nearly_all_of_the_nearest_are_found() {
    let vectors = topics(8_400, 150, 24);
    let codes = vectors.codes();
    let found = nearest_of_each(codes, 15, &mut |_| true).unwrap();
    let (mut right, mut all) = (0, 0);
    for row in (0..codes.len()).step_by(40) {
        let mut others: Vec<u32> = (0..codes.len() as u32).filter(|other| *other as usize != row).collect();
        others.sort_by(|one, two| {
            codes.between(row, *two as usize).total_cmp(&codes.between(row, *one as usize)).then(one.cmp(two))
        });
        all += 15;
        right += found.of(row).iter().filter(|(other, _)| others[..15].contains(other)).count();
        assert!(found.of(row).is_sorted_by(|one, two| one.1 >= two.1) && found.of(row).len() == 15);
    }
    assert!(right * 100 >= all * 93, "{right} of {all}");
}

#[test]
fn neighbours_stay_neighbours_far_better_than_by_principal_components() {
    let vectors = topics(1_500, 60, 32);
    let truth = nearest_of_each(vectors.codes(), 10, &mut |_| true).unwrap();
    let [ten, fifty] = kept(&laid_out(&vectors), &vectors, &truth);
    let [plain_ten, plain_fifty] = kept(&Map::by_principal_components(&vectors), &vectors, &truth);
    println!("{ten:.3} {fifty:.3} against {plain_ten:.3} {plain_fifty:.3}");
    assert!(ten > 4.0 * plain_ten && fifty > 0.75 && fifty > 3.0 * plain_fifty);
}

/// `PAPERKIN_MAP_VECTORS=FILE`: 384 f32 a vector. Prints the table in `src/map/mod.rs`.
#[test]
#[ignore = "minutes, and vectors of a model"]
fn how_many_neighbours_are_kept_of_real_vectors() {
    let file = std::env::var("PAPERKIN_MAP_VECTORS").unwrap();
    let bytes = fs_err::read(file).unwrap();
    let raw: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    println!("| papers | layout | of 10 among 10 | among 50 | seconds |\n| --- | --- | --- | --- | --- |");
    for count in [2_000, 20_000, 100_000] {
        let rows = raw.chunks_exact(384).take(count);
        let mut mean = [0.0; 384];
        rows.clone()
            .for_each(|row| mean.iter_mut().zip(row).for_each(|(mean, value)| *mean += value / count as f32));
        let centred =
            rows.map(|row| UnitVector::new(row.iter().zip(mean).map(|(value, mean)| value - mean).collect()));
        let vectors = PaperVectors::of_directions(384, centred.map(Result::unwrap));
        let truth = nearest_of_each(vectors.codes(), 15, &mut |_| true).unwrap();
        let started = Instant::now();
        let ours = laid_out(&vectors);
        let seconds = started.elapsed().as_secs_f64();
        for (name, map, seconds) in
            [("ours", ours, seconds), ("principal components", Map::by_principal_components(&vectors), 0.3)]
        {
            let [ten, fifty] = kept(&map, &vectors, &truth);
            println!("| {count} | {name} | {ten:.3} | {fifty:.3} | {seconds:.1} |");
        }
    }
}

#[test]
fn few_papers_and_papers_that_are_alike_have_places() {
    for count in [0, 1, 2, 3, 4, 17] {
        let map = laid_out(&topics(count, 3, 8));
        assert_eq!(map.len(), count);
    }
    let alike = UnitVector::new(vec![0.2, 0.9, -0.4]).unwrap();
    let other = UnitVector::new(vec![0.9, -0.2, 0.1]).unwrap();
    let vectors = PaperVectors::of_directions(
        3,
        (0..120).map(|at| if at < 60 { alike.clone() } else { other.clone() }),
    );
    let map = laid_out(&vectors);
    let points = map.points_of(&vectors);
    let distinct: HashSet<_> = points.iter().collect();
    assert!(
        points.iter().all(Option::is_some) && distinct.len() > 60,
        "each can be pointed at: {}",
        distinct.len()
    );
}

#[test]
fn who_wants_no_map_any_more_has_not_to_wait_for_it() {
    let vectors = topics(9_000, 90, 24);
    for stop_at in [0.0, 0.1, 0.5] {
        let (mut last, mut stopped) = (0.0, None);
        let made = Map::laid_out(&vectors, &mut |done| {
            assert!((0.0..=1.0).contains(&done) && done >= last, "{last} {done}");
            last = done;
            assert!(stopped.is_none(), "it was asked again after it was told to stop");
            let stops = done >= stop_at;
            stopped = stops.then(Instant::now);
            !stops
        });
        assert!(matches!(made, Err(MapError::Stopped)));
        assert!(stopped.unwrap().elapsed().as_millis() < 500, "{:?}", stopped.unwrap().elapsed());
    }
}

fn records(range: std::ops::Range<usize>) -> Vec<Record> {
    const TOPICS: [&str; 4] = [
        "residual connections in deep networks",
        "양자 얽힘과 통신",
        "图神经网络的表示学习",
        "soil moisture of wetlands",
    ];
    range
        .map(|at| Record {
            source: Source { file: "papers.txt".into(), line: at, slot: at.to_string() },
            title: format!("{} {at}", TOPICS[at % TOPICS.len()]),
            abstract_text: Some(format!("{} are studied, part {at}.", TOPICS[at % TOPICS.len()])),
            tags: vec![["net", "양자", "图网络", "<soil & \"wet\">"][at % TOPICS.len()].into()],
            date: (at % 5 != 0).then(|| jiff::civil::date(2000 + at as i16 % 24, 1, 1)),
            ..Record::default()
        })
        .collect()
}

fn map_of(library: &Path) -> (Map, Points) {
    let snapshot = Store::open(library).unwrap().snapshot().unwrap();
    let map = Map::of(library, &snapshot, &Centring::none(), &mut |_| true).unwrap();
    let points = Points::of(&map, &snapshot).unwrap();
    (map, points)
}

#[test]
fn a_map_is_kept_and_made_anew_where_a_byte_of_it_changed() {
    let library = ToyLibrary::of(records(0..60));
    let folder = library.folder.path();
    let (first, points) = map_of(folder);
    assert_eq!((points.len(), points.unplaced), (60, 0));
    let file = folder.join("map.bin");
    let whole = fs_err::read(&file).unwrap();
    assert_eq!(Map::stored(folder).unwrap(), first);
    for at in (0..whole.len()).step_by(7) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        assert!(Map::of_bytes(&damaged).is_none(), "byte {at}");
        assert!(Map::of_bytes(&whole[..at]).is_none(), "cut at {at}");
    }
    fs_err::write(&file, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(map_of(folder).0, first);
    assert_eq!(fs_err::read(&file).unwrap(), whole, "the same again, on disk too");
    // The map of another library shows nobody of this one.
    let other = ToyLibrary::of(records(100..140));
    fs_err::copy(&file, other.folder.path().join("map.bin")).unwrap();
    let (_, points) = map_of(other.folder.path());
    assert_eq!((points.len(), points.unplaced), (40, 0));
}

#[test]
fn a_map_grows_by_a_few_and_is_laid_out_anew_for_many() {
    let library = ToyLibrary::of(records(0..80));
    let folder = library.folder.path();
    let (_, before) = map_of(folder);
    library.put(records(80..83));
    let gone = before.ids[5].clone();
    Writer::open(folder, "toy", 64).unwrap().remove(&gone).unwrap();
    let (_, after) = map_of(folder);
    assert_eq!((after.len(), after.unplaced), (82, 0));
    assert!(!after.ids.contains(&gone));
    for (id, place) in before.ids.iter().zip(&before.places).filter(|(id, _)| **id != gone) {
        let at = after.ids.iter().position(|known| known == id).unwrap();
        assert_eq!(after.places[at], *place, "who was there stands where he stood");
    }
    // Who came stands nearest to papers of the same topic.
    let topics = topics_of(folder, &after);
    let is_new = |at: &usize| !before.ids.contains(&after.ids[*at]);
    let new = (0..after.len()).find(is_new).unwrap();
    let known = (0..after.len()).filter(|at| !is_new(at));
    let away = |at: &usize| {
        let [one, other] = [after.places[*at], after.places[new]];
        u32::from(one[0].abs_diff(other[0])).pow(2) / 2 + u32::from(one[1].abs_diff(other[1])).pow(2) / 2
    };
    let nearest = known.min_by_key(away).unwrap();
    assert_eq!(topics[nearest], topics[new]);
    library.put(records(83..110));
    let (_, anew) = map_of(folder);
    assert_eq!((anew.len(), anew.unplaced), (109, 0));
    let stayed = before.ids.iter().zip(&before.places).filter(|(id, place)| {
        anew.ids.iter().position(|known| known == *id).is_some_and(|at| anew.places[at] == **place)
    });
    assert!(stayed.count() < 40);
}

/// Of which topic each paper is.
fn topics_of(folder: &Path, points: &Points) -> Vec<usize> {
    let snapshot = Store::open(folder).unwrap().snapshot().unwrap();
    let title = |id| snapshot.paper_by_name(id).unwrap().unwrap().1.title;
    points.ids.iter().map(|id| title(id).rsplit(' ').next().unwrap().parse::<usize>().unwrap() % 4).collect()
}

/// All text of a document, after reading it to its end as XML.
fn text_of(svg: &str) -> String {
    let mut reader = quick_xml::Reader::from_str(svg);
    reader.config_mut().check_end_names = true;
    let (mut text, mut depth) = (String::new(), 0);
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Eof => break,
            quick_xml::events::Event::Start(element) => {
                depth += 1;
                assert!(element.attributes().all(|attribute| attribute.is_ok()), "{element:?}");
                assert_ne!(element.name().as_ref(), "script");
            }
            quick_xml::events::Event::End(_) => depth -= 1,
            quick_xml::events::Event::Text(part) => text.push_str(&part),
            quick_xml::events::Event::GeneralRef(part) => {
                text.push(match &*part {
                    "lt" => '<',
                    "gt" => '>',
                    "amp" => '&',
                    "quot" => '"',
                    "apos" => '\'',
                    other => panic!("{other}"),
                });
            }
            _ => {}
        }
    }
    assert_eq!(depth, 0);
    text
}

#[test]
fn the_picture_is_well_formed_whatever_titles_and_tags_say() {
    let mut hostile = records(0..64);
    for record in &mut hostile {
        record.title =
            format!("</text><script>alert(1)</script>\u{0}\u{1b}\u{fffe}\u{202e} ]]> {}", record.title);
        record.tags.insert(0, "\u{202e}\"'><svg onload=\"x\">&amp;\u{7}\u{ffff}".into());
    }
    let library = ToyLibrary::of(hostile);
    let (_, points) = map_of(library.folder.path());
    for colour in [Colour::Tag, Colour::Year] {
        let svg = Picture { colour, size: 600 }.svg(&points);
        let text = text_of(&svg);
        assert!(text.contains("Map of 64 papers"), "{text}");
        assert!(!svg.contains("<script") && !svg.contains("<svg onload"));
        assert!(
            !svg.chars()
                .any(|c| matches!(c, '\0' | '\u{7}' | '\u{1b}' | '\u{202e}' | '\u{fffe}' | '\u{ffff}'))
        );
        let drawn: usize = svg.matches("h0").count();
        assert_eq!(drawn, 64, "every paper is a point");
    }
}

#[test]
fn a_map_is_drawn_without_a_model_in_every_script() {
    let library = ToyLibrary::of(records(0..64));
    let folder = tempfile::tempdir().unwrap();
    let drawn = |arguments: &[&str]| {
        paperkin(library.folder.path())
            .arg("map")
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .unwrap()
    };
    let told = drawn(&[]);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let svg = fs_err::read_to_string(folder.path().join("map.svg")).unwrap();
    let text = text_of(&svg);
    for tag in ["net", "양자", "图网络", "<soil & \"wet\">"] {
        assert!(text.contains(tag), "{tag}: {text}");
    }
    assert!(drawn(&["--colour", "year", "-o", "years.png", "--size", "400"]).status.success());
    let png = fs_err::read(folder.path().join("years.png")).unwrap();
    assert!(png.starts_with(b"\x89PNG") && png[16..20] == 400u32.to_be_bytes());
    let refused = drawn(&["-o", "map.gif"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--format"));
    let inside = drawn(&["-o", library.folder.path().join("map.svg").to_str().unwrap()]);
    assert!(String::from_utf8_lossy(&inside.stderr).contains("inside of the library"));
}
