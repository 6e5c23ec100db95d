"""Many ordinary clients: the Rust program beside this file, in a process of its own."""

import asyncio
import itertools
import json
import tempfile
from pathlib import Path
from urllib.parse import quote

from service import ROOT

LOAD = ROOT / "target/release/examples/soak-load"


class Load:
    """A load under way. `result()` waits for its end."""

    def __init__(self, process, requests):
        self.process, self.requests = process, requests

    async def result(self):
        out, told = await self.process.communicate()
        Path(self.requests).unlink()
        if self.process.returncode:
            raise SystemExit(f"the clients ended: {told.decode().strip()}")
        return json.loads(out)


RUNS = itertools.count()


async def start(service, requests, clients, seconds, **options):
    """Clients who ask `requests`, each a path or a dictionary, at random: every run others."""
    if "seed" in options:
        options["seed"] += next(RUNS)
    with tempfile.NamedTemporaryFile("w", prefix="paperkin-soak-", suffix=".jsonl", delete=False) as file:
        for request in requests:
            file.write(json.dumps({"path": request} if isinstance(request, str) else request) + "\n")
    command = [LOAD, "--address", service.host, "--requests", file.name, "--connections", clients, "--seconds", seconds]
    for name, value in options.items():
        command += [f"--{name}"] if value is True else [f"--{name}", value]
    process = await asyncio.create_subprocess_exec(*map(str, command), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    return Load(process, file.name)


async def measured(service, requests, clients, seconds, **options):
    return await (await start(service, requests, clients, seconds, **options)).result()


def only(result, allowed):
    """Answers of other statuses than `allowed`, and all that was no answer: how many of each."""
    wrong = {status: answers["count"] for status, answers in result["by_status"].items() if int(status) not in allowed}
    return wrong | {kind: result[kind] for kind in ("resets", "timeouts", "unconnected") if result[kind]}


# Requests that differ: more than are asked in a run, so that hardly any answer was given before.
MANY = 40_000


def related(ids, fresh=False):
    """Requests that need no model: what is like a paper. `fresh`: each with a floor of its own, and so with an answer that nobody was given yet."""
    paths = [f"/v1/papers/{quote(one, safe='')}/related" for one in ids]
    if not fresh:
        return paths
    return [f"{paths[number % len(paths)]}?floor={number / 1e7:.7f}" for number in range(MANY)]


def asked(questions, fresh=False):
    """Questions. `fresh`: each with a number of its own behind it."""
    if not fresh:
        return [f"/v1/search?q={quote(question)}" for question in questions]
    return [f"/v1/search?q={quote(questions[number % len(questions)])}%20{number}" for number in range(MANY)]


QUESTIONS = [
    "attention without recurrence", "retrieval with late interaction", "multilingual sentence embeddings", "残差连接的替代方案",
    "다국어 임베딩 모델", "graph neural networks for molecules", "which loss works for dense retrieval",
    "低资源语言的机器翻译", "文書検索の評価方法", "scaling laws of language models", "nearest neighbours in high dimensions",
    "positional encodings for long texts", "knowledge distillation of rerankers", "какие модели понимают русский",
    "contrastive learning of images and text", "sparse mixture of experts",
]
