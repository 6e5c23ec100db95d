#!/usr/bin/env bash
# Adds, changes and deletes vectors for ten minutes while the index is searched and published anew behind; says how many answers there
# were, the least recall, and how long they took while something was published and while not. The gate's own test (tests/churn.rs), at
# length. It fails where an answer is wrong or shows what was deleted, or where recall@10 of 200 answers is below 0.98.
#
#   scripts/churn.sh VECTORS.f32 [SECONDS [CHANGES]]   vectors of 384 numbers, f32, little-endian, row by row, of length one, such as
#                                                      scripts/bench-ann.sh keeps; default 600 seconds, 100,000 changes
#   PAPERKIN_SEED=N scripts/churn.sh ...               repeats one
set -euo pipefail
if [ $# -lt 1 ] || [ ! -f "$1" ]; then
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2
  exit 2
fi
PAPERKIN_CHURN_VECTORS=$(realpath "$1")
export PAPERKIN_CHURN_VECTORS PAPERKIN_CHURN_SECONDS=${2:-600} PAPERKIN_CHURN_CHANGES=${3:-100000}
export PAPERKIN_SEED=${PAPERKIN_SEED:-$(date +%s)}
cd "$(dirname "$0")/.."
source scripts/setup.sh
step "PAPERKIN_SEED=$PAPERKIN_SEED, $PAPERKIN_CHURN_CHANGES changes in $PAPERKIN_CHURN_SECONDS seconds"
cargo test --release --locked --test integration -- --nocapture churn::
