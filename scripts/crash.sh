#!/usr/bin/env bash
# Kills an ingest of the vault again and again and looks for losses: the test of the gate, with more rounds and fresh seeds.
#
#   scripts/crash.sh [ROUNDS]      each of 25 kills; default 4
#   PAPERKIN_SEED=N scripts/crash.sh 1      repeats one
set -euo pipefail
cd "$(dirname "$0")/.."
export PAPERKIN_REQUIRE_DATA=1 PAPERKIN_KILLS=${PAPERKIN_KILLS:-25}
for round in $(seq "${1:-4}"); do
  echo "round $round"
  cargo test --release --locked --test integration -- --nocapture crash::
done
