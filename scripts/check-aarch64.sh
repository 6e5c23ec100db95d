#!/usr/bin/env bash
# Does paperkin work on ARM? Builds it for AArch64 on a Debian machine of another kind, runs the tests of its kernels and of the
# index in QEMU, and compares vectors of the real model with this machine's. Twenty minutes on two cores, so it is no part of the gate.
#
#   scripts/check-aarch64.sh
#
# PAPERKIN_AARCH64 names the folder for what is built (default: paperkin-aarch64 in the folder for temporary files), which is kept.
# The compiler is Debian's rustc-web, since rustup's has no standard library for ARM here. Says nothing about speed.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/setup.sh

work=${PAPERKIN_AARCH64:-${TMPDIR:-/tmp}/paperkin-aarch64}
target=aarch64-unknown-linux-gnu
libraries=/usr/aarch64-linux-gnu
mkdir -p "$work/sysroot/lib/rustlib"

need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
need qemu-aarch64 qemu-user
[ -e "$libraries/lib/libc.so.6" ] || add_package libc6-dev-arm64-cross
dpkg -s rustc-web >/dev/null 2>&1 || add_package rustc-web
if [ ! -d "$work/std" ]; then
  step "standard library for $target"
  dpkg --add-architecture arm64
  apt-get update -q >&2
  version=$(dpkg-query -W -f '${Version}' rustc-web)
  (cd "$work" && apt-get download -q "libstd-rust-web-dev:arm64=$version" >&2)
  dpkg -x "$work"/libstd-rust-web-dev_*_arm64.deb "$work/std"
fi
ln -sfn "$work/std/usr/lib/rustlib/$target" "$work/sysroot/lib/rustlib/$target"

emulated=(qemu-aarch64 -cpu max -L "$libraries")
for_arm() {
  local subcommand=$1
  shift
  RUSTC=/usr/bin/rustc CARGO_TARGET_DIR=$work/target \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="${emulated[*]}" \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS="--sysroot $work/sysroot -D warnings" \
    CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc CXX_aarch64_unknown_linux_gnu=aarch64-linux-gnu-g++ \
    cargo "$subcommand" --release --locked --target $target "$@"
}

step "kernels and index, tested in QEMU"
for_arm test --lib -- embed:: index::

step "vectors of the real model, on ARM and here"
for_arm build --bin paperkin
cargo build --release --locked --bin paperkin
target/release/paperkin model fetch
texts=$work/texts.jsonl
python3 - scripts/sample/*.txt scripts/sample/*.md >"$texts" <<'PYTHON'
import json, sys
for name in sys.argv[1:]:
    for text in open(name, encoding="utf-8").read().splitlines():
        if len(text) > 20:
            print(json.dumps({"text": text}, ensure_ascii=False))
PYTHON
encode=(bench encode --offline --texts "$texts" --questions "$texts" --rounds 1)
target/release/paperkin "${encode[@]}" --vectors "$work/here.vectors"
for kernel in neon-dotprod portable; do
  "${emulated[@]}" "$work/target/$target/release/paperkin" "${encode[@]}" --kernel $kernel --vectors "$work/$kernel.vectors"
  python3 - "$work/here.vectors" "$work/$kernel.vectors" <<'PYTHON'
import array, sys
here, there = (array.array("f", open(name, "rb").read()) for name in sys.argv[1:])
rows = len(here) // 384
assert rows and len(here) == len(there)
least = min(sum(a * b for a, b in zip(here[at:at + 384], there[at:at + 384])) for at in range(0, len(here), 384))
print(f"{rows} texts: cosine at least {least:.5f}")
sys.exit(least < 0.9995)
PYTHON
done
