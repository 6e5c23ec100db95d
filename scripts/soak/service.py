"""The real binary as a user starts it, on a port of its own, and what the system knows of its process."""

import os
import re
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BINARY = ROOT / "target/release/paperkin"
CONTROL = ROOT / "target/release/examples/soak-control"
MIB = 1024 * 1024


def limits():
    """Every bound of the product, from where it is written: a soak with bounds of its own would test something else."""
    text = (ROOT / "src/config/limits.rs").read_text(encoding="utf-8")
    default = text[text.index("impl Default for Limits"):text.index("impl Limits")]
    read = {}
    for name, value in re.findall(r"(\w+): (?:Duration::from_secs\()?([\d_ *]+)\)?,", default):
        product = 1
        for factor in value.split("*"):
            product *= int(factor.strip())
        read[name] = product
    for name in ("body_bytes", "upload_bytes", "requests", "uploads", "connections", "header_time", "body_time"):
        if name not in read:
            raise SystemExit(f"src/config/limits.rs has no {name} any more: mend {__file__}")
    return read


class Service:
    """A process that answers at `address`; killed at the end of a `with`, unless it was stopped before."""

    def __init__(self, library, arguments=(), environment=None, control=False):
        self.library = library
        self.log = []
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", **(environment or {})}
        command = [CONTROL] if control else [BINARY, "--library", library, "serve", "--listen", "127.0.0.1:0", *arguments]
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, text=True, errors="replace",
                                        stdout=subprocess.PIPE if control else subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL if control else subprocess.PIPE)
        self.pid = self.process.pid
        told = self.process.stdout if control else self.process.stderr
        self.address = self._listening(told)
        # Who stops reading the log would stop the service.
        threading.Thread(target=self._follow, args=(told,), daemon=True).start()

    def _listening(self, told):
        for line in told:
            self.log.append(line)
            found = re.search(r"http://([^/]+)/", line)
            if found:
                host, port = found.group(1).rsplit(":", 1)
                return host, int(port)
        raise RuntimeError("it ended before it listened: " + "".join(self.log[-3:]).strip())

    def _follow(self, told):
        for line in told:
            self.log.append(line)

    @property
    def port(self):
        return self.address[1]

    @property
    def host(self):
        return f"{self.address[0]}:{self.address[1]}"

    def is_running(self):
        return self.process.poll() is None

    def defects(self):
        """What the log calls a defect of ours."""
        return [line.strip() for line in self.log if "panicked" in line or "a request failed" in line]

    def resident(self):
        return memory_of(self.pid, "VmRSS")

    def peak(self):
        return memory_of(self.pid, "VmHWM")

    def forget_peak(self):
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def processor_seconds(self):
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def stop(self):
        """As Ctrl+C, and what it ends with."""
        if self.is_running():
            self.signal()
        try:
            return self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.is_running():
            self.process.kill()
        self.process.wait()


class Memory:
    """Samples a service's resident memory while something else happens."""

    def __init__(self, service, every=0.2):
        self.service, self.every = service, every
        self.samples = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def _sample(self):
        while not self._over.wait(self.every):
            try:
                self.samples.append((time.monotonic(), self.service.resident()))
            except (OSError, AttributeError):
                return

    def __enter__(self):
        self.samples.append((time.monotonic(), self.service.resident()))
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    @property
    def peak(self):
        return max(bytes_ for _, bytes_ in self.samples)

    def slope(self, of_the_last=60.0):
        """Bytes a minute, by least squares, over the last seconds."""
        end = self.samples[-1][0]
        last = [(at - end, bytes_) for at, bytes_ in self.samples if end - at <= of_the_last]
        middle_at = sum(at for at, _ in last) / len(last)
        middle = sum(bytes_ for _, bytes_ in last) / len(last)
        spread = sum((at - middle_at) ** 2 for at, _ in last)
        return 60 * sum((at - middle_at) * (bytes_ - middle) for at, bytes_ in last) / spread if spread else 0.0


def run(arguments, library=None, timeout=600, environment=None):
    """A command of paperkin that ends by itself; its output is both of its streams."""
    command = [BINARY, *(["--library", library] if library else []), *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "HF_HUB_OFFLINE": "1", **(environment or {})}, timeout=timeout,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")


@dataclass
class Spent:
    """What a command took, as the system counted it."""

    code: int
    seconds: float
    peak: int
    told: str


def cost(arguments, library):
    # The system's own account of a child begins with what its parent held, so the peak is looked at while it lives.
    begun, peak = time.monotonic(), 0
    with tempfile.TemporaryFile("w+", errors="replace") as told:
        process = subprocess.Popen([BINARY, "--library", library, *map(str, arguments)], cwd=ROOT, stdin=subprocess.DEVNULL,
                                   stdout=told, stderr=subprocess.STDOUT, env={**os.environ, "HF_HUB_OFFLINE": "1"})
        while process.poll() is None:
            peak = max(peak, memory_of(process.pid, "VmHWM"))
            time.sleep(0.002)
        told.seek(0)
        return Spent(process.returncode, time.monotonic() - begun, peak, told.read())


def memory_of(pid, name):
    """In bytes; of a process that has ended, none."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(rf"^{name}:\s+(\d+) kB", status, re.M)
    return int(found.group(1)) * 1024 if found else 0


def ingest(folder, paths):
    done = run(["ingest", *map(str, paths)], library=folder)
    # 1: some records were refused; the others are in.
    if done.returncode not in (0, 1):
        raise SystemExit(f"no library could be made: {done.stdout.strip().splitlines()[-1:]}")
    return folder


def scratch(name):
    return tempfile.TemporaryDirectory(prefix=f"paperkin-soak-{name}-")
