"""What was asked and what was reached, figure by figure; the table and the JSON are made of nothing else."""

import json
import sys
import time


class Figures:
    """All figures of one run. One that cannot be measured here is said to be so: it counts neither as reached nor as missed."""

    def __init__(self):
        self.rows = []
        self.test = ""
        self.began = time.monotonic()

    def begin(self, test):
        self.test = test
        print(f"\n== {test}", file=sys.stderr, flush=True)

    def judge(self, figure, asked, reached, ok, why=""):
        self._add(figure, asked, reached, "ok" if ok else "NOT", why)

    def at_most(self, figure, value, bound, unit="", why=""):
        shown = "nothing" if value is None else f"{number(value)}{unit}"
        self.judge(figure, f"<= {number(bound)}{unit}", shown, value is not None and value <= bound, why)

    def at_least(self, figure, value, bound, unit="", why=""):
        shown = "nothing" if value is None else f"{number(value)}{unit}"
        self.judge(figure, f">= {number(bound)}{unit}", shown, value is not None and value >= bound, why)

    def none(self, figure, found, why=""):
        """`found` are things that should not be: how many, a list of them, or how many of each kind."""
        if isinstance(found, dict):
            count, shown = sum(found.values()), [f"{many:,} x {kind}" for kind, many in found.items()]
        else:
            count, shown = (found, []) if isinstance(found, int) else (len(found), found)
        told = "; ".join(str(one) for one in shown[:4])
        self.judge(figure, "0", f"{count:,}", count == 0, "; ".join(part for part in (told, why) if part))

    def tell(self, figure, reached, why=""):
        """Not asked for, but needed to understand the others."""
        self._add(figure, "", reached, "", why)

    def skip(self, figure, asked, why):
        self._add(figure, asked, "not measured", "-", why)

    def _add(self, figure, asked, reached, verdict, why):
        row = {"test": self.test, "figure": figure, "asked": asked, "reached": reached, "verdict": verdict, "why": why}
        self.rows.append(row)
        print(f"   {verdict or '   ':3} {figure}: {reached}" + (f"  (asked {asked})" if asked else "")
              + (f"  [{why[:300]}]" if why else ""), file=sys.stderr, flush=True)

    @property
    def missed(self):
        return [row for row in self.rows if row["verdict"] == "NOT"]

    def table(self):
        columns = ["test", "figure", "asked", "reached", "verdict"]
        shown = [[row[column] for column in columns] for row in self.rows]
        widths = [max(len(line[at]) for line in [columns, *shown]) for at in range(len(columns))]
        lines = [columns, ["-" * width for width in widths], *shown]
        return "\n".join(" | ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)

    def save(self, path, about):
        with open(path, "w", encoding="utf-8") as file:
            seconds = round(time.monotonic() - self.began, 1)
            json.dump({**about, "seconds": seconds, "figures": self.rows}, file, ensure_ascii=False, indent=1)


def number(value):
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}"
