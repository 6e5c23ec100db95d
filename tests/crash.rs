//! kill -9 at random moments of an ingest loses nothing that was acknowledged, and no work that was committed.
//!
//! The real binary, the real model, the vault of 945 notes. A killed process leaves the page cache, so this says nothing
//! about lost power: `src/store` has its own tests for that. `scripts/crash.sh` runs more rounds, with other seeds.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use paperkin::paper::PaperId;
use paperkin::store::{Counts, Store};
use serde_json::Value;

use crate::support::{paperkin, seed, shared_data};

const NOTES: usize = 945;

/// What an ingest said on standard output, line by line, until it ended or was killed.
struct Said {
    acknowledged: BTreeSet<String>,
    done: Option<Value>,
}

/// Runs an ingest of `source`; kills it after `life`, if it still runs then.
fn ingest(library: &Path, source: &Path, life: Option<Duration>) -> Said {
    let mut child = paperkin(library)
        .args(["--json", "ingest"])
        .arg(source)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let reader = std::thread::spawn(move || {
        let mut said = Said { acknowledged: BTreeSet::new(), done: None };
        // The last line of a killed process may be cut: that is no acknowledgement.
        for line in output.lines().map_while(Result::ok) {
            let Ok(event) = serde_json::from_str::<Value>(&line) else { continue };
            match event["event"].as_str() {
                Some("acknowledged") => {
                    said.acknowledged.insert(event["id"].as_str().unwrap().to_owned());
                }
                Some("done") => said.done = Some(event),
                _ => {}
            }
        }
        said
    });
    if let Some(life) = life {
        std::thread::sleep(life);
        child.kill().unwrap();
    }
    child.wait().unwrap();
    reader.join().unwrap()
}

fn counts(library: &Path) -> Counts {
    Store::open(library).and_then(|store| store.counts()).unwrap_or_default()
}

#[test]
fn ten_kills_lose_nothing_and_the_vault_is_whole_in_the_end() {
    let Some(data) = shared_data() else { return };
    let vault = data.join("vault");
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path();
    let mut random = seed("PAPERKIN_SEED");
    let kills: usize = std::env::var("PAPERKIN_KILLS").map_or(10, |kills| kills.parse().unwrap());
    let mut acknowledged = BTreeSet::new();
    let mut embedded = 0;
    for round in 0..kills {
        // Early kills hit reading, later ones embedding.
        let life = Duration::from_millis(200 + random.below(if round % 2 == 0 { 4_000 } else { 12_000 }));
        acknowledged.extend(ingest(library, &vault, Some(life)).acknowledged);
        if acknowledged.is_empty() {
            continue;
        }
        let store = Store::open(library).unwrap();
        for id in &acknowledged {
            let id: PaperId = id.parse().unwrap();
            assert!(
                store.paper_by_name(&id).unwrap().is_some(),
                "round {round}: {id} was acknowledged and is gone"
            );
        }
        let now = counts(library);
        println!("killed after {life:?}: {} acknowledged, {now:?}", acknowledged.len());
        assert!(now.passages - now.pending >= embedded, "round {round}: vectors were lost");
        embedded = now.passages - now.pending;
    }

    let said = ingest(library, &vault, None);
    let done = said.done.expect("the ingest ends");
    let report = &done["report"];
    let total = counts(library);
    assert_eq!(report["records"].as_u64().unwrap() + report["no_paper"].as_u64().unwrap(), NOTES as u64);
    assert_eq!(report["no_paper"], 1, "Untitled.md, named");
    assert_eq!(report["refused"], 0);
    assert_eq!(total.pending, 0);
    assert_eq!(
        report["embedded"].as_u64().unwrap(),
        total.passages - embedded,
        "only what was missing was embedded"
    );
    let store = Store::open(library).unwrap();
    let mut records = 0;
    store.visit_papers(|number, _| records += store.records(number).unwrap().len()).unwrap();
    assert_eq!(records as u64, report["records"].as_u64().unwrap(), "no note twice, none missing");

    let revision = store.revision().unwrap();
    drop(store);
    let again = ingest(library, &vault, None).done.unwrap();
    let report = &again["report"];
    assert_eq!((&report["new"], &report["changed"], &report["embedded"]), (&0.into(), &0.into(), &0.into()));
    assert_eq!(report["published"], false);
    assert_eq!(Store::open(library).unwrap().revision().unwrap(), revision, "nothing changed");
    let check = paperkin(library).arg("check").output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
}
