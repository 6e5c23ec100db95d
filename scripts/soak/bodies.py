"""Tests 6 to 8: bodies that are too large, that lie, that are garbage, that unfold. A refusal costs little and comes at once."""

import asyncio
import io
import json
import socket
import struct
import time
import zipfile
import zlib
from pathlib import Path

import load
import service as services
import wire
from service import MIB

PIECE = 64 * 1024
SMALL = 8 * 1024
# Bytes around a chunk of SMALL: its length in hexadecimal and two ends of lines.
FRAME = len(f"{SMALL:x}") + 4
DOCUMENTED = {400, 404, 405, 409, 411, 413, 415, 421, 422}


def limit_of(operation, limits):
    return limits["upload_bytes"] if operation.takes_papers else limits["body_bytes"]


async def oversized(soak):
    """Test 6."""
    figures, service, limits = soak.figures, soak.service, soak.limits
    figures.begin("6 oversized bodies")
    taking = [one for one in soak.operations if one.has_body]
    wrong, slowest = [], 0.0
    for operation in taking:
        too_long = limit_of(operation, limits) + 1
        for chunked in (False, True):
            answer, after, _ = await pour(soak, operation, too_long, chunked)
            kind = "chunked" if chunked else "Content-Length"
            if answer is None or answer.status != 413 or not (operation.is_of_a_face or answer.code == "body_too_large"):
                wrong.append(f"{operation}, {kind}: {answer and answer.status}")
            slowest = max(slowest, after)
    figures.none(f"limit + 1, {len(taking)} operations, with and without length: not 413", wrong)
    figures.at_most("slowest such refusal", slowest, 1.0, " s")

    wrong, most = [], -(10**9)
    for operation in taking:
        answer, _, read = await pour(soak, operation, None, True)
        if answer is None or answer.status != 413:
            wrong.append(f"{operation}: {answer and answer.status}")
        most = max(most, read - limit_of(operation, limits))
    figures.none("endless chunked: not 413", wrong)
    figures.at_most("read of it beyond the limit", round(most / 1024, 1), 64, " KiB", "what the system has acknowledged less what lies unread")
    figures.none("lengths that lie: 5xx, or open after 1 s", await lies(soak))
    await flood(soak, taking)
    figures.none("defects in the log", service.defects())


async def pour(soak, operation, length, chunked):
    """Sends a body of `length` bytes, or without end; its answer, the seconds from the byte too many to it, and how much was read."""
    service = soak.service
    path = operation.url(soak.ids)
    limit = limit_of(operation, soak.limits)
    async with wire.Connection(service.address) as connection:
        headers = [*operation.headers(), *soak.key_headers]
        if chunked:
            await connection.send(wire.head(operation.method, path, service.host, [*headers, ("Transfer-Encoding", "chunked")]))
        else:
            await connection.send(wire.head(operation.method, path, service.host, headers, length))
        before = connection.sent
        told = {"over": time.monotonic() if not chunked else None, "read": 0}

        def look():
            read = read_of(service, connection) - before
            # What frames the chunks is no part of the body.
            told["read"] = max(told["read"], read - FRAME * (read // (SMALL + FRAME)) if chunked else read)

        async def send():
            piece = chunk(SMALL) if chunked else b" " * SMALL
            left = length
            while left is None or left > 0:
                part = piece
                if left is not None and left < SMALL:
                    part = chunk(left) if chunked else b" " * left
                await connection.send(part)
                left = None if left is None else left - SMALL
                if told["over"] is None and connection.sent - before > limit:
                    told["over"] = time.monotonic()
                # From here on: looking is slow, and what is read before does not count.
                if connection.sent - before > limit - 8 * SMALL:
                    look()
                await asyncio.sleep(0)

        sending = asyncio.create_task(send())
        answer = None
        try:
            answer = await connection.read(10)
            after = max(0.0, time.monotonic() - (told["over"] or time.monotonic()))
            # Whoever goes on sending learns by the closed connection that nobody listens.
            for _ in range(20):
                look()
                if sending.done():
                    break
                await asyncio.sleep(0.005)
        except wire.NoAnswer:
            after = 10.0
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        return answer, after, told["read"]


def chunk(length):
    return b"%x\r\n%b\r\n" % (length, b" " * length)


def read_of(service, connection):
    """Bytes of a connection that the service has read: acknowledged by the system, and not lying unread in it. Never too few by
    more than what arrives in between."""
    row = soaked(service.port).get(connection.socket.getsockname()[1])
    if row is None:
        return 0
    info = connection.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
    (acknowledged,) = struct.unpack_from("Q", info, 120)
    return acknowledged - row[1]


def soaked(port):
    """The service's connections, by the client's port: state and bytes that lie unread."""
    rows = {}
    suffix = f":{port:04X}"
    with open("/proc/net/tcp", encoding="ascii") as lines:
        for line in lines:
            fields = line.split()
            if fields[1].endswith(suffix) and fields[3] != "0A":
                rows[int(fields[2].rsplit(":", 1)[1], 16)] = (int(fields[3], 16), int(fields[4].split(":")[1], 16))
    return rows


async def lies(soak):
    service, wrong = soak.service, []
    good = b'{"query":"a"}'
    cases = {
        "longer than it says": (("Content-Length", "5"), good * 1000, False),
        "shorter than it says": (("Content-Length", "1000"), good, True),
        "no number": (("Content-Length", "many"), good, True),
        "negative": (("Content-Length", "-1"), good, True),
        "signed": (("Content-Length", "+13"), good, True),
        "over 2^64": (("Content-Length", "99999999999999999999"), good, True),
        "2^63": (("Content-Length", str(2**63)), good, True),
        "twice, unlike": (("Content-Length", "13\r\nContent-Length: 5"), good, True),
        "and chunked": (("Transfer-Encoding", "chunked\r\nContent-Length: 13"), b"d\r\n" + good + b"\r\n0\r\n\r\n", True),
        "chunk without number": (("Transfer-Encoding", "chunked"), b"xyz\r\n", True),
        "chunk over 2^64": (("Transfer-Encoding", "chunked"), b"fffffffffffffffff\r\na", True),
        "chunk negative": (("Transfer-Encoding", "chunked"), b"-1\r\na", True),
        "chunk extension without end": (("Transfer-Encoding", "chunked"), b"1;" + b"a" * 200_000, True),
        "trailers without end": (("Transfer-Encoding", "chunked"), b"0\r\n" + b"a: b\r\n" * 50_000, True),
        "gzip, chunked": (("Transfer-Encoding", "gzip, chunked"), b"0\r\n\r\n", True),
    }
    for name, (header, body, half_close) in cases.items():
        async with wire.Connection(service.address) as connection:
            headers = [("Content-Type", "application/json"), *soak.key_headers, header]
            try:
                await connection.send(wire.head("POST", "/v1/search", service.host, headers) + body)
                if half_close:
                    connection.socket.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            try:
                answer = await connection.read(5)
                if answer.status >= 500:
                    wrong.append(f"{name}: {answer.status}")
            except wire.NoAnswer:
                pass
            if await connection.closed(1.0) is None:
                wrong.append(f"{name}: still open")
    return wrong


async def flood(soak, taking):
    """200 clients at once who each have 1 GiB to say, and as many ordinary ones as before.

    The clients of a flood take cores that are the service's, too. So the same flood is poured over another process first: what ordinary
    requests then take is what they are compared with.
    """
    figures, service, limits = soak.figures, soak.service, soak.limits
    seconds = soak.seconds(4, 15)
    ordinary = load.related(soak.ids)
    options = {"rate": 60, "seed": soak.seed, **soak.load_headers}
    quiet = await load.measured(service, ordinary, 4, seconds, **options)
    with services.Service(None, control=True) as other:
        before, _ = await asyncio.gather(load.measured(service, ordinary, 4, seconds, **options), waves(soak, other, taking, seconds))
    idle, spent = service.resident(), service.processor_seconds()
    with services.Memory(service) as memory:
        during, statuses = await asyncio.gather(load.measured(service, ordinary, 4, seconds, **options), waves(soak, service, taking, seconds))
    spent = (service.processor_seconds() - spent) / seconds
    allowed = 16 * MIB + limits["uploads"] * limits["upload_bytes"] + limits["requests"] * limits["body_bytes"]
    wrong = {status or "no answer": count for status, count in statuses.items() if status not in (413, 429, 503)}
    figures.none(f"200 at once of 1 GiB, {sum(statuses.values())} in {seconds} s: neither 413 nor 503 (429 of a face)", wrong, str(statuses))
    figures.at_most("resident memory above idle", round((memory.peak - idle) / MIB, 1), allowed // MIB, " MiB", "16 MiB + places x bytes")
    ratio = during["accepted"]["p99_ms"] / before["accepted"]["p99_ms"] if during["accepted"]["count"] else None
    figures.at_most("p99 of ordinary requests, to that amid the same flood of another process", ratio, 2.0, " x",
                    f"{quiet['accepted']['p99_ms']:.1f} ms without, {before['accepted']['p99_ms']:.1f} ms beside, {during['accepted']['p99_ms'] or 0:.1f} ms "
                    f"amid it; the service took {spent:.2f} of {soak.cores} cores")
    figures.none("ordinary requests not answered 200", load.only(during, {200}), "a body without end holds one of our places while it is read")


async def waves(soak, service, taking, seconds):
    """The answers by status; every second all of them come again."""
    until, statuses = time.monotonic() + seconds, {}

    async def one(number):
        operation = taking[number % len(taking)]
        while time.monotonic() < until:
            try:
                status = await gush(soak, service, operation, 1024 * MIB, until)
            except (wire.NoAnswer, OSError):
                status = 0
            statuses[status] = statuses.get(status, 0) + 1
            # Also who was told that it is too much: the next wave, not a hammer.
            await asyncio.sleep(1)

    await asyncio.gather(*(one(number) for number in range(200)))
    return statuses


async def gush(soak, service, operation, length, until):
    """As `pour`, but plainly and fast; the status."""
    async with wire.Connection(service.address) as connection:
        headers = [*operation.headers(), *soak.key_headers, ("Transfer-Encoding", "chunked")]
        await connection.send(wire.head(operation.method, operation.url(soak.ids), service.host, headers))
        piece = chunk(PIECE)

        async def send():
            for _ in range(length // PIECE):
                await connection.send(piece)
                if time.monotonic() > until + 5:
                    return

        sending = asyncio.create_task(send())
        try:
            return (await connection.read(30)).status
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


HOSTILE = [
    b"", b"null", b"true", b"[]", b"{}", b"0", b'""', b"{", b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe", b'{"query":"\\ud800"}',
    b'{"query":"\\udc00\\ud800"}', b'{"query":"\x00"}', b'{"query":"\\u0000"}', b'\xef\xbb\xbf{"query":"a"}', b'{"query":1e999}',
    b'{"query":NaN}', b'{"query":Infinity}', b'{"query":"a","limit":0}', b'{"query":"a","limit":-1}', b'{"query":"a","limit":1.5}',
    b'{"query":"a","limit":9223372036854775808}', b'{"query":"a","limit":1e400}', b'{"query":"a","query":"b"}', b'{"query":["a"]}',
    b'{"query":{"query":"a"}}', b'{"positive":["' + b"a" * 300 + b'"]}', b'{"positive":[null]}', b'{"positive":{}}',
    b'{"positive":[{"text":"\xed\xa0\x80"}]}', b'{"query":"' + b"a" * 500_000 + b'"}', b" " * 1_000_000, b'{"query":"a"}' + b" " * 1_000_000,
    b'{"query":"a","recency":-1e38}', b'{"query":"a","recency":1e-45}', b'{"query":"a","diversity":2}', b'{"query":"a","floor":"x"}',
    b'{"query":"a","filter":{"year":["9999999999"]}}', b'{"query":"a","filter":{"year":["-5..5"]}}', b'{"query":"a","exclude":["\xf0\x9f\xa6\x99"]}',
    b'{"query":"author:"}', b'{"query":"\\"\\"\\""}', b'{"query":"tag:' + b"(" * 3000 + b'"}', b"\x1f\x8b\x08\x00", b"PK\x03\x04",
    b"<?xml version='1.0'?><feed>", b"%PDF-1.7", b"\x00" * 1000,
]
NAMES = ["\x00", "\ud800", "..", "../../etc/passwd", "a" * 300, "%", "%zz", "%ff", "0", "-1", "1.5", "9223372036854775808", "1e999", "NaN",
         "null", "true", "", " ", "\t", "\u202e", "arxiv:", "doi:10.", "t:0", "💥" * 50, "'; drop table", "{{7*7}}", "$(id)", "a&b=c", "a#b", "a?b"]
MENDED = [b'"', b"{", b"}", b"[", b"]", b":", b",", b"\\", b"\\u", b"\\ud83d", b"\x00", b"\xff", b"\xc3", b"-", b"1e999", b"null", b"1" * 400]


def mutated(random, good):
    body = bytearray(good)
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(body) + 1)
        match random.randrange(6):
            case 0 if at < len(body):
                body[at] ^= 1 << random.randrange(8)
            case 1:
                del body[at:at + random.randint(1, 8)]
            case 2:
                body[at:at] = random.choice(MENDED)
            case 3:
                body[at:at] = body[at:at + random.randint(1, 40)]
            case 4:
                del body[at:]
            case _:
                body[at:at + random.randint(0, 6)] = random.randbytes(random.randint(1, 8))
    return bytes(body)


def invalid_requests(soak, count):
    """Seeded; what a mutation leaves valid is answered as such."""
    random = soak.random("invalid")
    for body in HOSTILE:
        for operation in soak.operations:
            if operation.has_body:
                yield operation, operation.url(soak.ids), body
    for name in NAMES:
        for operation in soak.operations:
            if operation.streams or operation.method == "DELETE":
                continue
            for parameter in operation.parameters:
                value = {parameter["name"]: name.encode("utf-8", "surrogatepass")}
                yield operation, operation.url(soak.ids, value), operation.body(soak.ids)
    asking = [one for one in soak.operations if not one.streams and one.method != "DELETE"]
    for _ in range(count):
        operation = random.choice(asking)
        path, body = operation.url(soak.ids), operation.body(soak.ids)
        if operation.has_body and random.random() < 0.8:
            body = mutated(random, body)
        else:
            # Of an address the path stays a path: a space or a line's end would make another request of it.
            path = "/" + "".join(chr(byte) if 33 <= byte < 127 else f"%{byte:02x}" for byte in mutated(random, path[1:].encode()))
        yield operation, path, body


async def invalid(soak):
    """Test 7."""
    figures, service = soak.figures, soak.service
    figures.begin("7 invalid bodies")
    requests = iter(list(invalid_requests(soak, soak.count(2_000, 10_000))))
    wrong, latencies, statuses, shapeless = [], [], {}, []

    async def client():
        connection = None
        for operation, path, body in requests:
            for attempt in (1, 2):
                fresh = connection is None
                try:
                    connection = connection or await wire.Connection(service.address).open()
                    headers = [*operation.headers(), *soak.key_headers]
                    length = len(body) if operation.has_body or body else None
                    whole = wire.head(operation.method, path, service.host, headers, length) + body
                    begun = time.monotonic()
                    await connection.send(whole)
                    answer = await connection.read()
                    break
                except (OSError, wire.NoAnswer) as error:
                    if connection:
                        connection.close()
                    connection, answer = None, None
                    if fresh or attempt == 2:
                        wrong.append(f"{operation} {path[:60]} {body[:40]!r}: {error}")
                        break
            if answer is None:
                continue
            seconds = time.monotonic() - begun
            statuses[answer.status] = statuses.get(answer.status, 0) + 1
            if answer.status >= 400:
                latencies.append((seconds, f"{answer.status} {operation} {path[:60]} {body[:30]!r}", operation.takes_papers))
                if answer.status not in DOCUMENTED:
                    wrong.append(f"{answer.status} {operation} {path[:80]} {body[:60]!r}")
                # hyper answers what is no HTTP before any of ours does.
                if answer.code is None and answer.body and not operation.is_of_a_face:
                    shapeless.append(f"{answer.status} {operation} {path[:60]}")
            if answer.headers.get("connection") == "close":
                connection.close()
                connection = None

    await asyncio.gather(client(), client())
    figures.none(f"{sum(statuses.values()):,} requests: 5xx, no answer, or a status that is not of refusals", wrong, str(dict(sorted(statuses.items()))))
    figures.none("refusals without our JSON", shapeless)
    for which, of in (("", False), (" of papers posted", True)):
        some = sorted(latency for latency in latencies if latency[2] == of)
        p99 = some[int(len(some) * 0.99)][0] * 1000
        figures.at_most(f"slowest refusal{which}", round(some[-1][0] * 1000, 1), 50, " ms", f"{len(some):,}, p99 {p99:.1f} ms; the slowest: {some[-1][1]}")
    figures.none("defects in the log", service.defects())


def gzip_bomb(unpacked):
    """Members of 64 MiB of blank lines, one after the other: a megabyte each gibibyte. Zeros would be refused as no text."""
    packer = zlib.compressobj(9, wbits=31)
    member = packer.compress(b"\n" * (64 * MIB)) + packer.flush()
    return member * (unpacked // (64 * MIB))


def zstd_bomb(unpacked):
    """Blocks of one repeated byte, four bytes for 128 KiB: by hand, since Python has no zstd."""
    block, each = 128 * 1024, []
    count = unpacked // block
    for number in range(count):
        head = (block << 3) | (1 << 1) | (number == count - 1)
        each.append(head.to_bytes(3, "little") + b"a")
    # Magic, no checksum and no size, a window of 128 KiB.
    return b"\x28\xb5\x2f\xfd" + bytes([0x00, 0x38]) + b"".join(each)


def zip_of(name, data):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, data)
    return packed.getvalue()


def bombs():
    entities = "".join(f'<!ENTITY e{number} "{f"&e{number - 1};" * 10}">' for number in range(1, 12))
    nested = zip_of("deep.txt", b"\n" * (64 * MIB))
    for depth in range(8):
        nested = zip_of(f"{depth}.zip", nested)
    feed = "<feed xmlns='http://www.w3.org/2005/Atom'"
    return {
        "gzip of 10 GiB": ("bomb.jsonl.gz", gzip_bomb(10 * 1024 * MIB), "gzip"),
        "zstd of 512 MiB": ("bomb.jsonl.zst", zstd_bomb(512 * MIB), "zstd"),
        "zip of 1 GiB": ("bomb.zip", zip_of("a.jsonl", b"\n" * (1024 * MIB)), None),
        "zip in zip, 8 deep": ("nested.zip", nested, None),
        "entities of 10^11": ("entities.xml", f'<?xml version="1.0"?><!DOCTYPE f [<!ENTITY e0 "ha">{entities}]><feed xmlns="http://www.w3.org/2005/Atom"><entry><title>&e11;</title></entry></feed>'.encode(), None),
        "10^6 attributes": ("attributes.xml", (feed + "".join(f" a{number}='1'" for number in range(1_000_000)) + "><entry><title>a</title></entry></feed>").encode(), None),
        "10^6 namespaces": ("namespaces.xml", (feed + "".join(f" xmlns:n{number}='u'" for number in range(600_000)) + "><entry><title>a</title></entry></feed>").encode(), None),
        "10^6 elements deep": ("deep.xml", (feed + ">" + "<a>" * 1_000_000).encode(), None),
    }


async def unfolding(soak):
    """Test 8."""
    figures, service = soak.figures, soak.service
    figures.begin("8 bombs")
    made = bombs()
    wrong, slowest, not_415, grown, unfolded = [], (0.0, ""), [], (0, ""), []
    upload = next(one for one in soak.operations if one.takes_papers)
    for name, (_, data, encoding) in made.items():
        headers = [("Content-Type", "application/octet-stream"), *soak.key_headers]
        if encoding:
            headers.append(("Content-Encoding", encoding))
        idle = service.resident()
        service.forget_peak()
        try:
            answer = await wire.ask(service, "POST", upload.url(soak.ids), data, headers)
        except (wire.NoAnswer, OSError) as error:
            wrong.append(f"{name}: {error}")
            continue
        grown = max(grown, (service.peak() - idle, f"{name}, whose body has {len(data) / MIB:.1f} MiB"))
        slowest = max(slowest, (answer.seconds, name))
        if answer.status >= 500:
            wrong.append(f"{name}: {answer.status}")
        if encoding and answer.status not in (413, 415):
            not_415.append(f"{name}: {answer.status} {answer.code}")
        if answer.status == 202:
            # What can be read of it may be, as it stands.
            for record in answer.json()["acknowledged"]:
                paper = await wire.ask(service, "GET", upload.url(soak.ids).split("?")[0] + "/" + wire.quoted(record["id"]), headers=soak.key_headers)
                if len(paper.body) > 10_000:
                    unfolded.append(f"{name}: a paper of {len(paper.body)} bytes")
    figures.none(f"{len(made)} bombs posted: 5xx or no answer", wrong)
    figures.none("a paper unfolded of one", unfolded, "an XML whose entry can be read is read")
    figures.none("Content-Encoding: not 415 (nor 413)", not_415)
    figures.at_most("slowest answer", round(slowest[0], 2), 1.0, " s", slowest[1])
    figures.at_most("peak memory above what it was before each", round(grown[0] / MIB, 1), 32, " MiB", grown[1])
    figures.none("defects in the log", service.defects())
    await read_as_files(soak, made)


async def read_as_files(soak, made):
    """What a bomb costs `paperkin ingest`, above what an ordinary file costs it."""
    figures = soak.figures
    with services.scratch("bombs") as folder:
        async def cost(name, data):
            path = Path(folder) / name
            path.write_bytes(data)
            spent = await asyncio.to_thread(services.cost, ["ingest", "--no-embed", path], f"{folder}/library")
            path.unlink()
            return spent

        ordinary = await cost("plain.jsonl", json.dumps({"title": "On soaking"}).encode())
        wrong, slowest, grown = [], (0.0, ""), (0, "")
        for name, (file, data, _) in made.items():
            spent = await cost(file, data)
            if spent.code not in (0, 1) or "panicked" in spent.told:
                wrong.append(f"{name}: exit {spent.code}: {spent.told.strip().splitlines()[-1:]}")
            slowest = max(slowest, (spent.seconds - ordinary.seconds, name))
            grown = max(grown, (spent.peak - ordinary.peak, name))
        figures.none(f"{len(made)} bombs as files: a panic, or neither read nor refused", wrong)
        figures.at_most("slowest, above an ordinary file", round(slowest[0], 2), 1.0, " s", slowest[1])
        figures.at_most("peak memory, above an ordinary file", round(grown[0] / MIB, 1), 32, " MiB", grown[1])
