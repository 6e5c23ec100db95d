"""The system calls of a process while something is done to it: what it opened and whom it called, not what it says of that."""

import asyncio
import re
import shutil
import tempfile
from pathlib import Path

# What any program of this kind opens, whoever asks what of it.
SYSTEM = ("/proc/", "/sys/", "/lib", "/usr/", "/etc/ld.so", "/etc/localtime", "/dev/null", "/dev/urandom", "/dev/tty")


def can_trace():
    return shutil.which("strace") is not None


class Traced:
    """`async with Traced(pid, "file")`: afterwards `lines`."""

    def __init__(self, pid, calls):
        self.pid, self.calls, self.lines = pid, calls, []

    async def __aenter__(self):
        self.file = tempfile.NamedTemporaryFile(prefix="paperkin-soak-", suffix=".strace")
        self.process = await asyncio.create_subprocess_exec(
            "strace", "-f", "-qq", "-y", "-s", "400", "-e", f"trace={self.calls}", "-o", self.file.name, "-p", str(self.pid),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE)
        await asyncio.sleep(0.5)
        if self.process.returncode is not None:
            told = await self.process.stderr.read()
            raise PermissionError(told.decode().strip())
        return self

    async def __aexit__(self, *_):
        # Not by SIGKILL: the traced threads would be left stopped.
        self.process.terminate()
        await self.process.wait()
        self.lines = Path(self.file.name).read_text(errors="replace").splitlines()
        self.file.close()


# A path of a call, with the folder that it is relative to where the call names one by its descriptor.
NAMED = re.compile(r'(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"')


def outside(lines, roots, here):
    """Paths outside of the roots that a call named, whether they were there or not. Who resolves a path asks for the folders above it."""
    found = {}
    roots = [Path(root).resolve() for root in roots]
    above = {str(folder) for root in roots for folder in root.parents}
    for line in lines:
        for folder, path in NAMED.findall(line.split(" = ")[0])[:2]:
            whole = str((Path(folder or here) / path).resolve())
            if not path or whole.startswith(SYSTEM) or whole in above:
                continue
            if not any(whole == str(root) or whole.startswith(f"{root}/") for root in roots):
                found[path] = line.split(" ", 1)[1].strip()[:120]
    return found
