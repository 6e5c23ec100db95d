"""What the driver promises without any peer installed: `python3 -m unittest discover -s scripts/bench_peers`."""

import os
import signal
import sys
import tempfile
import textwrap
import threading
import time
import unittest
from pathlib import Path

import machine
import table
from processes import Failed, measure


def row(key, group, rates, **more):
    measured = dict(question_ms=[5.0, 1.0, 3.0], cold=[0.5, 0.25, 1.0], idle_mb=[70, 80, 90], peak_mb=[100, 1200])
    return table.summary({"key": key, "name": key, "group": group, "rates": rates} | measured | more, 40e6, 100.0)


class Table(unittest.TestCase):
    def setUp(self):
        rows = [
            row("quick", "fp32", [2500, 2000, 3000], cosine={"min": 0.9, "mean": 0.99}),
            row("candle", "fp32", [500, 500, 500], batch=8),
            row("small", "fewer bits", [4000, 5000, 6000]),
            {"key": "gone", "name": "gone", "group": "fewer bits", "failed": "not | installed"},
        ]
        self.lines = table.markdown(rows, ["fp32", "fewer bits"]).splitlines()

    def test_medians_spread_and_ratio(self):
        quick = next(line for line in self.lines if "quick" in line)
        self.assertEqual(
            quick, "| quick | 2,500 (2,000 to 3,000) | 5.0 | 100% | 3.0 | 0.90000 (0.99000) | 80 / 1,200 | 0.50 |"
        )

    def test_groups_apart_and_slowest_first(self):
        at = [next(n for n, line in enumerate(self.lines) if word in line) for word in ("*fp32*", "| candle", "quick", "*fewer", "small")]
        self.assertEqual(at, sorted(at))

    def test_what_did_not_run_has_its_row_and_reason(self):
        self.assertTrue(any("gone | did not run: not \\| installed" in line for line in self.lines))

    def test_every_line_has_every_column(self):
        self.assertEqual({line.replace("\\|", "").count("|") for line in self.lines}, {len(table.HEADER) + 1})


class Operations(unittest.TestCase):
    def test_of_this_model(self):
        # Linear layers as in the issue, 42.5 MFLOP; attention of 210 tokens makes 46.3 of them.
        self.assertAlmostEqual(machine.operations_per_token([1]) / 1e6, 42.5, delta=0.1)
        self.assertAlmostEqual(machine.operations_per_token([210] * 3) / 1e6, 46.3, delta=0.1)
        # A long text weighs by its tokens, and its tokens attend to more.
        self.assertGreater(machine.operations_per_token([10, 410]), machine.operations_per_token([210, 210]))


class Engines(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.log = Path(self.folder.name) / "log"

    def tearDown(self):
        self.folder.cleanup()

    def engine(self, code):
        return [sys.executable, "-c", textwrap.dedent(code)]

    def test_cold_start_is_from_the_start_to_ready(self):
        seen = Path(self.folder.name) / "seen"
        times = iter([10.0, 12.5])

        def clock():
            now = next(times)
            if now > 10.0:
                seen.touch()
            return now

        # It ends well only if the clock was read while it still ran.
        waits = f"""
            import os, sys, time
            print("ready", flush=True)
            for _ in range(3000):
                if os.path.exists({str(seen)!r}): sys.exit()
                time.sleep(0.01)
            sys.exit("error: nobody read the clock at `ready`")
        """
        self.assertEqual(measure(self.engine(waits), self.log, 1, clock), 2.5)

    def test_who_never_is_ready_or_fails_says_why(self):
        for code in ("print('bye')", "import sys; print('ready'); sys.exit('error: no model\\nhint')"):
            with self.assertRaises(Failed) as failed:
                measure(self.engine(code), self.log, 1)
        self.assertEqual(str(failed.exception), "error: no model")

    def test_threads_are_set_for_who_has_no_flag(self):
        measure(self.engine("import os; assert os.environ['OMP_NUM_THREADS'] == '3'; print('ready')"), self.log, 3)

    def test_an_interrupt_ends_the_engine_and_its_children(self):
        pids = Path(self.folder.name) / "pids"
        code = f"""
            import os, subprocess, sys, time
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            with open({str(pids) + ".part"!r}, "w") as file: file.write(f"{{os.getpid()}} {{child.pid}}")
            os.rename({str(pids) + ".part"!r}, {str(pids)!r})
            time.sleep(600)
        """

        def interrupt():
            while not pids.exists():
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=interrupt, daemon=True).start()
        with self.assertRaises(KeyboardInterrupt):
            measure(self.engine(code), self.log, 1)
        # A killed process needs its moment to die, and the grandchild may stay a corpse that nobody collects.
        def runs(pid):
            try:
                return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
            except (FileNotFoundError, ProcessLookupError):
                return False

        left = pids.read_text().split()
        for _ in range(3000):
            left = [pid for pid in left if runs(pid)]
            if not left:
                break
            time.sleep(0.01)
        self.assertEqual(left, [])


if __name__ == "__main__":
    unittest.main()
