"""Runs one engine and reads what it reports: seconds to build, a curve of recall@10 against searches a second, resident memory.

Every engine is given the same files and runs in a process of its own; paperkin in two, as it is used: one links and
publishes a folder, the other opens it. So its seconds to build include writing, syncing and measuring its own recall.
"""

import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DIMENSION = 384
WIDTHS = "20,40,60,80,120,160,240,320,480"


class Failed(Exception):
    pass


def measured(engine, vectors, queries, cache):
    """The row of one engine; of one that did not run, why."""
    report = cache / "report.json"
    try:
        if engine == "paperkin":
            return paperkin(vectors, queries, cache)
        if engine == "hnsw_rs":
            return reported(["target/release/examples/hnsw-rs", vectors, queries, report], report)
        given = ["--vectors", vectors, "--queries", queries, "--json", report]
        return reported([sys.executable, HERE / "peers.py", engine, *given], report)
    except (Failed, OSError) as failed:
        return {"failed": str(failed)}


def paperkin(vectors, queries, cache):
    report = cache / "report.json"
    # Beside the vectors: a folder for temporary files may be held in memory, where nothing is synced.
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        command = ["target/release/paperkin", "bench", "index", "--folder", folder, "--json-file", report]
        linked = reported([*command, "--vectors", vectors], report)["linked"]
        searched = reported([*command, "--queries", queries, "--widths", WIDTHS, "--rounds", "3"], report)["searched"]
    return {"engine": "paperkin"} | linked | searched


def reported(command, report):
    report.unlink(missing_ok=True)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode or not report.exists():
        said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        raise Failed(said[-1] if said else f"ended with {done.returncode}")
    return json.loads(report.read_text())


def rows_of(vectors):
    return vectors.stat().st_size // (4 * DIMENSION)


def at(row, recall, key):
    """Searches a second where the curve reaches `recall`, between its points by their logarithms; None if it does not."""
    # By their widths, not by recall: where a curve has reached all it ever will, the first width that does so counts.
    points = [(point["recall"], point[key]) for point in row["curve"]]
    for (low, slow), (high, fast) in zip(points, points[1:]):
        if low <= recall <= high and high > low:
            share = (recall - low) / (high - low)
            return math.exp(math.log(slow) + share * (math.log(fast) - math.log(slow)))
    return points[0][1] if points and points[0][0] >= recall else None


def best(rows):
    return max(point["recall"] for row in rows for point in row["curve"])
