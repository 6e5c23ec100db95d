//! A published generation is whole, or it is refused, and the file that is damaged is named.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};

use paperkin::index::{Beside, Coded, Draft, GenerationError, Kind, Published};
use paperkin::paper::UnitVector;
use tempfile::TempDir;

const DIMENSION: usize = 12;
const COUNT: u32 = 1500;

/// A fixed sequence, the same everywhere.
struct Sequence(u64);

impl Sequence {
    fn next(&mut self) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize
    }
}

fn vectors(seed: u64) -> Vec<UnitVector> {
    let mut sequence = Sequence(seed);
    let mut one = || (0..DIMENSION).map(|_| (sequence.next() % 2001) as f32 - 1000.0).collect();
    (0..COUNT).map(|_| UnitVector::new(one()).unwrap()).collect()
}

/// Of the numbers 0, 2, 4 and so on; a third of them have two sentences each.
fn publish(
    library: &Path,
    seed: u64,
    kind: Option<Kind>,
    count: usize,
) -> Result<Published, GenerationError> {
    let mut draft = Draft::begin(library, DIMENSION)?;
    let vectors = vectors(seed);
    for (at, vector) in vectors.iter().enumerate().take(count) {
        draft.push(2 * at as u32, vector);
        if at % 3 == 0 {
            draft.push_sentences(2 * at as u32, &[vectors[0].clone(), vector.clone()]);
        }
    }
    let beside = Beside { folder: "beside", write: &write_beside };
    draft.publish("model", b"{\"ko\": [1.0]}", seed, kind, Some(beside))
}

fn published(library: &Path, seed: u64) -> Published {
    publish(library, seed, None, COUNT as usize).unwrap()
}

fn write_beside(folder: &Path) -> std::io::Result<Vec<String>> {
    fs_err::write(folder.join("terms"), "낱말 word 词".repeat(40))?;
    Ok(vec!["terms".to_owned()])
}

fn current(library: &Path) -> PathBuf {
    let (number, _) = Published::peek(library).unwrap().unwrap();
    library.join("generations").join(number.to_string())
}

fn answers(published: &Published) -> Vec<Vec<u32>> {
    let search = |query| published.index.search(query, 10, &|_| true);
    let numbers = |query| search(query).iter().map(|found| found.number).collect();
    vectors(77).iter().take(50).map(numbers).collect()
}

#[test]
fn what_is_published_is_opened_and_answers_the_same() {
    for kind in [Kind::Exact, Kind::Hnsw] {
        let library = TempDir::new().unwrap();
        assert!(Published::open(library.path()).unwrap().is_none());
        let published = publish(library.path(), 1, Some(kind), COUNT as usize).unwrap();
        let opened = Published::open(library.path()).unwrap().unwrap();
        assert_eq!(opened.manifest, published.manifest);
        assert_eq!((opened.manifest.kind, opened.manifest.count, opened.manifest.revision), (kind, 1500, 1));
        assert_eq!(opened.transform, b"{\"ko\": [1.0]}");
        assert_eq!(answers(&opened), answers(&published));
        assert_eq!(opened.sentences.len(), 1000);
        let rows = vectors(1);
        let near = |number: u32, row: usize| {
            let query = Coded::of(&rows[row]);
            let sentences = opened.sentences.of_passage(number).unwrap();
            sentences.rows().map(|sentence| sentence.similarity(&query)).reduce(f32::max).unwrap()
        };
        assert!(near(6, 3) > 0.999 && near(2_994, 1_497) > 0.999 && near(6, 1_497) < 0.99);
        assert!(opened.sentences.of_passage(2).is_none());
        assert!(opened.index.vector(2_998).unwrap().cosine(&rows[1_499]) > 0.999_999);
        assert!(opened.manifest.require("model").is_ok());
        assert!(matches!(opened.manifest.require("another"), Err(GenerationError::OtherModel { .. })));
    }
}

#[test]
fn an_empty_library_can_be_published() {
    for kind in [Kind::Exact, Kind::Hnsw] {
        let library = TempDir::new().unwrap();
        publish(library.path(), 1, Some(kind), 0).unwrap();
        assert!(Published::open(library.path()).unwrap().unwrap().index.is_empty());
    }
}

#[test]
fn the_next_generation_replaces_the_last_and_cleans_up() {
    let library = TempDir::new().unwrap();
    let old = published(library.path(), 1);
    let remains = library.path().join("generations/new-9");
    fs_err::create_dir(&remains).unwrap();
    fs_err::write(remains.join("vectors.f32"), "half").unwrap();
    // Killed between its rename and the flip: complete, and never current.
    let unnamed = library.path().join("generations/5");
    fs_err::create_dir(&unnamed).unwrap();

    let new = published(library.path(), 2);
    assert_eq!((old.number, new.number), (1, 6));
    assert_eq!(Published::open(library.path()).unwrap().unwrap().manifest.revision, 2);
    let mut left: Vec<String> = fs_err::read_dir(library.path().join("generations"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["6", "CURRENT", "publish.lock"]);
    assert_eq!(answers(&old).len(), 50, "what was opened before goes on answering");
}

#[test]
fn what_is_not_published_leaves_nothing_and_what_was_stays() {
    let library = TempDir::new().unwrap();
    published(library.path(), 1);
    let left = || -> Vec<String> {
        let entries = fs_err::read_dir(library.path().join("generations")).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let mut draft = Draft::begin(library.path(), DIMENSION).unwrap();
    draft.push(1, &vectors(2)[0]);
    assert_eq!(left(), ["1", "CURRENT", "new-2", "publish.lock"]);
    assert!(matches!(Draft::begin(library.path(), DIMENSION), Err(GenerationError::Busy(_))));
    drop(draft);
    assert_eq!(left(), ["1", "CURRENT", "publish.lock"]);

    let full = |_: &Path| Err(std::io::Error::from(std::io::ErrorKind::StorageFull));
    let refused = |draft: Draft, beside: Option<Beside<'_>>| {
        draft.publish("model", b"{}", 2, None, beside).err().unwrap()
    };
    let mut draft = Draft::begin(library.path(), DIMENSION).unwrap();
    draft.push(1, &vectors(2)[0]);
    let error = refused(draft, Some(Beside { folder: "beside", write: &full }));
    assert!(matches!(error, GenerationError::DiskFull(_)), "{error}");
    // What nobody could open again.
    let mut draft = Draft::begin(library.path(), DIMENSION).unwrap();
    draft.push(7, &vectors(2)[0]);
    draft.push(3, &vectors(2)[1]);
    let error = refused(draft, None);
    assert!(matches!(error, GenerationError::Damaged { .. }), "{error}");
    assert_eq!(left(), ["1", "CURRENT", "publish.lock"]);
    assert_eq!(answers(&Published::open(library.path()).unwrap().unwrap()).len(), 50);
}

#[test]
fn a_reader_beside_a_publisher_always_has_a_generation() {
    let library = TempDir::new().unwrap();
    published(library.path(), 1);
    std::thread::scope(|scope| {
        let publisher = scope.spawn(|| (2..20).for_each(|seed| drop(published(library.path(), seed))));
        let mut last = 0;
        while !publisher.is_finished() {
            let opened = Published::open(library.path()).unwrap().unwrap();
            assert!(opened.number >= last);
            last = opened.number;
        }
    });
}

#[test]
fn damage_to_any_file_is_found_and_the_file_is_named() {
    let seed: u64 = std::env::var("PAPERKIN_SEED").map_or(20_261_121, |seed| seed.parse().unwrap());
    println!("PAPERKIN_SEED={seed}");
    let mut sequence = Sequence(seed);
    let mut damages = 0;
    let library = TempDir::new().unwrap();
    publish(library.path(), 1, Some(Kind::Hnsw), COUNT as usize).unwrap();
    let other = TempDir::new().unwrap();
    publish(other.path(), 2, Some(Kind::Hnsw), COUNT as usize).unwrap();
    let mut files: Vec<PathBuf> =
        fs_err::read_dir(current(library.path())).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.is_file());
    assert_eq!(files.len(), 11);
    files.push(current(library.path()).join("beside/terms"));
    files.push(library.path().join("generations/CURRENT"));
    let folder = current(library.path());
    let rows = vectors(1);
    let used = |opened: &Published| -> usize {
        let given = |number: u32, row: &UnitVector| {
            let vector = opened.index.vector(number);
            assert!(vector.as_ref().is_none_or(|vector| vector.cosine(row) > 0.999_999), "{number}");
            let sentences = opened.sentences.of_passage(number);
            let itself =
                sentences.as_ref().and_then(|own| Some(own.rows().nth(1)?.similarity(&Coded::of(row))));
            assert!(itself.is_none_or(|itself| itself > 0.999), "{number}: {itself:?}");
            usize::from(vector.is_some()) + usize::from(sentences.is_some())
        };
        (0..).step_by(2).zip(&rows).map(|(number, row)| given(number, row)).sum()
    };
    let whole = used(&Published::open(library.path()).unwrap().unwrap());
    assert_eq!(whole, 1_500 + 500);
    let mut is_damaged = |file: &Path, how: &str| {
        damages += 1;
        let opened = Published::open(library.path()).map(Option::unwrap);
        if let Ok(opened) = &opened {
            // What is read only when it is wanted is right, or is not given.
            let given = used(opened);
            assert_eq!(opened.damaged().is_some(), given < whole, "{how} of {}", file.display());
        }
        match opened.and_then(|opened| opened.verify()) {
            Err(error @ GenerationError::Damaged { .. }) => {
                let name = file.file_name().unwrap().to_str().unwrap();
                let named = error.to_string().contains(name) || name == "CURRENT";
                assert!(named, "{how}: {error} does not name {name}");
            }
            Err(error) => panic!("{how}: {error}"),
            Ok(()) => panic!("{how} of {} was not found", file.display()),
        }
    };
    for file in &files {
        let whole = fs_err::read(file).unwrap();
        for part in 0..64 {
            // The short lengths and the last ones, and between them as chance will have it.
            let length = match part {
                0..8 => part.min(whole.len() - 1),
                8..16 => whole.len() - (part - 7).min(whole.len()),
                _ => sequence.next() % whole.len(),
            };
            fs_err::write(file, &whole[..length]).unwrap();
            is_damaged(file, "truncation");
        }
        for _ in 0..256 {
            let mut bytes = whole.clone();
            let at = sequence.next() % bytes.len();
            bytes[at] ^= 1 << (sequence.next() % 8);
            fs_err::write(file, &bytes).unwrap();
            is_damaged(file, "a flipped bit");
        }
        fs_err::write(file, vec![0; whole.len()]).unwrap();
        is_damaged(file, "zeros");
        let mut longer = whole.clone();
        longer.push(0);
        fs_err::write(file, longer).unwrap();
        is_damaged(file, "a byte more");
        if file.file_name().unwrap() != "transform.json" {
            let foreign = match file.file_name().unwrap().to_str().unwrap() {
                "CURRENT" => other.path().join("generations/CURRENT"),
                _ => current(other.path()).join(file.strip_prefix(&folder).unwrap()),
            };
            let foreign = fs_err::read(foreign).unwrap();
            if foreign != whole {
                fs_err::write(file, foreign).unwrap();
                is_damaged(file, "a swap");
            }
        }
        fs_err::remove_file(file).unwrap();
        if file.ends_with("CURRENT") {
            assert!(Published::open(library.path()).unwrap().is_none());
        } else {
            is_damaged(file, "deletion");
        }
        fs_err::write(file, whole).unwrap();
    }
    println!("{damages} damages, each found");
    assert!(damages > 11 * (64 + 256), "{damages}");
    assert!(Published::open(library.path()).unwrap().is_some(), "put back as it was, it is whole");
    fs_err::write(&files[5], "not a generation").unwrap();
    assert_eq!(published(library.path(), 3).number, 2, "publishing repairs");
    assert!(Published::open(library.path()).unwrap().is_some());
}
