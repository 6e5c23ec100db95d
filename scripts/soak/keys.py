"""Test 13: with keys asked for, every operation of /openapi.json is closed to whoever has none, whatever is sent in its place."""

import os
import secrets
import subprocess
from pathlib import Path

import load
import operations
import service as services
import wire

PUBLIC = ("/healthz", "/readyz")
# Of a raw path that names something public but matches something else.
PATHS = ["/healthz/../v1/tasks", "/healthz%2f..%2fv1%2ftasks", "/page%2f..%2fv1/tasks", "//v1/tasks", "/v1//tasks", "/v1/tasks/", "/V1/tasks", "/v1/tasks;/healthz",
         "/v1/tasks%00/healthz", "/v1/tasks?/healthz", "/v1/tasks#/healthz", "/./v1/tasks", "/healthz/%2e%2e/v1/tasks", "/readyz/../v1/facets", "/v1/%74asks", "/%761/tasks"]


async def asked_for(soak):
    figures = soak.figures
    figures.begin("13 keys")
    refuses_without(soak)
    helped = services.run(["serve", "--help"]).stdout
    if "--api-key-file" not in helped:
        figures.skip("operations x wrong keys", "401 or 403", "'paperkin serve' has no --api-key-file yet")
        return
    reading, writing = (f"soak-{kind}-{secrets.token_hex(24)}" for kind in ("Reading", "Writing"))
    with services.scratch("keys") as folder:
        file = Path(folder) / "keys"
        file.write_text(f"read: {reading}\nwrite: {writing}\n")
        file.chmod(0o600)
        with soak.start("--api-key-file", str(file), environment={"RUST_LOG": "trace"}) as service:
            await wire.ready(service)
            await every_operation(soak, service, reading, writing)
            await other_places(soak, service, reading, writing)
            log = "".join(service.log)
            figures.none("keys in the log, at its most talkative", log.count(reading) + log.count(writing), f"{len(log):,} characters of log")
            with open(f"/proc/{service.pid}/environ", "rb") as environ, open(f"/proc/{service.pid}/cmdline", "rb") as command:
                held = environ.read() + command.read()
            figures.none("keys in its arguments and environment", held.count(reading.encode()) + held.count(writing.encode()))
            figures.none("defects in the log", [line for line in service.defects()])
    figures.skip("hashed at rest, compared in constant time", "yes", "not to be seen from outside; a test of the crate's own")


def refuses_without(soak):
    """An address that others can reach is not listened on without a key."""
    with services.scratch("open") as folder:
        command = [services.BINARY, "--library", f"{folder}/library", "serve", "--listen", "0.0.0.0:0"]
        environment = {name: value for name, value in os.environ.items() if name != "PAPERKIN_API_KEY_FILE"}
        process = subprocess.Popen(command, cwd=soak.root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment)
        try:
            _, told = process.communicate(timeout=5)
            code = str(process.returncode)
        except subprocess.TimeoutExpired:
            process.kill()
            _, told = process.communicate()
            code = "none: it listens"
    soak.figures.judge("on 0.0.0.0 without a key: exit", "2", code, code == "2", told.strip()[-200:])


def wrong_keys(good):
    """What is sent, by its name; all of it is refused."""
    bearer = lambda key: [("Authorization", f"Bearer {key}")]  # noqa: E731
    return {
        "none": [], "wrong": bearer("x" * len(good)), "prefix": bearer(good[:-1]), "longer": bearer(good + "x"), "case": bearer(good.swapcase()),
        "empty": bearer(""), "no scheme": [("Authorization", good)], "Basic": [("Authorization", f"Basic {good}")], "twice": bearer("x") + bearer(good),
        "two in one": bearer(f"x, Bearer {good}"), "non-ASCII": bearer(good[:-1] + "\u00e9"), "with NUL escaped": bearer(good + "%00"),
        "other header": [("X-Api-Token", good)], "cookie": [("Cookie", f"key={good}; Authorization=Bearer {good}")], "quoted": bearer(f'"{good}"'),
    }


async def every_operation(soak, service, reading, writing):
    figures, let_in, kept_out, asked = soak.figures, [], [], 0
    found = await operations_of(service, reading)
    for operation in found:
        path, body = operation.url(soak.ids), operation.body(soak.ids)
        if operation.path in PUBLIC:
            answer = await wire.ask(service, operation.method, path)
            if answer.status != 200:
                kept_out.append(f"{operation}: {answer.status}")
            continue
        cases = dict(wrong_keys(writing))
        for name, headers in cases.items():
            asked += 1
            answer = await asking(service, operation.method, path, body, [*operation.headers(), *headers])
            if answer not in (401, 403):
                let_in.append(f"{operation}, {name}: {answer}")
        for name in ("key", "api_key", "token", "access_token", "authorization"):
            asked += 1
            glue = "&" if "?" in path else "?"
            answer = await asking(service, operation.method, f"{path}{glue}{name}={writing}", body, operation.headers())
            if answer not in (401, 403):
                let_in.append(f"{operation}, in the query as {name}: {answer}")
        if operation.changes:
            asked += 1
            answer = await asking(service, operation.method, path, body, [*operation.headers(), ("Authorization", f"Bearer {reading}")])
            if answer != 403:
                let_in.append(f"{operation}, with a key that reads: {answer}")
    figures.none(f"{len(found)} operations x wrong keys, {asked} requests: neither 401 nor 403", let_in)
    # Last, as it changes the library.
    for operation in sorted(found, key=lambda one: one.method == "DELETE"):
        if operation.streams:
            continue
        key = writing if operation.changes else reading
        answer = await asking(service, operation.method, operation.url(soak.ids), operation.body(soak.ids), [*operation.headers(), ("Authorization", f"Bearer {key}")])
        if answer in (401, 403) or not isinstance(answer, int):
            kept_out.append(f"{operation}, with its key: {answer}")
    figures.none("the right key: refused; or /healthz, /readyz without: refused", kept_out)


async def operations_of(service, key):
    answer = await wire.ask(service, "GET", "/openapi.json", headers=[("Authorization", f"Bearer {key}")])
    document = answer.json()
    return [operations.Operation(document, path, method, described)
            for path, methods in document["paths"].items() for method, described in methods.items() if method in operations.METHODS]


async def asking(service, method, path, body, headers):
    try:
        return (await wire.ask(service, method, path, body, headers, patience=5)).status
    except (wire.NoAnswer, OSError) as error:
        return str(error)


async def other_places(soak, service, reading, writing):
    figures, let_in = soak.figures, []
    places = [*PATHS, "/", "/paper?id=x", "/openapi.json", *load.related(soak.ids)[:1]]
    for path in places:
        for method in ("GET", "HEAD", "OPTIONS", "POST"):
            answer = await asking(service, method, path, b"", [])
            if isinstance(answer, int) and answer < 400:
                let_in.append(f"{method} {path}: {answer}")
    figures.none(f"{len(places)} pages and crooked paths without a key: let in", let_in)
    told = []
    for path in ("/metrics", "/openapi.json", "/v1/tasks", "/v1/facets", "/nothing", "/"):
        for key in (reading, writing):
            try:
                answer = await wire.ask(service, "GET", path, headers=[("Authorization", f"Bearer {key}")], patience=5)
            except (wire.NoAnswer, OSError):
                continue
            if reading.encode() in answer.body or writing.encode() in answer.body:
                told.append(path)
    figures.none("answers that tell a key", told)
