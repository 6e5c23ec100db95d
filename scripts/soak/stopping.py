"""Test 12: a signal to stop, amid work. What is being answered is answered, what comes is refused, and it ends soon."""

import asyncio
import signal
import time

import load
import service as services
import wire


async def stopped(soak):
    figures = soak.figures
    figures.begin("12 stop")
    with soak.start() as service:
        await wire.ready(service)
        await amid_requests(soak, service)
    await twice(soak)
    await readiness(soak)
    checked = services.run(["check"], library=soak.library)
    figures.judge("afterwards 'paperkin check'", "exit 0", f"exit {checked.returncode}", checked.returncode == 0, checked.stdout.strip()[-200:])
    with soak.start() as service:
        counts = await wire.ready(service)
        repaired = [line for line in service.log if "repair" in line.lower() or "rebuil" in line.lower() or "unusable" in line.lower()]
        figures.none("started again: repairs in its log", repaired, f"{counts['papers']} papers, index {counts['index']}")


class Outcomes:
    def __init__(self):
        self.answered, self.refused, self.lost, self.unread = 0, 0, [], 0


async def amid_requests(soak, service):
    """200 requests a second, each on a connection of its own, half of them questions for the model; ten more clients are stuck."""
    figures = soak.figures
    paths = [path for pair in zip(load.related(soak.ids)[:16], load.asked(load.QUESTIONS)) for path in pair]
    outcomes, over = Outcomes(), asyncio.Event()
    stuck = []
    for number in range(10):
        connection = await wire.Connection(service.address).open()
        # Half have said a part of a header, half a part of a body.
        said = b"GET /healthz HT" if number % 2 else wire.head("POST", "/v1/papers", service.host, [("Content-Type", "text/plain"), *soak.key_headers], 100) + b"a"
        await connection.send(said)
        stuck.append(connection)
    signalled = None

    async def one(number):
        connection = wire.Connection(service.address)
        begun = time.monotonic()
        try:
            await connection.open()
        except OSError:
            outcomes.refused += 1
            connection.close()
            return
        try:
            await connection.send(wire.head("GET", paths[number % len(paths)], service.host, [*soak.key_headers, ("Connection", "close")]))
            await connection.read()
            outcomes.answered += 1
        except (OSError, wire.NoAnswer) as error:
            since = f"{(begun - signalled) * 1000:+.0f} ms" if signalled else "before"
            outcomes.lost.append(f"asked {since} from the signal: {error}")
        finally:
            connection.close()

    async def ask():
        asking, number, due = set(), 0, time.monotonic()
        while not over.is_set():
            asking.add(asyncio.create_task(one(number)))
            number += 1
            due += 1 / 200
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        await asyncio.gather(*asking)

    asking = asyncio.create_task(ask())
    await asyncio.sleep(soak.seconds(2, 5))
    signalled = time.monotonic()
    service.signal()
    ended = asyncio.to_thread(service.process.wait, 30)
    code = await ended
    seconds = time.monotonic() - signalled
    await asyncio.sleep(0.3)
    over.set()
    await asking
    for connection in stuck:
        connection.close()
    figures.none("200 requests a second at SIGTERM: asked, and lost", outcomes.lost,
                 f"{outcomes.answered} answered, {outcomes.refused} refused; a request that came before the signal was seen counts as asked")
    figures.at_least("new ones refused", outcomes.refused, 1)
    figures.judge("exit with 10 stuck clients", "0", str(code), code == 0)
    figures.at_most("it ends within", round(seconds, 2), 10, " s", f"the drain alone is {soak.limits['drain_time']} s")


async def twice(soak):
    """A second signal ends at once."""
    with soak.start() as service:
        await wire.ready(service)
        connection = await wire.Connection(service.address).open()
        await connection.send(wire.head("POST", "/v1/search", service.host, [("Content-Type", "application/json"), *soak.key_headers], 100) + b"{")
        await asyncio.sleep(0.2)
        service.signal()
        await asyncio.sleep(0.5)
        still = service.is_running()
        begun = time.monotonic()
        service.signal(signal.SIGTERM)
        code = await asyncio.to_thread(service.process.wait, 20)
        soak.figures.at_most("a second SIGTERM ends it within", round(time.monotonic() - begun, 2), 0.5, " s",
                             f"exit {code}" + ("" if still else "; the first had ended it already"))
        connection.close()


async def readiness(soak):
    """Who watches readiness is told before the end; asked on a connection that is open and in use, since new ones are refused."""
    with soak.start() as service:
        await wire.ready(service)
        # Keeps it from ending while we look.
        stuck = await wire.Connection(service.address).open()
        await stuck.send(wire.head("POST", "/v1/search", service.host, [("Content-Type", "application/json"), *soak.key_headers], 100) + b"{")
        # Of a request under way the connection lives: its end comes after the signal.
        watching = await wire.Connection(service.address).open()
        await watching.send(f"GET /readyz HTTP/1.1\r\nHost: {service.host}\r\n".encode())
        await asyncio.sleep(0.2)
        service.signal()
        await asyncio.sleep(0.3)
        try:
            await watching.send(b"\r\n")
            status = str((await watching.read(3)).status)
        except (OSError, wire.NoAnswer) as error:
            status = f"no answer: {error}"
        soak.figures.judge("/readyz during the drain", "503", status, status == "503")
        service.signal()
        stuck.close()
        watching.close()
        await asyncio.to_thread(service.process.wait, 20)
