#!/usr/bin/env bash
# Fills a file system of ten megabytes with the real binary and a running service on it: tests/disk_full.rs, which the
# gate runs, too. Fails where no file system can be mounted, so that nobody takes a skipped test for a passed one.
#
#   scripts/disk-full.sh
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/setup.sh
step "a disk of ten megabytes (no seed: nothing in it is left to chance)"
output=$(mktemp)
trap 'rm -f "$output"' EXIT
cargo build --release --locked
target/release/paperkin model fetch
cargo test --release --locked --test integration -- --nocapture --test-threads 1 disk_full:: | tee "$output"
if grep -q 'skipped: no file system' "$output"; then
  echo "no file system can be mounted here: run it as root, or where 'unshare --mount --map-root-user' works" >&2
  exit 2
fi
