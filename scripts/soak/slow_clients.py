"""Test 9: clients who say nothing, who trickle, who never read. Each costs a bounded time and place, and ordinary clients nothing.

Whether a connection is over is asked of the system, on the service's side of it: a client who does not read would not learn it.
"""

import asyncio
import time

import load
import wire
from bodies import soaked

HELD_OPEN = (1, 8)  # established; closed by the client only


class Kind:
    """500 clients of one bad habit."""

    def __init__(self, name, begin, again=None, every=1.0):
        self.name, self.begin, self.again, self.every = name, begin, again, every


def kinds(service):
    post = wire.head("POST", "/v1/search", service.host, [("Content-Type", "application/json")], 100)
    # The whole document, over and over: more than the buffers of both sides hold.
    unread = wire.head("GET", "/openapi.json", service.host) * 150
    return [
        Kind("silent", b""),
        Kind("one byte of the header a second", b"GET /healthz HTTP/1.1\r\nX: ", b"x", 1.0),
        Kind("one byte of the body in 5 s", post + b"{", b" ", 5.0),
        Kind("never read", unread),
    ]


async def keep(connection, kind, until):
    """Goes on with a habit until the service has had enough."""
    try:
        await asyncio.wait_for(connection.send(kind.begin), max(0.1, until - time.monotonic()))
        while kind.again and time.monotonic() < until:
            await asyncio.sleep(kind.every)
            await connection.send(kind.again)
    except (OSError, asyncio.TimeoutError):
        pass


async def last_closed(service, groups, patience):
    """Seconds until the service holds none of a group's connections any more, for each group; None for one that it goes on holding."""
    begun, over = time.monotonic(), {}
    ports = {name: {one.socket.getsockname()[1] for one in group} for name, group in groups.items()}
    while len(over) < len(groups) and time.monotonic() - begun < patience:
        open_ = {port for port, (state, _) in soaked(service.port).items() if state in HELD_OPEN}
        for name, group in ports.items():
            if name not in over and not open_ & group:
                over[name] = time.monotonic() - begun
        await asyncio.sleep(0.25)
    return {name: over.get(name) for name in groups}


async def hold(service, some, each, patience):
    """`each` clients of `some` kinds at once; by kind, the seconds until the service was rid of them."""
    groups = {}
    for kind in some:
        groups[kind.name] = [wire.Connection(service.address, small=kind.name == "never read") for _ in range(each)]
    everyone = [one for group in groups.values() for one in group]
    # Those beyond the service's places are in the system's queue: connected, as far as they can tell.
    await asyncio.gather(*(one.open() for one in everyone))
    until = time.monotonic() + patience
    habits = [asyncio.create_task(keep(one, kind, until)) for kind in some for one in groups[kind.name]]
    try:
        return await last_closed(service, groups, patience)
    finally:
        for habit in habits:
            habit.cancel()
        await asyncio.gather(*habits, return_exceptions=True)
        for one in everyone:
            one.close()


async def held(soak):
    figures, service = soak.figures, soak.service
    figures.begin("9 slow clients")
    each = 500
    ordinary = load.related(soak.ids)
    options = {"rate": 50, "seed": soak.seed, **soak.load_headers}
    before = await load.measured(service, ordinary, 50, soak.seconds(8, 20), **options)
    descriptors = service.descriptors()
    some = kinds(service)
    if not soak.quick:
        for kind in some:
            meanwhile = await load.start(service, ordinary, 50, 36, **options)
            over = await hold(service, [kind], each, 45)
            figures.at_most(f"{each} alone, {kind.name}: all closed within", over[kind.name], 35, " s")
            compare(figures, before, await meanwhile.result(), f", {kind.name}")
    # Those in the queue come in as the first are closed: a kind's time may then be the sum of two deadlines.
    meanwhile = await load.start(service, ordinary, 50, 60, **options)
    over = await hold(service, some, each, 90)
    for name, seconds in over.items():
        figures.tell(f"{4 * each} at once, {name}: all closed within", "not at all" if seconds is None else f"{seconds:.1f} s")
    last = None if None in over.values() else max(over.values())
    figures.at_most(f"{4 * each} at once: all closed within", last, 35, " s",
                    f"{soak.limits['connections']} have a place at once; the others wait for one in the system's queue")
    compare(figures, before, await meanwhile.result(), "")
    await asyncio.sleep(1)
    figures.at_most("descriptors afterwards, to before", service.descriptors() - descriptors, 0, "")
    figures.none("defects in the log", service.defects())


def compare(figures, before, during, which):
    figures.none(f"50 ordinary clients meanwhile{which}: errors", load.only(during, {200}),
                 f"{during['accepted']['count']} were answered")
    ratio = during["accepted"]["p99_ms"] / before["accepted"]["p99_ms"] if during["accepted"]["count"] else None
    figures.at_most(f"their p99, to before{which}", ratio, 2.0, " x",
                    f"{before['accepted']['p99_ms']:.1f} ms before, {during['accepted']['p99_ms'] or 0:.1f} ms meanwhile")
