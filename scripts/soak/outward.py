"""Test 15: addresses in everything that is sent. There is no import by address, so nothing may be called, whoever names what.

A listener on loopback counts who comes; the process's own calls to connect are counted beside it.
"""

import asyncio
import json

import traced
import wire


def addresses(port):
    """Forty ways to name this machine, or what only this machine can reach."""
    hosts = ["127.0.0.1", "127.1", "127.0.1", "0x7f.1", "0x7f000001", "2130706433", "017700000001", "0177.0.0.1", "127.0.0.1.", "localhost",
             "LOCALHOST", "localhost.", "0", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]",
             "127.0.0.1%00.example", "①②⑦.⓪.⓪.①", "evil@127.0.0.1", "arxiv.org@127.0.0.1", "127.0.0.1#@arxiv.org", "arxiv.org:80@127.0.0.1"]
    found = [f"http://{host}:{port}/x" for host in hosts]
    found += [f"https://127.0.0.1:{port}/", f"//127.0.0.1:{port}/", f"ftp://127.0.0.1:{port}/x", f"gopher://127.0.0.1:{port}/_GET%20/", f"dict://127.0.0.1:{port}/d",
              f"ldap://127.0.0.1:{port}/", f"ws://127.0.0.1:{port}/", f"jar:http://127.0.0.1:{port}!/", f"http:127.0.0.1:{port}/", f"http:\\\\127.0.0.1:{port}\\",
              "file:///etc/passwd", "http://169.254.169.254/latest/meta-data/", "http://100.64.0.1/", "data:text/plain,x", f"http://127.0.0.1:{port}/2401.00001.pdf"]
    return found


def texts(address):
    """As papers may name an address."""
    yield json.dumps({"title": "On calls", "url": address, "pdf_url": address, "pdf": address, "repositories": [address], "abstract": address, "image": address})
    yield f"@article{{a, title={{On calls}}, url={{{address}}}, file={{{address}}}, crossref={{{address}}}}}"
    yield f"TY  - JOUR\nTI  - On calls\nUR  - {address}\nL1  - {address}\nL2  - {address}\nER  - \n"
    yield f"# On calls\n\n[a]({address}) ![b]({address}) <{address}>\n\n![[{address}]]\n"
    yield f"<html><head><link rel=stylesheet href='{address}'><meta http-equiv=refresh content='0;url={address}'><title>On calls</title></head><body><img src='{address}'><iframe src='{address}'></iframe><script src='{address}'></script><p>Words of a paper.</p></body></html>"
    yield f"<?xml version='1.0'?><!DOCTYPE feed SYSTEM '{address}' [<!ENTITY x SYSTEM '{address}'><!ENTITY % p SYSTEM '{address}'> %p;]><?xml-stylesheet href='{address}'?><feed xmlns='http://www.w3.org/2005/Atom' xmlns:xi='http://www.w3.org/2001/XInclude'><xi:include href='{address}'/><entry><title>On calls &x;</title><link href='{address}'/><content src='{address}'/></entry></feed>"
    yield address


async def connected(soak):
    figures, service = soak.figures, soak.service
    figures.begin("15 addresses that are sent")
    came = []

    async def count(reader, writer):
        came.append(writer.get_extra_info("peername"))
        writer.close()

    listeners = [await asyncio.start_server(count, "127.0.0.1", 0)]
    port = listeners[0].sockets[0].getsockname()[1]
    try:
        listeners.append(await asyncio.start_server(count, "::1", port))
    except OSError:
        pass
    # That it counts at all.
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()
    await asyncio.sleep(0.1)
    counted, asked = len(came), 0
    came.clear()
    wrong = []

    async def ask(method, path, body, headers):
        nonlocal asked
        asked += 1
        try:
            answer = await wire.ask(service, method, path, body, [*headers, *soak.key_headers])
            if answer.status >= 500 and answer.status != 503:
                wrong.append(f"{answer.status} {method} {path[:60]}")
        except (wire.NoAnswer, OSError) as error:
            wrong.append(f"{error} {method} {path[:60]}")

    async def all_of_it():
        for address in addresses(port):
            for operation in soak.operations:
                for parameter in operation.parameters:
                    body = operation.body(soak.ids)
                    if operation.method != "DELETE" or parameter["in"] == "path":
                        await ask(operation.method, operation.url(soak.ids, {parameter["name"]: address}), body, operation.headers())
                if operation.schema and not operation.takes_papers:
                    for body in with_strings(json.loads(operation.body(soak.ids)), address):
                        await ask(operation.method, operation.url(soak.ids), json.dumps(body).encode(), operation.headers())
                if operation.takes_papers:
                    for text in texts(address):
                        await ask("POST", operation.url(soak.ids, {"name": address}), text.encode(), operation.headers())
            await ask("GET", "/healthz", b"", [("Referer", address), ("X-Forwarded-For", address), ("X-Original-URL", address), ("Callback", address)])

    if traced.can_trace():
        async with traced.Traced(service.pid, "connect,sendto,sendmsg,socket") as trace:
            await all_of_it()
            # What is fetched behind, after the answer.
            await asyncio.sleep(2)
        # `send` to a client is a sendto without an address.
        called = [line for line in trace.lines if "connect(" in line or "sin_addr" in line or "socket(AF_INET" in line]
        figures.none("sockets that the process opened", called)
    else:
        await all_of_it()
        await asyncio.sleep(2)
        figures.skip("sockets that the process opened", "0", "there is no strace here")
    for listener in listeners:
        listener.close()
    figures.none(f"connections, of {len(addresses(port))} addresses in {asked:,} requests", came, f"the listener counts: {counted} of 1 came when called")
    figures.none("5xx or no answer", wrong)
    figures.none("defects in the log", service.defects())


def with_strings(body, address):
    """The body with the address in place of each string of it, and as a field of its own."""
    if isinstance(body, dict):
        for name, value in body.items():
            if isinstance(value, str):
                yield {**body, name: address}
            elif isinstance(value, list):
                yield {**body, name: [address]}
                yield {**body, name: [{"text": address}]}
        yield {**body, "url": address}
