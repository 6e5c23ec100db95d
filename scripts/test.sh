#!/usr/bin/env bash
# Every check and every test, with the real model. This is the gate: .ci/run calls it and nothing weaker.
# Real texts are read from ../shared/data (PAPERKIN_SHARED names another place); without them the tests that need
# them say so and pass, but not in CI or with PAPERKIN_REQUIRE_DATA=1.
#
#   scripts/test.sh [test name...]
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/setup.sh

if [ $# -eq 0 ]; then
  step "format"
  cargo fmt --check
  step "lints"
  cargo clippy --release --locked --all-targets -- -D warnings
  step "documentation"
  RUSTDOCFLAGS="-D warnings -A rustdoc::private-intra-doc-links" cargo doc --release --locked --no-deps --document-private-items
fi
step "build"
cargo build --release --locked
step "model"
target/release/paperkin model fetch
target/release/paperkin model verify
step "tests of scripts"
python3 -m unittest discover -s scripts/bench_peers
step "tests"
# Few at a time: the model takes all cores by itself.
cargo test --release --locked -- --test-threads 2 "$@"

if [ $# -eq 0 ]; then
  step "tests with other people's clients"
  # Installed once, by name, into a folder of their own: until what is asked for changes.
  clients=target/clients
  if ! cmp -s tests/clients/requirements.txt "$clients/installed"; then
    python3 -c 'import ensurepip' 2>/dev/null || need ensurepip python3-venv
    rm -rf "$clients"
    python3 -m venv "$clients"
    "$clients/bin/python" -m pip install -q -r tests/clients/requirements.txt
    cp tests/clients/requirements.txt "$clients/installed"
  fi
  "$clients/bin/python" -m unittest discover -s tests/clients

  step "tests of the pages in a browser"
  source scripts/pages.sh
fi
