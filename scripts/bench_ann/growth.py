"""What more vectors cost paperkin: the same measurements at 10,000 of them, 30,000, 100,000 and so on, as a table.

A curve at one size says nothing about the next; what is linear, and what is not, is seen here.
"""

import sys
import tempfile
from pathlib import Path

from measure import DIMENSION, at, best, measured, rows_of

RECALL = 0.99
HEAD = (
    "vectors",
    "linked, vectors/s",
    "peak MB, linking",
    "opened and asked once, ms",
    f"searches/s at recall {RECALL}",
    "p99 ms there",
    "resident MB",
)


def growth(vectors, queries, cache):
    """The table, and its rows."""
    rows = []
    for count in sizes(rows_of(vectors)):
        print(f"{count:,} vectors", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            rows.append({"count": count} | measured("paperkin", first(vectors, count, Path(folder)), queries, cache))
    lines = ["| " + " | ".join(HEAD) + " |", "|" + " ---: |" * len(HEAD)]
    return "\n".join(lines + [line(row) for row in rows]), rows


def sizes(count):
    steps = [digit * 10**power for power in range(4, 10) for digit in (1, 3)]
    return [step for step in steps if step < count] + [count]


def first(vectors, count, folder):
    """A file of the first `count` of them."""
    if count == rows_of(vectors):
        return vectors
    part, left = folder / "vectors.f32", count * DIMENSION * 4
    with vectors.open("rb") as whole, part.open("wb") as out:
        while left:
            left -= out.write(whole.read(min(left, 1 << 20)))
    return part


def line(row):
    if "failed" in row:
        failed = row["failed"].replace("|", "\\|")
        return f"| {row['count']:,} | did not run: {failed} |" + " |" * (len(HEAD) - 2)
    rate = at(row, RECALL, "queries_per_second")
    slowest = next((point["p99_ms"] for point in row["curve"] if point["recall"] >= RECALL), None)
    cells = [
        f"{row['count']:,}",
        f"{row['vectors'] / row['build_seconds']:,.0f}",
        f"{row['peak_mb']:,.0f}",
        f"{row['open_ms']:,.1f}",
        f"not reached ({best([row]):.3f})" if rate is None else f"{rate:,.0f}",
        "–" if slowest is None else f"{slowest:.2f}",
        f"{row['resident_mb']:,.0f}",
    ]
    return "| " + " | ".join(cells) + " |"
