#!/usr/bin/env bash
# Truncates, flips, swaps and deletes what a library is made of, and looks whether each damage is named, none read as
# truth, and search goes on. The gate's own tests with another seed and more rounds.
#
#   scripts/damage.sh [ROUNDS]                    of the store; default 5000
#   PAPERKIN_SEED=N scripts/damage.sh [ROUNDS]    repeats one
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/setup.sh
export PAPERKIN_ROUNDS=${1:-5000} PAPERKIN_SEED=${PAPERKIN_SEED:-$(date +%s)}
step "PAPERKIN_SEED=$PAPERKIN_SEED, $PAPERKIN_ROUNDS damages of the store"
cargo test --release --locked --test integration -- --nocapture --test-threads 1 damage
