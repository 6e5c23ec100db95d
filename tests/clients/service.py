"""The real service over the bundled sample, for as long as a test needs it."""

import os
import re
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAPERKIN = Path(os.environ.get("PAPERKIN_BINARY", ROOT / "target/release/paperkin"))


class Service:
    """`with Service() as service`: `.url` answers, over the library in `.library`."""

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory()
        self.library = self._folder.name
        try:
            self.run("ingest", str(ROOT / "scripts/sample"))
            command = [PAPERKIN, "--library", self.library, "serve", "--listen", "127.0.0.1:0"]
            self._process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
            for line in self._process.stderr:
                if found := re.search(r"answers at (http://\S+)/", line):
                    self.url = found[1]
                    break
            else:
                raise RuntimeError("the service did not start")
        except BaseException:
            self._folder.cleanup()
            raise
        return self

    def run(self, *arguments):
        """Another paperkin over the same library."""
        command = [PAPERKIN, "--library", self.library, *arguments]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(30)
        self._process.stderr.close()
        self._folder.cleanup()
