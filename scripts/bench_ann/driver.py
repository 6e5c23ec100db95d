"""Runs the engines in turns and prints the table; or paperkin alone, with more and more vectors.

What is compared is where the curves reach a recall, between points of the curve. Vectors are linked until the last of
them is in the index; paperkin's until it is published, so with writing, syncing and measuring its own recall.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

from growth import growth
from measure import DIMENSION, ROOT, at, best, measured, rows_of
from picture import picture

QUERIES = 1000
RECALLS = (0.95, 0.99)
PEERS = {
    "hnswlib": "hnswlib",
    "faiss": "FAISS HNSW flat",
    "faiss-sq8": "FAISS HNSW SQ8",
    "usearch-f32": "usearch f32",
    "usearch-f16": "usearch f16",
    "usearch-i8": "usearch i8",
    "qdrant": "Qdrant, in-process",
}
NAMES = {"paperkin": "**paperkin**", "hnsw_rs": "hnsw_rs"} | PEERS


def main():
    options = arguments()
    vectors, queries = files(options)
    if options.growth:
        said, rows = growth(vectors, queries, options.cache)
    else:
        said, rows = compared(options, vectors, queries)
    print(said)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


def compared(options, vectors, queries):
    engines = options.engines.split(",")
    rows = {engine: [] for engine in engines}
    for turn in range(options.rounds):
        for engine in engines:
            print(f"round {turn + 1} of {options.rounds}: {engine}", file=sys.stderr, flush=True)
            rows[engine].append(measured(engine, vectors, queries, options.cache))
    if options.picture:
        title = f"{rows_of(vectors):,} vectors of {DIMENSION} numbers"
        options.picture.write_text(picture(rows, NAMES, title))
    return table(rows, vectors), rows


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--queries", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engines", default=",".join(NAMES))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--growth", action="store_true")
    options = parser.parse_args()
    if (options.vectors is None) != (options.queries is None):
        parser.error("--vectors and --queries go together")
    if unknown := set(options.engines.split(",")) - set(NAMES):
        parser.error(f"no engine {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    if options.growth and options.picture:
        parser.error("--picture draws the comparison: leave it or --growth out")
    return options


def files(options):
    """The vectors and the queries: given, or abstracts of arXiv as this model embeds them, without their mean."""
    if options.vectors:
        return options.vectors, options.queries
    import numpy as np

    vectors, queries = (options.cache / f"{options.count}-{name}.f32" for name in ("vectors", "queries"))
    if not queries.exists():
        texts, raw = (options.cache / f"{options.count}.{end}" for end in ("jsonl", "raw"))
        texts.write_text("".join(json.dumps({"text": text}) + "\n" for text in abstracts(options)))
        embed = ["target/release/paperkin", "bench", "encode", "--texts", texts, "--vectors", raw, "--rounds", "1"]
        subprocess.run(embed, cwd=ROOT, check=True, stdout=sys.stderr)
        rows = np.fromfile(raw, dtype="<f4").reshape(-1, DIMENSION)
        rows = rows - rows.mean(axis=0)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        rows[: options.count].tofile(vectors)
        rows[options.count :].tofile(queries)
        raw.unlink()
    return vectors, queries


def abstracts(options):
    import io

    import zstandard

    path = options.data / "arxiv-100k" / "corpus.jsonl.zst"
    seen = set()
    with path.open("rb") as packed:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(packed), encoding="utf-8"):
            paper = json.loads(line)
            text = f"{paper['title']}. {paper.get('abstract') or ''}"
            if text not in seen:
                seen.add(text)
                yield text
            if len(seen) == options.count + QUERIES:
                return
    # Fewer than were asked for: all are taken, the last of them as queries.
    options.count = len(seen) - QUERIES


def table(rows, vectors):
    count = rows_of(vectors)
    head = ["index", "linked, vectors/s"]
    head += [f"searches/s at recall {recall}" for recall in RECALLS]
    head += ["all threads at 0.99", "resident MB"]
    lines = [f"{count:,} vectors, {os.cpu_count()} cores", "", "| " + " | ".join(head) + " |"]
    lines.append("| --- |" + " ---: |" * (len(head) - 1))
    for engine, rounds in rows.items():
        done = [row for row in rounds if "failed" not in row]
        if not done:
            failed = rounds[0]["failed"].replace("|", "\\|")
            lines.append(f"| {NAMES[engine]} | did not run: {failed} |" + " |" * (len(head) - 2))
            continue
        cells = [f"{count / median(row['build_seconds'] for row in done):,.0f}"]
        for recall, key in [(recall, "queries_per_second") for recall in RECALLS] + [(0.99, "together_per_second")]:
            if done[0]["curve"][0][key] is None:
                cells.append("–")
                continue
            reached = [rate for row in done if (rate := at(row, recall, key)) is not None]
            cells.append(f"{median(reached):,.0f}" if reached else f"not reached ({best(done):.3f})")
        cells.append(f"{median(row['resident_mb'] for row in done):,.0f}")
        lines.append(f"| {NAMES[engine]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
