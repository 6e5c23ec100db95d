#!/usr/bin/env bash
# Measures paperkin's index and its peers on the same vectors with the same parameters, in turns, and prints the table of the README.
#
#   scripts/bench-ann.sh                              100,000 abstracts, embedded first: an hour, kept for the next time
#   scripts/bench-ann.sh --count 20000 --rounds 1     a quick look: 20,000 of them
#   scripts/bench-ann.sh --vectors A.f32 --queries B.f32   vectors of one's own: f32, little-endian, row by row, of length one
#   scripts/bench-ann.sh --engines paperkin,hnswlib --json ann.json
#   scripts/bench-ann.sh --picture curve.svg          draws the curves too
#   scripts/bench-ann.sh --growth --vectors A.f32 --queries B.f32   paperkin alone, with 10,000 of them, 30,000, 100,000 and so on
#
# Engines: paperkin hnsw_rs hnswlib faiss faiss-sq8 usearch-f32 usearch-f16 usearch-i8 qdrant. M is 16 and ef_construction 200 for all
# who have them; --rounds is 3. Searches are for 10 neighbours, by one thread and by all. Recall is against an exact search.
#
# Linking is measured until the last vector is in the index; paperkin's until it is published, so with writing, syncing and measuring
# its own recall. It is searched by a process that opens what was published. Qdrant is its in-process build, asked one by one from
# Python; that holds the interpreter's lock while it searches, so there is no number for all threads.
#
# Peers are installed by name into an environment of their own under PAPERKIN_BENCH (default: paperkin-bench-ann in the folder for
# temporary files), which also keeps the vectors; delete it to be rid of them. Texts are read from ../shared/data (PAPERKIN_SHARED
# names another place). Close what else wants the processor. A peer that cannot be installed gets a row that says so.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bench=${PAPERKIN_BENCH:-${TMPDIR:-/tmp}/paperkin-bench-ann}
source "$here/peers.sh"
for package in numpy zstandard hnswlib faiss-cpu usearch qdrant-edge-py; do install_peer "$package"; done

step "build"
(cd "$here/.." && cargo build --release --locked --bin paperkin --example hnsw-rs >&2)
cd "$here/.."
exec "$python" "$here/bench_ann/driver.py" --data "$shared/data" --cache "$bench" "$@"
