#!/usr/bin/env bash
# Kills the real binary at random moments, amid embedding, and every time that it reaches a named place; counts what was
# lost, invented, doubled or garbled. The gate's own tests (tests/crash), at length.
#
#   scripts/crash.sh [KILLS]                     default 200: 20,000 papers
#   PAPERKIN_SEED=N scripts/crash.sh [KILLS]     repeats one
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/setup.sh
export PAPERKIN_REQUIRE_DATA=1
export PAPERKIN_KILLS=${1:-${PAPERKIN_KILLS:-200}} PAPERKIN_SEED=${PAPERKIN_SEED:-$(date +%s)}
step "PAPERKIN_SEED=$PAPERKIN_SEED, $PAPERKIN_KILLS kills"
cargo build --release --locked
target/release/paperkin model fetch
cargo test --release --locked --test integration -- --nocapture --test-threads 1 crash::
