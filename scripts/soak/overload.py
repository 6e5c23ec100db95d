"""Test 10: more clients than can be served. Everyone is answered: 200, or 503 at once with the time to come back."""

import asyncio
import json
import time

import load
import service as services
import wire
from service import MIB


async def overwhelmed(soak):
    figures, service = soak.figures, soak.service
    figures.begin("10 overload")
    seconds = soak.seconds(10, 60)
    ordinary = load.related(soak.ids)
    # As many that need the model as do not, and all for the first time.
    mixed = load.related(soak.ids, fresh=True) + load.asked(load.QUESTIONS, fresh=True)
    options = {"seed": soak.seed, **soak.load_headers}
    await load.measured(service, mixed, 2, 2, **options)
    alone = await load.measured(service, ordinary, 1, soak.seconds(3, 5), **options)
    idle = service.resident()
    spent = service.processor_seconds()
    with services.Memory(service) as memory:
        flooded = await load.measured(service, mixed, 1_000, seconds, **options)
    spent = 1e6 * (service.processor_seconds() - spent) / sum(answers["count"] for answers in flooded["by_status"].values())
    figures.none("1,000 clients: neither 200 nor 503", load.only(flooded, {200, 503}), counts(flooded))
    figures.none("503 without Retry-After", flooded["without_retry_after"])
    refused = flooded["by_status"].get("503")
    if refused:
        figures.at_most("p99 of refusals", refused["p99_ms"], 50, " ms", f"p50 {refused['p50_ms']:.1f} ms, {refused['per_second']:,.0f} a second, "
                        f"{spent:.0f} us of the service's processor time each; clients who ask again at once are their own queue")
    figures.at_most("p99 of what was accepted", flooded["accepted"]["p99_ms"], 1_000, " ms",
                    f"{flooded['accepted']['per_second']:,.0f} a second")
    figures.at_most("peak memory above idle", round((memory.peak - idle) / MIB, 1), 256, " MiB")
    figures.at_most("memory over the last minute", round(memory.slope(min(60, seconds / 2)) / MIB, 2), 1.0, " MiB a minute",
                    "the second half of a quick run" if soak.quick else "")
    await asyncio.sleep(5)
    after = await load.measured(service, ordinary, 1, soak.seconds(3, 5), **options)
    figures.at_most("p50 of one client 5 s afterwards, to before", after["accepted"]["p50_ms"] / alone["accepted"]["p50_ms"], 1.10, " x",
                    f"{alone['accepted']['p50_ms']:.2f} ms and {after['accepted']['p50_ms']:.2f} ms")

    patient = await load.measured(service, mixed, 1_000, seconds, patient=True, **options)
    figures.none("1,000 clients who come back when told to: neither 200 nor 503", load.only(patient, {200, 503}), counts(patient))
    if "503" in patient["by_status"]:
        figures.at_most("p99 of their refusals", patient["by_status"]["503"]["p99_ms"], 50, " ms")
    figures.at_most("p99 of what was accepted of them", patient["accepted"]["p99_ms"], 1_000, " ms")
    await slow_bodies(soak)
    await largest(soak)
    figures.none("defects in the log", service.defects())


def counts(result):
    return ", ".join(f"{status}: {answers['count']:,}" for status, answers in result["by_status"].items())


async def slow_bodies(soak):
    """Bodies that do not come keep nobody from asking: a place among the requests is for what can be worked on."""
    figures, service = soak.figures, soak.service
    held = []
    for _ in range(2 * soak.limits["requests"]):
        connection = await wire.Connection(service.address).open()
        headers = [("Content-Type", "application/json"), *soak.key_headers]
        await connection.send(wire.head("POST", "/v1/related", service.host, headers, 100) + b"{")
        held.append(connection)
    refused, asked = [], 0
    for operation in soak.operations:
        if operation.takes_papers or operation.streams or operation.method == "DELETE":
            continue
        asked += 1
        answer = await wire.ask(service, operation.method, operation.url(soak.ids), operation.body(soak.ids), [*operation.headers(), *soak.key_headers])
        if answer.status in (429, 503):
            refused.append(f"{operation}: {answer.status}")
    figures.none(f"meanwhile {len(held)} bodies that do not come: refused, of {asked} operations", refused)
    for connection in held:
        connection.close()


async def largest(soak):
    """The largest batch that may be asked, as often at once as there are places, and as often again."""
    figures, service, limits = soak.figures, soak.service, soak.limits
    each = limits["question_characters"] // limits["examples"]
    batches = {"/v1/related": {"positive": [{"text": f"{number:03} {'word ' * each}"[:each]} for number in range(limits["examples"])]}}
    for operation in soak.operations:
        if operation.path == "/v1/embeddings":
            batches[operation.path] = {"model": "soak", "input": [f"text {number}" for number in range(limits["texts"])]}
    statuses = {}

    async def one(path, body):
        try:
            answer = await wire.ask(service, "POST", path, body, [("Content-Type", "application/json"), *soak.key_headers])
            status = answer.status
        except (wire.NoAnswer, OSError):
            status = "no answer"
        statuses[status] = statuses.get(status, 0) + 1

    for path, batch in batches.items():
        await asyncio.gather(*(one(path, json.dumps(batch).encode()) for _ in range(2 * limits["requests"])))
    wrong = {status: count for status, count in statuses.items() if status not in (200, 413, 422, 503, 504)}
    figures.none("the largest batch x the largest concurrency: a panic or no answer", wrong, str(statuses))
