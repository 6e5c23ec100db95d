"""Test 11: clients that leave. Their requests end, and what they asked does not reach the model."""

import asyncio
import json
import statistics
import time

import load
import wire


async def gone(soak):
    figures, service = soak.figures, soak.service
    figures.begin("11 clients that leave")
    paths = load.asked(load.QUESTIONS, fresh=True)
    # Questions for the first time in their language take longer.
    for path in load.asked(load.QUESTIONS):
        await wire.ask(service, "GET", path, headers=soak.key_headers)

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
    words = " ".join(load.QUESTIONS * 10)[:soak.limits["question_characters"] - 10]
    asked_long, over = [], asyncio.Event()

    async def keep_busy(which):
        number = 0
        while not over.is_set():
            number += 1
            long = json.dumps({"query": f"{words} {which} {number}"}).encode()
            answer = await wire.ask(service, "POST", "/v1/search", long, [("Content-Type", "application/json"), *soak.key_headers])
            if answer.status == 200:
                asked_long.append(answer.seconds)

    before = await counted(soak)
    # Two: when one is answered the next is in line already.
    busy = [asyncio.create_task(keep_busy(which)) for which in range(2)]
    await asyncio.sleep(0.1)
    dropped = 1_000
    # Fewer at once than there are places: more would be refused, and show nothing.
    at_once = soak.limits["requests"] - 4
    begun = time.monotonic()
    for first in range(0, dropped, at_once):
        await asyncio.gather(*(leave(number) for number in range(first, min(first + at_once, dropped))))
    left = time.monotonic()
    over.set()
    await asyncio.gather(*busy)
    begun_free = time.monotonic()
    while (await counted(soak))["paperkin_requests_under_way"] > 1 and time.monotonic() - begun_free < 30:
        await asyncio.sleep(0.02)
    figures.at_most(f"requests under way 0 after {dropped:,} requests dropped at 5 ms, within", round(time.monotonic() - begun_free, 3), 1.0, " s",
                    f"they came in {left - begun:.1f} s, beside {len(asked_long)} long questions of {statistics.median(asked_long) * 1000:.0f} ms")
    after = await counted(soak)
    answers = 'paperkin_stage_seconds_count{stage="answer"}'
    reached = max(0, after[answers] - before.get(answers, 0) - len(asked_long))
    figures.at_least("of those dropped, never reached the model", round(100 * (1 - reached / dropped), 1), 95, " %",
                     f"by /metrics: {reached:.0f} were answered to nobody")
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


async def counted(soak):
    """What /metrics counts, by series."""
    answer = await wire.ask(soak.service, "GET", "/metrics", headers=soak.key_headers)
    lines = answer.body.decode().splitlines()
    return {series: float(number) for series, _, number in (line.rpartition(" ") for line in lines if line and not line.startswith("#"))}
