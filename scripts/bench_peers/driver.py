"""Measures paperkin's encoder and its peers in turns, and prints the table of the README.

Called by scripts/bench-peers.sh, which installs what is measured. An engine is anything that keeps the promise of
contract.py. First each finds its best batch size and embeds the texts of the fidelity column; then, round after round
and each time in another order, every engine is started anew for one round. What happens to the machine meanwhile
happens to all.
"""

import argparse
import datetime
import hashlib
import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np

import engines
import machine
import table
import texts
from processes import Failed, complaint, measure, quiet_stop

REFERENCE = "torch-fp32"


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench-peers.sh", description=__doc__.splitlines()[0])
    parser.add_argument("--engines", help="only these, by comma: " + ", ".join(e.key for e in engines.all_engines(Path(), "")))
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (%(default)s)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="for each engine (%(default)s)")
    parser.add_argument("--texts", type=int, default=400, help="abstracts a round (%(default)s)")
    parser.add_argument("--fidelity", type=int, default=1000, help="texts of the fidelity column (%(default)s)")
    parser.add_argument("--json", type=Path, help="write the rows there, with every single measurement")
    parser.add_argument("--models", type=Path, default=engines.ROOT / "models", help="folder of models (%(default)s)")
    parser.add_argument("--model", default="multilingual-e5-small", help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--cache", type=Path, required=True, help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    chosen = arguments()
    quiet_stop()
    known = engines.all_engines(chosen.models.resolve(), chosen.model)
    wanted = chosen.engines.split(",") if chosen.engines else [engine.key for engine in known]
    strange = set(wanted) - {engine.key for engine in known}
    if strange:
        raise SystemExit(f"bench-peers: no engine is called {', '.join(sorted(strange))}: see --help")
    session = Session(chosen, [engine for engine in known if engine.key in wanted])
    rows = session.run()
    print(table.markdown(rows, [engines.FP32, engines.REDUCED]))
    print()
    print(table.note(session.about))
    if chosen.json:
        chosen.json.write_text(json.dumps({"about": session.about, "rows": rows}, indent=1) + "\n")


class Session:
    def __init__(self, chosen, selected):
        self.chosen, self.selected = chosen, selected
        self.model = chosen.models.resolve() / chosen.model
        self.work = chosen.cache / "run"
        self.work.mkdir(parents=True, exist_ok=True)
        self.exported = chosen.cache / f"exported-{self.form_of_exports()}"
        self.abstracts, self.questions, self.fidelity = texts.choose(
            chosen.data, self.model, chosen.cache / "texts", chosen.texts, fidelity=chosen.fidelity
        )
        # Where questions are not measured one is asked, as the contract wants some.
        self.one_question = self.work / "question.jsonl"
        self.one_question.write_text(self.questions.read_text("utf-8").splitlines(keepends=True)[0], "utf-8")
        self.about = self.describe()

    def form_of_exports(self):
        """What is written once depends on the weights and on what writes it."""
        told = hashlib.sha256()
        for path in [self.model / "model.gguf", *(engines.HERE / f"{name}.py" for name in ("export", "onnx_graph", "weights"))]:
            told.update(path.read_bytes())
        return told.hexdigest()[:12]

    def run(self):
        rows = {engine.key: {"key": engine.key, "name": engine.name, "group": engine.group} for engine in self.selected}
        batches = {}
        for engine in self.selected:
            say(f"{engine.key}: prepare")
            try:
                self.export(engine)
                if engine.swept:
                    _, swept = self.start(engine, self.abstracts, rounds=0)
                    batches[engine.key] = rows[engine.key]["batch"] = swept["batch"]
                    say(f"{engine.key}: batches of {swept['batch']}")
                self.start(engine, self.fidelity, batch=batches.get(engine.key), vectors=self.vectors(engine.key))
            except Failed as failed:
                rows[engine.key]["failed"] = str(failed)
                say(f"{engine.key}: {failed}")
        self.look_for_peak()
        for turn in range(self.chosen.rounds):
            order = [engine for engine in self.selected if "failed" not in rows[engine.key]]
            start = turn * len(order) // max(self.chosen.rounds, 1)
            for engine in order[start:] + order[:start]:
                try:
                    cold, made = self.start(engine, self.abstracts, batch=batches.get(engine.key))
                except Failed as failed:
                    rows[engine.key]["failed"] = str(failed)
                    continue
                self.note(rows[engine.key], cold, made)
                say(f"round {turn + 1} {engine.key}: {rows[engine.key]['rates'][-1]:,.0f} tokens/s")
        self.look_for_peak()
        reference = self.reference(rows)
        done = []
        for row in rows.values():
            if "failed" not in row:
                peak = max(self.about["fp32_peak_gflops"].values(), default=None)
                row = table.summary(row, self.about["operations"], peak)
                if reference is not None:
                    row["cosine"] = self.cosine(row["key"], reference)
            done.append(row)
        return done

    def export(self, engine):
        if engine.form:
            command = [sys.executable, str(engines.HERE / "export.py"), str(self.model), str(self.exported), engine.form]
            log = self.work / f"{engine.key}.export.log"
            with log.open("w") as said:
                code = subprocess.run(command, stdout=said, stderr=subprocess.STDOUT).returncode
            if code != 0:
                raise Failed(complaint(log) or f"export.py ended with {code}")

    def start(self, engine, file, rounds=1, batch=None, vectors=None):
        made = self.work / f"{engine.key}.json"
        made.unlink(missing_ok=True)
        questions = self.one_question if vectors else self.questions
        command = [*engine.command, "--texts", file, "--questions", questions]
        command += ["--rounds", rounds, "--threads", self.chosen.threads]
        if engine.peer:
            command += ["--model", self.model, "--json", made]
        else:
            command += ["--json-file", made]
        if engine.form:
            command += ["--exported", self.exported]
        if batch:
            command += ["--batch", batch]
        if vectors:
            command += ["--vectors", vectors]
        cold = measure([str(part) for part in command], self.work / f"{engine.key}.log", self.chosen.threads)
        if not made.is_file():
            raise Failed(f"wrote no {made.name}")
        return cold, json.loads(made.read_text())

    def note(self, row, cold, made):
        tokens = made["tokens"]
        if tokens != self.about["tokens"]:
            raise SystemExit(f"bench-peers: {row['key']} counts {tokens} tokens where the tokenizer has {self.about['tokens']}")
        row["detail"] = made["detail"]
        row.setdefault("rates", []).extend(tokens / seconds for seconds in made["seconds"])
        row.setdefault("question_ms", []).extend(made["question_ms"])
        row.setdefault("cold", []).append(cold)
        for field in ("idle_mb", "peak_mb"):
            row.setdefault(field, []).append(made[field])

    def vectors(self, key):
        return self.work / f"{key}.vectors"

    def reference(self, rows):
        """Vectors of the reference, of this run or of an earlier one on the same texts and weights."""
        made, kept = self.vectors(REFERENCE), self.exported / f"reference-{self.fidelity.stem}.vectors"
        if REFERENCE in rows and "failed" not in rows[REFERENCE]:
            kept.write_bytes(made.read_bytes())
        if kept.is_file():
            return np.fromfile(kept, dtype="<f4").reshape(-1, 384)
        say(f"no fidelity column: it wants {REFERENCE} in this run or an earlier one")
        return None

    def cosine(self, key, reference):
        vectors = np.fromfile(self.vectors(key), dtype="<f4").reshape(reference.shape)
        cosines = (vectors.astype(np.float64) * reference).sum(axis=1)
        return {"min": float(cosines.min()), "mean": float(cosines.mean())}

    def look_for_peak(self):
        """Before and after the rounds, and the better counts: a roof is what was reached once, undisturbed."""
        say("what the machine reaches in fp32")
        threads = str(self.chosen.threads)
        bounded = os.environ | {name: threads for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        command = [sys.executable, str(engines.HERE / "machine.py")]
        found = subprocess.run(command, env=bounded, capture_output=True, text=True)
        peaks = self.about["fp32_peak_gflops"]
        for library, reached in (json.loads(found.stdout) if found.returncode == 0 else {}).items():
            peaks[library] = max(reached, peaks.get(library, 0.0))

    def describe(self):
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self.model / "tokenizer.json"))

        def lengths(path, prefix):
            lines = [prefix + json.loads(line)["text"] for line in path.read_text("utf-8").splitlines()]
            return [len(encoding.ids) for encoding in tokenizer.encode_batch(lines)]

        abstracts, questions = lengths(self.abstracts, "passage: "), lengths(self.questions, "query: ")
        commit = subprocess.run(["git", "-C", str(engines.ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True)
        return {
            "machine": machine.describe(),
            "cores": len(os.sched_getaffinity(0)),
            "threads": self.chosen.threads,
            "date": datetime.date.today().isoformat(),
            "commit": commit.stdout.strip() or "unknown",
            "rounds": self.chosen.rounds,
            "texts": len(abstracts),
            "tokens": sum(abstracts),
            "questions": len(questions),
            "question_tokens": sum(questions) / len(questions),
            "fidelity": len(self.fidelity.read_text("utf-8").splitlines()),
            "operations": machine.operations_per_token(abstracts),
            "fp32_peak_gflops": {},
            "versions": versions(self.selected),
        }


def versions(selected):
    found = {}
    for package in {package for engine in selected for package in engine.packages}:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def say(text):
    print(f"== {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
