"""Starts engines, one at a time, each in a process group of its own, and leaves none behind.

The clock runs from the start of the process to the line `ready`: the cold start, with the page cache as warm as the
runs before left it.
"""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

# An engine that takes longer than this for one round hangs.
LONGEST = 3600


class Failed(Exception):
    """An engine ended without its result; the message is the end of what it said."""


def measure(command, log: Path, threads: int, clock=time.perf_counter) -> float:
    """Runs an engine to its end and returns its cold start in seconds."""
    # What engines without a flag for it read.
    environment = os.environ | {"RAYON_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    with log.open("w") as errors:
        started = clock()
        try:
            child = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment, start_new_session=True
            )
        except OSError as error:
            raise Failed(f"{command[0]} does not start: {error.strerror}") from error
        watch = threading.Timer(LONGEST, end, [child])
        watch.start()
        cold = None
        try:
            with child.stdout as lines:
                for line in lines:
                    if line.strip() == "ready" and cold is None:
                        cold = clock() - started
            code = child.wait()
        finally:
            watch.cancel()
            end(child)
    if code != 0 or cold is None:
        raise Failed(complaint(log) or f"ended with {code} and without `ready`")
    return cold


def complaint(log: Path) -> str:
    """The line that says what was wrong: the last that names an error, else the last."""
    said = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    named = [line for line in said if "error" in line.lower()]
    return (named or said or [""])[-1]


def end(child):
    """Ends a process and what it started; nothing happens where all is over."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    child.wait()


def quiet_stop():
    """SIGTERM ends the driver as Ctrl+C does: by unwinding, which ends the engine that runs."""

    def stop(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
