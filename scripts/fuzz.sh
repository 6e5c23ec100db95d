#!/usr/bin/env bash
# Fuzzes the readers: scripts/fuzz.sh [SECONDS] [TARGET...], all targets for a minute each by default, two at a time.
# Needs nightly and cargo-fuzz (cargo install cargo-fuzz). Finds are copied to tests/fuzz/found/, where
# `cargo test` replays them. Seeds come from tests/fuzz/seeds/, scripts/sample and, where it is, PAPERKIN_DATA.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=60
if [[ ${1:-} =~ ^[0-9]+$ ]]; then seconds=$1; shift; fi
targets=("$@")
[[ ${#targets[@]} -gt 0 ]] || targets=(digest article note html jsonl json bibtex ris feed packed latex)
data=${PAPERKIN_DATA:-../shared/data}
cd tests/fuzz

# The seeds of one target; only the beginning of long files, which teaches as much.
seed() {
    local target=$1 into=corpus/$1
    mkdir -p "$into"
    local extension
    case $target in
        digest | article) extension=txt ;; note) extension=md ;; html) extension=html ;; jsonl) extension=jsonl ;;
        json) extension=json ;; bibtex) extension=bib ;; ris) extension=ris ;; feed) extension=xml ;; latex) extension=tex ;; packed) extension='gz zst xz zip' ;;
    esac
    for one in $extension; do
        find seeds found ../../scripts/sample -name "*.$one" -exec cp -t "$into" {} + 2>/dev/null || true
    done
    [[ -d ../../$data || -d $data ]] || return 0
    [[ -d $data ]] || data=../../$data
    case $target in
        digest) cp -f "$data"/digests/text/*.txt "$into" ;;
        article) cp -f "$data"/seeds/* "$into" 2>/dev/null || true ;;
        note) find "$data/vault" -name '*.md' | awk 'NR % 25 == 0' | while read -r note; do cp -f "$note" "$into"; done ;;
        jsonl) for set in scifact arxiv-zh medline; do head -n 20 "$data/$set/corpus.jsonl" > "$into/$set.jsonl"; done ;;
        packed)
            local text="$data/digests/text/2024-01-02.txt"
            gzip -c "$text" > "$into/digest.gz"
            head -n 5 "$data/medline/corpus.jsonl" | zstd -q > "$into/lines.zst" || true
            head -n 5 "$data/medline/corpus.jsonl" | xz > "$into/lines.xz" || true
            ;;
    esac
    chmod -R u+w "$into"
}

run() {
    local target=$1 number=$2
    seed "$target"
    echo "$target: $seconds s, seed $number"
    if ! cargo +nightly fuzz run --fuzz-dir . "$target" -- -max_total_time="$seconds" -seed="$number" -max_len=65536 \
        -timeout=20 -rss_limit_mb=2048 > "artifacts-$target.log" 2>&1; then
        echo "$target: found something; the end of tests/fuzz/artifacts-$target.log:"
        grep -a "panicked\|ERROR\|SUMMARY" -A2 "artifacts-$target.log" | head -n 8
        local extension
        extension=$(grep -o 'fuzz\.[a-z]*' "fuzz_targets/$target.rs" | head -n 1 | cut -d. -f2)
        for find in artifacts/"$target"/*; do
            [[ -f $find ]] && cp "$find" "found/$target-$(basename "$find" | cut -c1-24).$extension"
        done
        return 1
    fi
    grep -a "^Done\|stat::number_of" "artifacts-$target.log" | tail -n 1 | sed "s/^/$target: /"
}

cargo +nightly fuzz build --fuzz-dir .
failed=0
for ((at = 0; at < ${#targets[@]}; at += 2)); do
    pids=()
    for target in "${targets[@]:at:2}"; do
        run "$target" "${PAPERKIN_SEED:-$((RANDOM * 32768 + RANDOM + 1))}" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
done
exit "$failed"
