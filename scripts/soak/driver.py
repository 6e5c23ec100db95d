"""Runs the themes one after the other, each against a service of its own, and prints the table. See scripts/soak.sh."""

import argparse
import asyncio
import os
import random
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

import bodies
import contract
import figures
import keys
import leaving
import load
import memory
import operations
import outward
import overload
import service as services
import slow_clients
import speed
import stopping
import traversal
import wire


class Theme:
    """`reads` only what is there: it may be given a library that somebody wants to keep."""

    def __init__(self, run, reads=False, controlled=False, serves=True):
        self.run, self.reads, self.controlled, self.serves = run, reads, controlled, serves


THEMES = {
    "6": Theme(bodies.oversized),
    "7": Theme(bodies.invalid),
    "8": Theme(bodies.unfolding),
    "9": Theme(slow_clients.held, controlled=True),
    "10": Theme(overload.overwhelmed, reads=True, controlled=True),
    "11": Theme(leaving.gone),
    "12": Theme(stopping.stopped, serves=False),
    "13": Theme(keys.asked_for, serves=False),
    "14": Theme(traversal.outside),
    "15": Theme(outward.connected),
    "related": Theme(speed.related, reads=True),
    "search": Theme(speed.search, reads=True),
    "memory": Theme(memory.flat, reads=True),
    "schemathesis": Theme(contract.kept),
}


class Soak:
    """What every theme is given."""

    root = services.ROOT

    def __init__(self, arguments):
        self.quick, self.seed = arguments.quick, arguments.seed
        self.figures = figures.Figures()
        self.limits = services.limits()
        self.service = self.library = None
        self.ids, self.operations = [], []
        # With keys (test 13) every other theme would need one; they run without, as a user starts.
        self.key_headers, self.load_headers = [], {}
        self.bench = arguments.bench
        self.is_control = False
        self.cores = os.cpu_count()

    def seconds(self, quick, full):
        return quick if self.quick else full

    count = seconds

    def random(self, theme):
        return random.Random(f"{self.seed} {theme}")

    def start(self, *arguments, environment=None):
        return services.Service(self.library, arguments, environment)


async def run_theme(soak, theme, library, kept):
    """On a copy, unless it changes nothing: neither the next theme nor the user finds what it left."""
    with services.scratch("library") as folder:
        soak.library = library
        if not kept:
            soak.library = shutil.copytree(library, f"{folder}/library")
        with soak.start() as service:
            await wire.ready(service)
            soak.service = service
            soak.operations = await operations.of(service)
            soak.ids = await operations.papers(service, load.QUESTIONS[:5])
            if theme.serves:
                await theme.run(soak)
        if not theme.serves:
            soak.service = None
            await theme.run(soak)


async def controls(soak, names):
    """Each theme that has a control, against it: it must miss at least one figure of those that its control breaks."""
    broken = {"9": ("all closed within",), "10": ("bodies that do not come",)}
    verdicts = []
    for name in names:
        if not THEMES[name].controlled:
            continue
        before = len(soak.figures.rows)
        with services.Service(None, control=True) as service:
            soak.service, soak.is_control = service, True
            soak.ids = ["arxiv:1706.03762"]
            if name == "9":
                soak.figures.begin("9 control: plain axum::serve")
                over = await slow_clients.hold(service, slow_clients.kinds(service), 50, 40)
                last = None if None in over.values() else max(over.values())
                soak.figures.at_most("200 at once: all closed within", last, 35, " s", str(over))
            else:
                soak.figures.begin("10 control: a place is taken before the body is there")
                await overload.slow_bodies(soak)
        made, soak.figures.rows = soak.figures.rows[before:], soak.figures.rows[:before]
        missed = [row for row in made if row["verdict"] == "NOT" and any(part in row["figure"] for part in broken[name])]
        verdicts.append((name, made[0]["test"], missed))
    soak.is_control = False
    for name, test, missed in verdicts:
        soak.figures.begin(test)
        soak.figures.judge(f"test {name} fails against it", "yes", "yes" if missed else "no", bool(missed),
                           "; ".join(f"{row['figure']}: {row['reached']}" for row in missed))


async def run(arguments):
    soak = Soak(arguments)
    names = arguments.only or list(THEMES)
    with tempfile.TemporaryDirectory(prefix="paperkin-soak-") as folder:
        small = services.ingest(f"{folder}/small", [services.ROOT / "scripts/sample"])
        if arguments.controls:
            # The operations are the real service's: a control has no document.
            with services.Service(small) as service:
                await wire.ready(service)
                soak.operations = await operations.of(service)
            served = ("/v1/search", "/v1/related", "/v1/facets", "/v1/papers/{id}", "/v1/papers/{id}/related")
            soak.operations = [one for one in soak.operations if one.path in served]
            await controls(soak, names)
        else:
            for name in names:
                theme = THEMES[name]
                kept = arguments.library and theme.reads
                try:
                    await run_theme(soak, theme, arguments.library if kept else small, kept)
                except (Exception, SystemExit) as broken:  # one broken theme leaves the others
                    import traceback
                    traceback.print_exc()
                    soak.figures.judge(f"theme {name}", "runs to its end", f"{type(broken).__name__}: {broken}"[:100], False)
    return soak


def parsed():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--only", type=lambda text: text.split(","))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--controls", action="store_true")
    parser.add_argument("--library", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--bench", type=Path, required=True)
    arguments = parser.parse_args()
    for name in arguments.only or []:
        if name not in THEMES:
            parser.error(f"there is no test {name}; there are {', '.join(THEMES)}")
    arguments.seed = int(os.environ.get("PAPERKIN_SEED") or time.time())
    return arguments


def main():
    arguments = parsed()
    # 2,000 slow clients and the service's own 1,024.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16_384) if hard != resource.RLIM_INFINITY else 16_384, hard))
    print(f"PAPERKIN_SEED={arguments.seed}" + (", quick" if arguments.quick else ""), file=sys.stderr)
    soak = asyncio.run(run(arguments))
    print(f"\nPAPERKIN_SEED={arguments.seed}\n{soak.figures.table()}\n")
    for row in soak.figures.missed:
        print(f"NOT reached: {row['test']}: {row['figure']}: {row['reached']} (asked {row['asked']})" + (f": {row['why']}" if row["why"] else ""))
    if arguments.json:
        soak.figures.save(arguments.json, {"seed": arguments.seed, "quick": arguments.quick, "library": str(arguments.library or "")})
    return 1 if soak.figures.missed else 0


sys.exit(main())
