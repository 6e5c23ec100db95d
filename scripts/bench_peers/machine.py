"""The machine under the numbers: what it is, and what its cores reach in matrix products of this model's shapes."""

import platform
import time
from pathlib import Path

# Per token of the linear layers: rows of a batch, columns in, columns out.
SHAPES = [(256, 384, 1152), (256, 384, 384), (256, 384, 1536), (256, 1536, 384)]
FLAGS = ("avx2", "fma", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16", "asimddp", "i8mm", "sve")


def describe() -> dict:
    text = Path("/proc/cpuinfo").read_text()
    fields = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    present = set((fields.get("flags") or fields.get("Features") or "").split())
    return {
        "processor": fields.get("model name") or platform.processor() or platform.machine(),
        "family": " ".join(f"{name} {fields[name]}" for name in ("cpu family", "model") if name in fields),
        "flags": [flag for flag in FLAGS if flag in present],
        "system": platform.system(),
    }


def operations_per_token(lengths, hidden=384, feed_forward=1536, layers=12) -> float:
    """Multiplications and additions a token, attention included, on average over texts of these lengths."""
    linear = 2 * layers * (4 * hidden * hidden + 2 * hidden * feed_forward)
    attention = 4 * layers * hidden
    return linear + attention * sum(length * length for length in lengths) / sum(lengths)


def fp32_peak(threads: int) -> dict:
    """The best GFLOP/s of each library at hand over the model's shapes; run in a process whose threads are set."""
    import numpy as np

    products = {"numpy": (lambda a, b, out: np.matmul(a, b, out=out), lambda array: array)}
    try:
        import torch

        torch.set_num_threads(threads)
        products["torch"] = (lambda a, b, out: torch.matmul(a, b, out=out), torch.from_numpy)
    except ImportError:
        pass
    reached = {}
    for library, (product, convert) in products.items():
        random = np.random.default_rng(1)
        operands = [
            [convert(random.standard_normal(shape, dtype=np.float32)) for shape in ((m, k), (k, n), (m, n))]
            for m, k, n in SHAPES
        ]
        work = sum(2 * m * k * n for m, k, n in SHAPES)
        best = float("inf")
        until = time.perf_counter() + 3
        while time.perf_counter() < until:
            started = time.perf_counter()
            for _ in range(10):
                for a, b, out in operands:
                    product(a, b, out)
            best = min(best, (time.perf_counter() - started) / 10)
        reached[library] = work / best / 1e9
    return reached


if __name__ == "__main__":
    import json
    import os

    print(json.dumps(fp32_peak(int(os.environ["OMP_NUM_THREADS"]))))
