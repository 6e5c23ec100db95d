"""Rows of measurements to the table of the README, in Markdown. Pure: what it is given is what it says."""

from statistics import median

HEADER = [
    "engine",
    "abstracts: tokens/s (min to max)",
    "times candle-transformers",
    "of fp32 peak",
    "question: median ms",
    "cosine to fp32, min (mean)",
    "idle / peak MB",
    "cold start, s",
]


def summary(row: dict, operations: float, peak: float | None) -> dict:
    """What is printed of an engine, as numbers; `row` has `rates`, `question_ms`, `cold`, `idle_mb`, `peak_mb`."""
    rate = median(row["rates"])
    return row | {
        "tokens_per_second": rate,
        "fraction_of_fp32_peak": rate * operations / (peak * 1e9) if peak else None,
        "question_median_ms": median(row["question_ms"]),
        "cold_start_s": median(row["cold"]),
        "idle_mb": median(row["idle_mb"]),
        "peak_mb": max(row["peak_mb"]),
    }


def markdown(rows: list[dict], groups: list[str]) -> str:
    base = next((row["tokens_per_second"] for row in rows if row["key"] == "candle" and "tokens_per_second" in row), None)
    lines = ["| " + " | ".join(HEADER) + " |", "| --- |" + " ---: |" * (len(HEADER) - 1)]
    for group in groups:
        members = [row for row in rows if row["group"] == group]
        if members:
            lines.append(f"| *{group}* |" + " |" * (len(HEADER) - 1))
        # Slowest first, and what did not run before all, so that it is not overlooked at the end.
        for row in sorted(members, key=lambda row: row.get("tokens_per_second", 0)):
            lines.append("| " + " | ".join(cells(row, base)) + " |")
    return "\n".join(lines)


def cells(row, base):
    if "failed" in row:
        return [row["name"], "did not run: " + row["failed"].replace("|", "\\|")] + [""] * (len(HEADER) - 2)
    cosine = row.get("cosine")
    fraction = row["fraction_of_fp32_peak"]
    return [
        row["name"] + (f", batches of {row['batch']}" if row.get("batch") else ""),
        f"{row['tokens_per_second']:,.0f} ({min(row['rates']):,.0f} to {max(row['rates']):,.0f})",
        f"{row['tokens_per_second'] / base:.1f}" if base else "",
        f"{fraction:.0%}" if fraction is not None else "",
        f"{row['question_median_ms']:.1f}",
        f"{cosine['min']:.5f} ({cosine['mean']:.5f})" if cosine else "",
        f"{row['idle_mb']:,.0f} / {row['peak_mb']:,.0f}",
        f"{row['cold_start_s']:.2f}",
    ]


def note(about: dict) -> str:
    machine, versions = about["machine"], about["versions"]
    peak = ", ".join(f"{library} {value:.0f}" for library, value in about["fp32_peak_gflops"].items()) or "not measured"
    return "\n".join(
        [
            f"{machine['processor']} ({machine['family']}; {' '.join(machine['flags'])}), {about['cores']} cores, "
            f"{about['threads']} threads; {about['date']}, commit {about['commit']}.",
            f"{about['texts']} abstracts of {about['tokens'] / about['texts']:.0f} tokens on average, {about['questions']} "
            f"questions of {about['question_tokens']:.0f}; {about['rounds']} rounds, engines taking turns, each started "
            f"anew; medians.",
            f"fp32 matrix products of this model's shapes reach (GFLOP/s): {peak}; a token costs "
            f"{about['operations'] / 1e6:.1f} MFLOP. Cosine to PyTorch fp32 on the same weights, over "
            f"{about['fidelity']} texts in five languages.",
            ", ".join(f"{package} {version}" for package, version in sorted(versions.items())) + ".",
        ]
    )
