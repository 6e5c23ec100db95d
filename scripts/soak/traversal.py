"""Test 14: names that lead outside, in every place where a name may stand. Nothing outside of the library and the models is opened.

Files with a known word lie where the names lead; what the process opens is seen from outside of it.
"""

import io
import json
import os
import subprocess
import tarfile
import zipfile
from pathlib import Path
from urllib.parse import quote

import service as services
import traced
import wire

SECRET = "canary-that-nobody-may-read"


def payloads(target):
    """Sixty ways to name a file outside."""
    up = "../" * 8 + target.lstrip("/")
    ways = [up, "/" + up, target, "//" + target.lstrip("/"), "file://" + target, "~" + target, "./" + up, "a/../" + up]
    ways += [up.replace("/", "\\"), up.replace("../", "....//"), up.replace("../", "..;/"), up.replace("../", "..%00/"), up + "\0.json",
             up + ".", up + " ", up + "/.", up + "::$DATA", "\\\\?\\" + target, "\\\\127.0.0.1\\c$\\" + target]
    raw = [quote(up, safe=""), quote(up, safe="").replace(".", "%2e"), quote(quote(up, safe=""), safe=""), up.replace("../", "%2e%2e%2f"),
           up.replace("../", "%2e%2e/"), up.replace("../", "..%2f"), up.replace("../", "..%5c"), up.replace("../", "%252e%252e%252f"),
           up.replace("../", "..%c0%af"), up.replace("../", "..%ef%bc%8f"), up.replace("../", "%uff0e%uff0e/"), up.replace("../", "..%00/")]
    special = ["/dev/zero", "/dev/random", "/dev/stdin", "/proc/self/environ", "/proc/self/mem", "/proc/self/fd/0", "/etc/passwd", "../store.redb",
               "store.redb", "CURRENT", "../../Cargo.toml", "index/CURRENT", ".", "..", "/", "../", "...", "....", "con", "nul", "aux", ".git/config",
               "-", "--help", "*", "$(cat " + target + ")", "`cat " + target + "`", "|cat " + target, "arxiv:../" + up]
    return ways, raw, special


async def outside(soak):
    figures, service = soak.figures, soak.service
    figures.begin("14 path traversal")
    with services.scratch("canary") as folder:
        secret = Path(folder) / "secret.jsonl"
        secret.write_text(f'{{"title": "{SECRET}"}}\n')
        before = seen(folder)
        ways, raw, special = payloads(str(secret))
        told, asked = [], 0

        async def ask(method, path, body=b"", headers=()):
            nonlocal asked
            asked += 1
            try:
                answer = await wire.ask(service, method, path, body, [*headers, *soak.key_headers])
            except (wire.NoAnswer, OSError, ValueError):
                return
            if answer.status >= 500:
                told.append(f"{answer.status} {method} {path[:60]}")
            if SECRET.encode() in answer.body or b"root:x:0" in answer.body:
                told.append(f"{method} {path[:60]} tells it")

        async def all_of_it():
            plain = ways + special
            # A space or a control character would end the address.
            addressed = [quote(way, safe="/\\.:;~$|*-`()@?") for way in plain] + raw
            for way in addressed:
                for before_it in ("/", "/v1/", "/v1/papers/", "/v1/tasks/", "/assets/", "/page/"):
                    await ask("GET", before_it + way)
            for operation in soak.operations:
                if operation.streams:
                    continue
                for parameter in operation.parameters:
                    for way in plain:
                        await ask(operation.method, operation.url(soak.ids, {parameter["name"]: way}), operation.body(soak.ids), operation.headers())
            for operation in (one for one in soak.operations if one.takes_papers):
                for way in plain:
                    record = '{"title": "On paths", "url": %s, "pdf": %s, "file": %s, "source": %s}\n' % ((json.dumps(way),) * 4)
                    await ask("POST", operation.path, record.encode(), operation.headers())
                    await ask("POST", operation.path, f"---\ntitle: On paths\n---\n![[{way}]] ![]({way}) [a](<{way}>)\n{{{{include {way}}}}}\n".encode(), operation.headers())

        if traced.can_trace():
            async with traced.Traced(service.pid, "%file") as trace:
                await all_of_it()
            opened = traced.outside(trace.lines, [soak.library, soak.root / "models"], soak.root)
            figures.none("opened outside of library and models", [f"{path}: {line}" for path, line in opened.items()],
                         f"{len(trace.lines)} system calls that name files")
        else:
            await all_of_it()
            figures.skip("opened outside of library and models", "0", "there is no strace here")
        figures.none(f"{len(ways + raw + special)} names in every place, {asked:,} requests: told, or 5xx", told)
        figures.judge("files that lie outside", "untouched", "untouched" if seen(folder) == before else "touched", seen(folder) == before)
        archives(soak, folder, secret)
    figures.none("defects in the log", service.defects())


def seen(folder):
    return sorted((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in Path(folder).rglob("*"))


def archives(soak, folder, secret):
    """Entries, links and devices, as `paperkin ingest` finds them; nothing is unpacked to anywhere, and nothing is waited for."""
    figures = soak.figures
    given = Path(folder) / "given"
    given.mkdir()
    record = b'{"title": "On archives"}\n'
    with zipfile.ZipFile(given / "a.zip", "w") as packed:
        for number, name in enumerate(["../escaped.jsonl", "/tmp/paperkin-soak-escaped.jsonl", "..\\escaped.jsonl", "a/../../escaped.jsonl", "C:\\escaped.jsonl"]):
            packed.writestr(name, record.replace(b"archives", b"archives %d" % number))
        link = zipfile.ZipInfo("link.jsonl")
        link.external_attr = 0o120777 << 16
        packed.writestr(link, str(secret))
    with tarfile.open(given / "a.tar.gz", "w:gz") as packed:
        for kind, name, target in [(tarfile.SYMTYPE, "link.jsonl", str(secret)), (tarfile.LNKTYPE, "hard.jsonl", str(secret)),
                                   (tarfile.CHRTYPE, "device.jsonl", ""), (tarfile.FIFOTYPE, "pipe.jsonl", ""), (tarfile.REGTYPE, "../escaped.jsonl", "")]:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, target
            entry.size = len(record) if kind == tarfile.REGTYPE else 0
            packed.addfile(entry, io.BytesIO(record) if entry.size else None)
    os.mkfifo(given / "pipe.jsonl")
    (given / "endless.jsonl").symlink_to("/dev/zero")
    (given / "loop").symlink_to(given)
    library = Path(folder) / "library"
    command = [services.BINARY, "--library", library, "ingest", "--no-embed", given]
    trace = Path(folder) / "trace"
    if traced.can_trace():
        command = ["strace", "-f", "-qq", "-y", "-s", "400", "-e", "trace=%file", "-o", trace, *command]
    before = secret.stat().st_mtime_ns
    try:
        done = subprocess.run(list(map(str, command)), cwd=soak.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=60, text=True, errors="replace", env={**os.environ, "HF_HUB_OFFLINE": "1"})
        code, said = done.returncode, done.stdout
    except subprocess.TimeoutExpired:
        code, said = "never", ""
    figures.judge("ingest of hostile archives, links, pipes and devices ends with", "0 or 1", str(code), code in (0, 1), said.strip()[-200:])
    if trace.exists():
        writes = [line for line in trace.read_text(errors="replace").splitlines() if "O_WRONLY" in line or "O_RDWR" in line or "O_CREAT" in line]
        written = traced.outside(writes, [library], soak.root)
        figures.none("written outside of the library meanwhile", [f"{path}: {line}" for path, line in written.items()])
    escaped = [path for path in (Path("/tmp/paperkin-soak-escaped.jsonl"), Path(folder) / "escaped.jsonl", Path(folder).parent / "escaped.jsonl") if path.exists()]
    figures.none("files escaped of archives", escaped)
    shown = services.run(["export", "--format", "jsonl"], library=library).stdout if library.exists() else ""
    figures.judge("what a link in an archive leads to", "not read", "read" if SECRET in shown else "not read",
                  SECRET not in shown and secret.stat().st_mtime_ns == before)
    wrong_model = services.run(["--model", "../../../../etc/passwd", "model", "verify"])
    figures.judge("a model named ../../../../etc/passwd", "exit 2", f"exit {wrong_model.returncode}", wrong_model.returncode == 2, wrong_model.stdout.strip()[-150:])
