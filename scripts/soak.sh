#!/usr/bin/env bash
# Asks the real binary, over loopback, for every figure of tests 6 to 15 of the reliability anchors, and for how fast it answers under load:
# too large, broken and unfolding bodies, slow clients, a thousand at once, clients that leave, a signal amid work, keys, paths that lead
# outside, addresses that lead elsewhere. Prints a table of what was asked and what was reached, and fails where something was not.
#
#   scripts/soak.sh                          all of it at full length: three quarters of an hour
#   scripts/soak.sh --quick                  shorter: ten minutes
#   scripts/soak.sh --only 6,9,related       some: 6 to 15, related, search, memory, schemathesis
#   scripts/soak.sh --library DIR            a library to read for 10, related, search and memory; default: the bundled sample
#   scripts/soak.sh --json FILE              the figures as JSON, too
#   scripts/soak.sh --controls               9 and 10 against a service that is broken on purpose: they must fail
#   PAPERKIN_SEED=N scripts/soak.sh ...      repeats one
#
# What changes a library works on a copy of a small one. Timings are of a machine that does nothing else: the clients share its cores with
# the service. schemathesis is installed by name into an environment of its own under PAPERKIN_BENCH (default: target/soak).
set -euo pipefail
case " $* " in *" --help "* | *" -h "*)
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"
  exit
  ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/.."
source scripts/setup.sh
step "build"
cargo build --release --locked --bin paperkin --example soak-load --example soak-control >&2
target/release/paperkin model fetch >&2
exec python3 scripts/soak/driver.py --bench "${PAPERKIN_BENCH:-target/soak}" "$@"
