#!/usr/bin/env bash
# Builds paperkin, gets the model, reads PATHs (default: the bundled sample) and serves them on 127.0.0.1.
# A second run takes seconds: what is built, fetched and embedded already is not done again.
#
#   scripts/start.sh [PATH...]
#
# PAPERKIN_LIBRARY, PAPERKIN_MODELS, PAPERKIN_PORT choose other places.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/setup.sh

paths=("$@")
if [ ${#paths[@]} -eq 0 ]; then
  paths=(scripts/sample)
fi

step "build"
cargo build --release --locked
step "model"
target/release/paperkin model fetch
step "read"
# 1: some records were refused, each named above; the others are in.
target/release/paperkin ingest "${paths[@]}" || [ $? -eq 1 ]
step "serve"
exec target/release/paperkin serve --listen "127.0.0.1:${PAPERKIN_PORT:-7117}"
