"""HTTP/1.1 by hand, over sockets that a test may misuse: a client library would not lie about lengths, trickle, or leave.

A socket is read even after writing to it failed: the refusal of a body that was not taken lies there.
"""

import asyncio
import json
import socket
import time
from urllib.parse import quote


class Answer:
    def __init__(self, status, headers, body, seconds):
        self.status, self.headers, self.body, self.seconds = status, headers, body, seconds

    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        try:
            return self.json()["error"]["code"]
        except (ValueError, KeyError, TypeError):
            return None


class NoAnswer(Exception):
    """The connection ended, or nothing came in time."""


class Connection:
    """One socket. `small` keeps the system's buffers small, where it matters how much was taken."""

    def __init__(self, address, small=False):
        self.address = address
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if small:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.loop = asyncio.get_running_loop()
        self.sent = 0
        self._rest = b""

    async def open(self):
        await self.loop.sock_connect(self.socket, self.address)
        return self

    async def send(self, data):
        """All of it, or as much as was taken before the other side closed."""
        view = memoryview(data)
        while view:
            try:
                taken = self.socket.send(view)
            except BlockingIOError:
                await self._writable()
                continue
            self.sent += taken
            view = view[taken:]

    def _writable(self):
        ready = self.loop.create_future()
        number = self.socket.fileno()

        def is_ready():
            self.loop.remove_writer(number)
            if not ready.done():
                ready.set_result(None)

        self.loop.add_writer(number, is_ready)
        ready.add_done_callback(lambda _: self.loop.remove_writer(number))
        return ready

    async def read(self, patience=35.0):
        """The next answer."""
        begun = time.monotonic()
        try:
            return await asyncio.wait_for(self._read(begun), patience)
        except asyncio.TimeoutError:
            raise NoAnswer("nothing in time") from None
        except OSError as error:
            raise NoAnswer(str(error)) from None

    async def _read(self, begun):
        data = self._rest
        while b"\r\n\r\n" not in data:
            data += await self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if headers.get("transfer-encoding") == "chunked":
            while not body.endswith(b"0\r\n\r\n"):
                body += await self._more()
            body = unchunked(body)
        elif "content-length" in headers:
            length = int(headers["content-length"])
            while len(body) < length:
                body += await self._more()
            body, self._rest = body[:length], body[length:]
        return Answer(status, headers, body, time.monotonic() - begun)

    async def _more(self):
        data = await self.loop.sock_recv(self.socket, 65536)
        if not data:
            raise NoAnswer("closed")
        return data

    async def closed(self, patience):
        """Seconds until the other side closes; what it still says is read and forgotten. None if it does not."""
        begun = time.monotonic()
        try:
            async with asyncio.timeout(patience):
                while await self.loop.sock_recv(self.socket, 65536):
                    pass
        except asyncio.TimeoutError:
            return None
        except OSError:
            pass
        return time.monotonic() - begun

    def close(self):
        self.socket.close()

    async def __aenter__(self):
        return await self.open()

    async def __aexit__(self, *_):
        self.close()


def unchunked(body):
    whole, at = b"", 0
    while True:
        end = body.index(b"\r\n", at)
        size = int(body[at:end], 16)
        if size == 0:
            return whole
        whole += body[end + 2:end + 2 + size]
        at = end + 4 + size


def quoted(value):
    """For an address; also of bytes that are no UTF-8."""
    return quote(value if isinstance(value, bytes) else str(value), safe="")


def head(method, path, host, headers=(), length=None):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


async def ask(service, method, path, body=b"", headers=(), patience=35.0):
    """One request on a connection of its own."""
    begun = time.monotonic()
    async with Connection(service.address) as connection:
        length = len(body) if body or method in ("POST", "PUT", "PATCH") else None
        try:
            await connection.send(head(method, path, service.host, [*headers, ("Connection", "close")], length) + body)
        except OSError:
            pass
        answer = await connection.read(patience)
        answer.seconds = time.monotonic() - begun
        return answer


async def ready(service, patience=120.0):
    """Waits until the service can answer questions; its counts."""
    begun = time.monotonic()
    while time.monotonic() - begun < patience:
        try:
            answer = await ask(service, "GET", "/readyz", patience=5)
            if answer.status == 200:
                return answer.json()
        except (NoAnswer, OSError):
            if not service.is_running():
                break
        await asyncio.sleep(0.05)
    raise SystemExit("the service never became ready: " + "".join(service.log[-3:]))
