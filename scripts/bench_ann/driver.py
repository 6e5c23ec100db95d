"""Runs the engines in turns, each in a process of its own, and prints the table.

Every engine is given the same files and answers with one JSON object: seconds to build, a curve of recall@10 against
searches a second, and its resident memory. What is compared is where the curves reach a recall, between points of the
curve.
"""

import argparse
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DIMENSION = 384
QUERIES = 1000
RECALLS = (0.95, 0.99)
PEERS = {
    "hnswlib": "hnswlib",
    "faiss": "FAISS HNSW flat",
    "faiss-sq8": "FAISS HNSW SQ8",
    "usearch-f32": "usearch f32",
    "usearch-f16": "usearch f16",
    "usearch-i8": "usearch i8",
}
NAMES = {"paperkin": "**paperkin**", "hnsw_rs": "hnsw_rs"} | PEERS


def main():
    options = arguments()
    vectors, queries = files(options)
    engines = options.engines.split(",")
    rows = {engine: [] for engine in engines}
    for turn in range(options.rounds):
        for engine in engines:
            print(f"round {turn + 1} of {options.rounds}: {engine}", file=sys.stderr, flush=True)
            rows[engine].append(measured(engine, vectors, queries, options.cache))
    print(table(rows, vectors))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


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
    options = parser.parse_args()
    if (options.vectors is None) != (options.queries is None):
        parser.error("--vectors and --queries go together")
    if unknown := set(options.engines.split(",")) - set(NAMES):
        parser.error(f"no engine {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
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


def measured(engine, vectors, queries, cache):
    report = cache / "report.json"
    report.unlink(missing_ok=True)
    given = ["--vectors", vectors, "--queries", queries]
    if engine == "paperkin":
        command = ["target/release/paperkin", "bench", "index", *given, "--rounds", "1", "--json-file", report]
    elif engine == "hnsw_rs":
        command = ["target/release/examples/hnsw-rs", vectors, queries, report]
    else:
        command = [sys.executable, HERE / "peers.py", engine, *given, "--json", report]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ)
    if done.returncode or not report.exists():
        said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        return {"failed": said[-1] if said else f"ended with {done.returncode}"}
    return json.loads(report.read_text())


def at(row, recall, key):
    """Searches a second where the curve reaches `recall`, between its points by their logarithms; None if it does not."""
    points = sorted((point["recall"], point[key]) for point in row["curve"])
    for (low, slow), (high, fast) in zip(points, points[1:]):
        if low <= recall <= high and high > low:
            share = (recall - low) / (high - low)
            return math.exp(math.log(slow) + share * (math.log(fast) - math.log(slow)))
    return points[0][1] if points and points[0][0] >= recall else None


def table(rows, vectors):
    count = vectors.stat().st_size // (4 * DIMENSION)
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
            reached = [rate for row in done if (rate := at(row, recall, key)) is not None]
            cells.append(f"{median(reached):,.0f}" if reached else f"not reached ({best(done):.3f})")
        cells.append(f"{median(row['resident_mb'] for row in done):,.0f}")
        lines.append(f"| {NAMES[engine]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def best(rows):
    return max(point["recall"] for row in rows for point in row["curve"])


if __name__ == "__main__":
    main()
