//! A killed ingest loses nothing that was acknowledged, invents nothing, and none of its committed work is done twice.
//!
//! The real binary dies at random moments and at every named place (`src/failpoint.rs`). A killed process leaves the page
//! cache, so this says nothing about lost power: `src/store/faults.rs` and `scripts/power-loss.sh` do. The gate kills a
//! few dozen times; `scripts/crash.sh` does it at length, and `PAPERKIN_SEED=N` repeats either.
//!
//! The control was done by hand, as the product has no switch for being broken: with records acknowledged before
//! `Writer::put` instead of after it, `PAPERKIN_SEED=7 PAPERKIN_KILLS=10` lost 400 of some 5,000 acknowledged papers, each named;
//! as it should be, 0 of 5,000. (`Durability::None` shows nothing here: redb refuses it in the mode with readers beside.)

mod papers;
mod run;
mod tally;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use paperkin::failpoint;
use paperkin::index::Published;
use paperkin::paper::PaperId;
use paperkin::store::{Counts, Store};

use crate::support::{Random, paperkin, seed, shared_data};
use papers::Papers;
use run::{Life, TEXT_ONLY, ingest_of, run};
use tally::Tally;

/// Kills that the script asks for; the gate asks for none in particular.
fn kills_asked() -> Option<usize> {
    std::env::var("PAPERKIN_KILLS").ok().map(|kills| kills.parse().unwrap())
}

#[test]
fn kills_at_random_moments_lose_nothing_acknowledged() {
    let kills = kills_asked().unwrap_or(12);
    let mut random = seed("PAPERKIN_SEED");
    let (source, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let library = folder.path();
    let mut papers = Papers::new(source.path(), random.below(u64::MAX), kills * 100);
    let mut tally = Tally::default();
    for round in 0..kills {
        papers.revise(&mut random, if round == 0 { 1 } else { 4 });
        // Some die while they open or repair the store, most between or inside two commits, a few never.
        let life = match random.below(4) {
            0 => Life::Time(Duration::from_millis(random.below(100 + papers.len() as u64 / 10))),
            _ => {
                // Of what changed in this round; the last commit is followed by little that can be killed.
                let acknowledged = 1 + random.below(papers.len() as u64 / 8) as usize;
                Life::Acknowledged(acknowledged, Duration::from_micros(random.below(2_000)))
            }
        };
        let said = run(ingest_of(library, papers.folder()).args(TEXT_ONLY), life);
        tally.look(library, &papers, &said);
        if round % 8 == 7 {
            tally.check(library);
        }
    }
    let said = run(ingest_of(library, papers.folder()).args(TEXT_ONLY), Life::Full);
    tally.look(library, &papers, &said);
    tally.check(library);
    tally.conclude("random moments");
    assert!(tally.is_complete(&papers), "the last ingest came to the end");
    assert!(tally.kills * 2 >= kills, "{} of {kills} were killed in time", tally.kills);
    assert!(tally.acknowledged >= papers.len(), "{} acknowledged", tally.acknowledged);
}

#[test]
fn death_at_every_failpoint_is_recovered_by_the_next_ingest() {
    let mut random = seed("PAPERKIN_SEED");
    let (source, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let library = folder.path();
    let log = source.path().join("reached.log");
    let mut papers = Papers::new(source.path(), random.below(u64::MAX), 3);
    papers.revise(&mut random, 1);
    let mut tally = Tally::default();
    let mut deaths = 0;
    for name in failpoint::NAMES {
        for at in 1.. {
            let mut command = ingest_of(library, papers.folder());
            command.env("PAPERKIN_FAILPOINT", format!("{name}:{at}")).env("PAPERKIN_FAILPOINT_LOG", &log);
            let said = run(&mut command, Life::Full);
            tally.look(library, &papers, &said);
            tally.check(library);
            assert!(said.died() || at > 1, "{name} is never reached: {}", said.status);
            if !said.died() {
                break;
            }
            deaths += 1;
            // Only a library that is not there yet can be made: the next one dies before anything is finished.
            if name.starts_with("store.create") {
                break;
            }
            finishes(library, &papers, &mut tally);
            papers.revise(&mut random, 1);
            // The gate dies once at each place, the script each time that it is reached.
            if kills_asked().is_none() {
                break;
            }
        }
    }
    let reached = fs_err::read_to_string(&log).unwrap();
    let reached: BTreeSet<&str> = reached.lines().collect();
    println!("{deaths} deaths at {} places", reached.len());
    assert_eq!(reached, failpoint::NAMES.into_iter().collect());
    tally.conclude("failpoints");
}

/// The next ingest makes everything whole: the index is of the store as it is, and publishing leaves nothing half made.
fn finishes(library: &Path, papers: &Papers, tally: &mut Tally) {
    Published::open(library).expect("a death leaves the old generation, or the new one, or none");
    let said = run(&mut ingest_of(library, papers.folder()), Life::Full);
    tally.look(library, papers, &said);
    assert!(said.status.success() && tally.is_complete(papers), "{}", said.status);
    assert_eq!(counts(library).pending, 0);
    let published = Published::open(library).unwrap().unwrap();
    assert_eq!(published.manifest.revision, Store::open(library).unwrap().revision().unwrap());
    // Death right after publishing leaves nothing to publish, and the old generation until the next time.
    if said.done.unwrap()["report"]["published"] == false {
        return;
    }
    let mut left: Vec<String> = fs_err::read_dir(library.join("generations"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, [&published.number.to_string(), "CURRENT", "publish.lock"]);
}

#[test]
fn every_failpoint_is_placed_and_every_place_is_listed() {
    fn places(folder: &Path, found: &mut Vec<String>) {
        for entry in fs_err::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                places(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = fs_err::read_to_string(&path).unwrap();
                let calls = text.split("failpoint::reach(\"").skip(1);
                found.extend(calls.map(|call| call.split('"').next().unwrap().to_owned()));
            }
        }
    }
    let mut found = Vec::new();
    places(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found.sort();
    let mut listed = failpoint::NAMES.to_vec();
    listed.sort_unstable();
    assert_eq!(found, listed);
}

fn counts(library: &Path) -> Counts {
    Store::open(library).and_then(|store| store.counts()).unwrap_or_default()
}

/// The vault, or so many of its notes as the gate has time to embed.
fn notes(random: &mut Random, folder: &Path, most: usize) -> Option<usize> {
    let mut all: Vec<PathBuf> = fs_err::read_dir(shared_data()?.join("vault"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .collect();
    all.sort();
    while all.len() > most {
        all.swap_remove(random.below(all.len() as u64) as usize);
    }
    for note in &all {
        fs_err::copy(note, folder.join(note.file_name().unwrap())).unwrap();
    }
    Some(all.len())
}

#[test]
fn kills_amid_embedding_cost_no_vector_that_was_stored() {
    let (kills, most, longest) = match kills_asked() {
        None => (3, 40, 2_500),
        Some(kills) => (kills.div_ceil(8), usize::MAX, 12_000),
    };
    let mut random = seed("PAPERKIN_SEED");
    let (source, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(notes) = notes(&mut random, source.path(), most) else { return };
    let library = folder.path();
    let mut acknowledged = BTreeSet::new();
    let mut embedded = 0;
    for round in 0..kills {
        // Early kills hit reading, later ones embedding.
        let longest = if round % 2 == 0 { longest } else { longest / 3 };
        let life = Life::Time(Duration::from_millis(200 + random.below(longest)));
        let said = run(&mut ingest_of(library, source.path()), life);
        acknowledged.extend(said.acknowledged.into_iter().map(|line| line.id));
        if acknowledged.is_empty() {
            continue;
        }
        let store = Store::open(library).unwrap();
        for id in &acknowledged {
            let id: PaperId = id.parse().unwrap();
            let found = store.paper_by_name(&id).unwrap();
            assert!(found.is_some(), "round {round}: {id} was acknowledged and is gone");
        }
        let now = counts(library);
        println!("killed after {life:?}: {} acknowledged, {now:?}", acknowledged.len());
        assert!(now.passages - now.pending >= embedded, "round {round}: vectors were lost");
        embedded = now.passages - now.pending;
    }

    let said = run(&mut ingest_of(library, source.path()), Life::Full);
    let done = said.done.expect("the ingest ends");
    let report = &done["report"];
    let total = counts(library);
    assert_eq!(report["records"].as_u64().unwrap() + report["no_paper"].as_u64().unwrap(), notes as u64);
    assert_eq!(report["refused"], 0);
    assert_eq!(total.pending, 0);
    let missing = total.passages - embedded;
    assert_eq!(report["embedded"].as_u64().unwrap(), missing, "only what was missing was embedded");
    let store = Store::open(library).unwrap();
    let mut records = 0;
    store.visit_papers(|number, _| records += store.records(number).unwrap().len()).unwrap();
    assert_eq!(records as u64, report["records"].as_u64().unwrap(), "no note twice, none missing");

    let revision = store.revision().unwrap();
    drop(store);
    let again = run(&mut ingest_of(library, source.path()), Life::Full).done.unwrap();
    let report = &again["report"];
    assert_eq!((&report["new"], &report["changed"], &report["embedded"]), (&0.into(), &0.into(), &0.into()));
    assert_eq!(report["published"], false);
    assert_eq!(Store::open(library).unwrap().revision().unwrap(), revision, "nothing changed");
    let check = paperkin(library).arg("check").output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
}
