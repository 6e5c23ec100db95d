"""Test 11: clients that leave. Their requests end, and what they asked does not reach the model."""

import asyncio
import json
import statistics
import time

import load
import wire
from overload import Held


async def gone(soak):
    figures, service = soak.figures, soak.service
    figures.begin("11 clients that leave")
    paths = load.asked(load.QUESTIONS)
    for path in paths:
        await wire.ask(service, "GET", path, headers=soak.key_headers)
    # What one question costs: the way to know from outside how many were asked of the model.
    before, count = service.processor_seconds(), 200
    answers = [(await wire.ask(service, "GET", paths[number % len(paths)], headers=soak.key_headers)).seconds for number in range(count)]
    each = (service.processor_seconds() - before) / count

    async def leave(number):
        connection = wire.Connection(service.address)
        try:
            await connection.open()
            await connection.send(wire.head("GET", paths[number % len(paths)], service.host, soak.key_headers))
            await asyncio.sleep(0.005)
        except OSError:
            pass
        finally:
            connection.close()

    # As people leave: because the model is busy. One long question after the other keeps it so.
    long = json.dumps({"query": " ".join(load.QUESTIONS * 10)[:soak.limits["question_characters"]]}).encode()

    async def ask_long():
        headers = [("Content-Type", "application/json"), *soak.key_headers]
        return await wire.ask(service, "POST", "/v1/search", long, headers)

    before, long_count = service.processor_seconds(), 5
    long_seconds = [(await ask_long()).seconds for _ in range(long_count)]
    long_each = (service.processor_seconds() - before) / long_count

    before, asked_long, over = service.processor_seconds(), [], asyncio.Event()

    async def keep_busy():
        while not over.is_set():
            answer = await ask_long()
            if answer.status == 200:
                asked_long.append(answer.seconds)

    # Two: when one is answered the next is in line already.
    busy = [asyncio.create_task(keep_busy()) for _ in range(2)]
    await asyncio.sleep(min(long_seconds) / 2)
    dropped = 1_000
    # Fewer at once than there are places: more would be refused, and show nothing.
    at_once = soak.limits["requests"] - 4
    begun = time.monotonic()
    for first in range(0, dropped, at_once):
        await asyncio.gather(*(leave(number) for number in range(first, min(first + at_once, dropped))))
    left = time.monotonic()
    over.set()
    await asyncio.gather(*busy)
    freed = await all_free(soak)
    figures.at_most(f"all {soak.limits['requests']} places free after {dropped:,} requests dropped at 5 ms, within", freed, 1.0, " s",
                    f"they came in {left - begun:.1f} s, a question takes {statistics.median(answers) * 1000:.1f} ms")
    spent = service.processor_seconds() - before - long_each * len(asked_long)
    reached = min(1.0, max(0.0, spent) / each / dropped)
    figures.at_least("of those dropped, never reached the model", round(100 * (1 - reached), 1), 95, " %",
                     f"by processor time beyond that of {len(asked_long)} long questions of {long_each * 1000:.0f} ms: {spent:.2f} s, a question "
                     f"{each * 1000:.1f} ms; reading a request counts as reaching")
    # Those that looked for free places have only just left.
    begun, status = time.monotonic(), 503
    while status == 503 and time.monotonic() - begun < 1:
        status = (await wire.ask(service, "GET", paths[0], headers=soak.key_headers)).status
    figures.judge("the next question", "200", str(status), status == 200)
    profile = (soak.root / "Cargo.toml").read_text()
    figures.judge("release profile", "panic = unwind", "unwind" if 'panic = "unwind"' in profile else "other", 'panic = "unwind"' in profile)
    figures.skip("a handler that panics, an encoder that panics", "one 500, then 200",
                 "the binary has no such place; tests/routes asks it of the router")
    figures.none("defects in the log", service.defects())


async def all_free(soak):
    """Seconds until every place can be taken again."""
    begun = time.monotonic()
    while time.monotonic() - begun < 30:
        held = Held(soak.service, "/v1/related", soak.key_headers)
        let_in = await asyncio.gather(*(held.one_more() for _ in range(soak.limits["requests"])))
        held.leave()
        # Whoever is let in is known by silence, which is half a second.
        if all(let_in):
            return max(0.0, time.monotonic() - begun - 0.5)
        await asyncio.sleep(0.05)
    return None
