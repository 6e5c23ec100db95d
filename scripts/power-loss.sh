#!/usr/bin/env bash
# Power lost at any moment. The store: on a disk in memory, at every sync and in seeded mixes of what was not synced
# yet (src/store/faults.rs). The files beside it: by the system calls of a real ingest, each file of a generation must
# be synced before CURRENT names it, and each directory after what was made or renamed in it.
#
#   scripts/power-loss.sh [MIXES]                    default 1000
#   PAPERKIN_SEED=N scripts/power-loss.sh [MIXES]    repeats one
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/setup.sh
need strace strace
export PAPERKIN_MIXES=${1:-1000} PAPERKIN_SEED=${PAPERKIN_SEED:-$(date +%s)}
step "PAPERKIN_SEED=$PAPERKIN_SEED, $PAPERKIN_MIXES mixes"
cargo build --release --locked
target/release/paperkin model fetch
cargo test --release --locked --lib -- --nocapture --test-threads 1 store::faults

step "system calls of an ingest"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export PAPERKIN_LIBRARY=$folder/library
for round in 1 2; do
  # The second publishes over the first.
  printf '{"title": "한국어 논문 %s 号", "abstract": "Round %s."}\n' "$round" "$round" >"$folder/papers.jsonl"
  strace -f -y -qq -o "$folder/trace.$round" \
    -e trace=openat,write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,mkdir,unlink,close \
    target/release/paperkin ingest "$folder/papers.jsonl"
  python3 scripts/synced.py "$folder/trace.$round" "$PAPERKIN_LIBRARY"
  # The control: a trace without its syncs must not pass.
  for kind in '\.f32' 'CURRENT' 'generations>' 'store\.redb'; do
    grep -Ev "f(data)?sync\([0-9]+<[^>]*$kind" "$folder/trace.$round" >"$folder/less" || true
    if cmp -s "$folder/trace.$round" "$folder/less"; then continue; fi
    if python3 scripts/synced.py "$folder/less" "$PAPERKIN_LIBRARY" >"$folder/verdict" 2>&1; then
      echo "the control failed: without syncs of $kind nothing was found" >&2
      exit 1
    fi
  done
done
