"""Whether every answer is one that /openapi.json describes: schemathesis makes requests of the document, good ones and bad, and holds
the answers against it."""

import asyncio
import json
import re
import subprocess
import tempfile
from pathlib import Path

import wire

# Pinned: another version makes other requests.
SCHEMATHESIS = "schemathesis==4.32.5"
SERVER_ERROR = "not_a_server_error"
OUTSIDE = ["status_code_conformance", "content_type_conformance", "response_headers_conformance", "response_schema_conformance"]


def installed(bench):
    """The program, in an environment of its own; none where it cannot be installed."""
    venv = Path(bench).absolute() / "venv"
    program = venv / "bin/schemathesis"
    stamp = venv / SCHEMATHESIS.replace("==", "-")
    if stamp.exists():
        return program
    try:
        subprocess.run(["python3", "-m", "venv", venv], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([venv / "bin/pip", "install", "-q", SCHEMATHESIS], check=True, timeout=900)
    except (OSError, subprocess.SubprocessError):
        return None
    stamp.touch()
    return program


async def kept(soak):
    figures, service = soak.figures, soak.service
    figures.begin("schemathesis")
    program = await asyncio.to_thread(installed, soak.bench)
    if program is None:
        figures.skip("answers outside of /openapi.json", "0", f"{SCHEMATHESIS} cannot be installed here")
        return
    with tempfile.TemporaryDirectory(prefix="paperkin-soak-") as folder:
        report, document = Path(folder) / "events.ndjson", Path(folder) / "openapi.json"
        document.write_text(json.dumps(await with_what_is_there(soak)))
        command = [program, "run", document, "--url", f"http://{service.host}", "--checks", ",".join([SERVER_ERROR, *OUTSIDE]),
                   "--seed", soak.seed, "--max-examples", soak.count(30, 300), "--phases", "examples,coverage,fuzzing", "--workers", 2,
                   "--continue-on-failure", "--no-shrink", "--request-timeout", 40, "--generation-database", "none", "--report-ndjson-path", report]
        for name, value in soak.key_headers:
            command += ["--header", f"{name}: {value}"]
        done = await asyncio.to_thread(subprocess.run, list(map(str, command)), cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True, errors="replace")
        if not report.exists():
            raise RuntimeError(done.stdout[-500:])
        asked, failures = read(report)
    operations = len(soak.operations)
    kinds = {}
    for check, operation, status, told in failures:
        kinds.setdefault(check, {}).setdefault(f"{operation} {status}: {told}", 0)
        kinds[check][f"{operation} {status}: {told}"] += 1
    figures.at_least(f"requests, of {operations} operations", asked, 20 * operations)
    figures.none("server errors", kinds.pop(SERVER_ERROR, {}))
    for check in OUTSIDE:
        figures.none(check.replace("_", " ") + ": answers outside", kinds.pop(check, {}))
    if done.returncode not in (0, 1):
        figures.judge("schemathesis itself", "exit 0 or 1", f"exit {done.returncode}", False, done.stdout[-300:])
    figures.judge("still running", "yes", "yes" if service.is_running() else "no", service.is_running())
    figures.none("defects in the log", service.defects())


async def with_what_is_there(soak):
    """The document, with examples that name papers and a task of this library: else nobody would be shown more than 404."""
    service = soak.service
    added = await wire.ask(service, "POST", "/v1/papers", b'{"title": "On contracts"}', [("Content-Type", "application/json"), *soak.key_headers])
    task = added.json()["task"]["id"]
    text = (await wire.ask(service, "GET", "/openapi.json")).body.decode()
    document = json.loads(text.replace('"arxiv:2408.15881"', json.dumps(soak.ids[0])))
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path":
                    # What is removed is no example of the others.
                    parameter["example"] = task if "/tasks/" in path else soak.ids[-1 if method == "delete" else 0]
    return document


def read(report):
    """How many requests were made, and the checks that failed: name, operation, status, and its words."""
    asked, failures = 0, []
    with open(report, encoding="utf-8") as events:
        for line in events:
            finished = json.loads(line).get("ScenarioFinished")
            if not finished:
                continue
            recorder = finished["recorder"]
            interactions = recorder.get("interactions", {})
            asked += len(interactions)
            for case, checks in recorder.get("checks", {}).items():
                for check in checks:
                    if check["status"] != "failure":
                        continue
                    made = recorder["cases"][case]["value"]
                    answer = (interactions.get(case) or {}).get("response") or {}
                    failure = (check.get("failure_info") or {}).get("failure") or {}
                    words = re.sub(r"\s+", " ", f"{failure.get('title', '')} {failure.get('message', '')}").strip()
                    failures.append((check["name"], f"{made.get('method', '')} {made.get('path', '')}", answer.get("status_code"), words[:160]))
    return asked, failures
