"""What an engine promises to the driver, and the one way in which all Python peers are measured.

    ENGINE --texts FILE --questions FILE --rounds N --threads N [--vectors FILE] --json FILE

It loads, embeds one question, and prints `ready`: until there the driver's clock counts as the cold start. Each round
embeds all texts as passages, then all questions one by one. Tokenising is on the clock, as it is for whoever embeds.
`paperkin bench encode` keeps the same promise without this file (it calls the last flag `--json-file`, as `--json` has a
meaning there). To peers the driver also names the batch size that was their best (`--batch`; without it they look for
it themselves and say which it was).
"""

import argparse
import json
import os
import time
from pathlib import Path

BATCHES = (1, 4, 8, 16, 32, 64)
QUERY, PASSAGE = "query: ", "passage: "


class Peer:
    """An engine that takes token ids in padded batches; one that takes text overrides `embed_all` and `embed_one`."""

    name = "?"
    detail = ""
    batched = True

    def __init__(self, model: Path):
        from tokenizers import Tokenizer

        self.tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))

    def embed(self, ids, mask):
        """Ids and mask, int64 [batch, longest], to vectors, [batch, dimension]."""
        raise NotImplementedError

    def embed_all(self, texts, batch):
        """Vectors of prefixed texts in their order. Batches are of texts of like length, so that little is padding."""
        import numpy as np

        ids = [encoding.ids for encoding in self.tokenizer.encode_batch_fast(texts)]
        order = sorted(range(len(ids)), key=lambda place: len(ids[place]))
        vectors = None
        for start in range(0, len(order), batch):
            places = order[start : start + batch]
            made = self.embed(*padded([ids[place] for place in places]))
            if vectors is None:
                vectors = np.empty((len(texts), made.shape[1]), dtype=np.float32)
            vectors[places] = made
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def embed_one(self, text):
        vector = self.embed(*padded([self.tokenizer.encode(text).ids]))[0]
        return vector / (vector @ vector) ** 0.5


def padded(ids):
    import numpy as np

    longest = max(map(len, ids))
    table = np.ones((len(ids), longest), dtype=np.int64)  # 1 is the id of <pad>
    mask = np.zeros((len(ids), longest), dtype=np.int64)
    for row, line in enumerate(ids):
        table[row, : len(line)] = line
        mask[row, : len(line)] = 1
    return table, mask


def arguments():
    parser = argparse.ArgumentParser(description="One engine under the contract of scripts/bench_peers/contract.py.")
    parser.add_argument("--model", type=Path, required=True, help="folder with model.gguf and tokenizer.json")
    parser.add_argument("--exported", type=Path, help="folder that export.py wrote")
    parser.add_argument("--variant", default="", help="which of the engine's ways of computing")
    parser.add_argument("--texts", type=Path, help="without it the engine ends when it is ready")
    parser.add_argument("--questions", type=Path)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--batch", type=int, help="texts a batch; else the best of a sweep")
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def run(load):
    """Measures the peer that `load` makes of the arguments."""
    chosen = arguments()
    # Before any import of the engine: these are read once.
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
        os.environ[name] = str(chosen.threads)
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    peer = load(chosen)
    peer.embed_one(QUERY + "what is a warm-up?")
    print("ready", flush=True)
    idle = resident("VmRSS")
    if chosen.texts is None:
        return
    texts = [PASSAGE + text for text in read(chosen.texts)]
    questions = [QUERY + text for text in read(chosen.questions)] if chosen.questions else []

    batch = chosen.batch if chosen.batch or not peer.batched else best_batch(peer, texts[::5])
    vectors, seconds, question_ms = None, [], []
    for _ in range(chosen.rounds):
        started = time.perf_counter()
        vectors = peer.embed_all(texts, batch)
        seconds.append(time.perf_counter() - started)
        for question in questions:
            started = time.perf_counter()
            peer.embed_one(question)
            question_ms.append((time.perf_counter() - started) * 1000)
    peak = resident("VmHWM")  # before counting tokens, which loads a tokenizer into engines that have their own
    if chosen.vectors:
        chosen.vectors.write_bytes(vectors.astype("<f4").tobytes())
    if chosen.json:
        row = {
            "engine": peer.name,
            "detail": peer.detail,
            "threads": chosen.threads,
            "batch": batch,
            "texts": len(texts),
            "tokens": count_tokens(chosen.model, texts),
            "seconds": seconds,
            "question_ms": question_ms,
            "idle_mb": idle,
            "peak_mb": peak,
        }
        chosen.json.write_text(json.dumps(row) + "\n")


def best_batch(peer, texts):
    """The batch size with the least time; twice around, as the first use of a shape may allocate."""
    took = dict.fromkeys(BATCHES, float("inf"))
    for _ in range(2):
        for batch in BATCHES:
            started = time.perf_counter()
            peer.embed_all(texts, batch)
            took[batch] = min(took[batch], time.perf_counter() - started)
    return min(took, key=took.get)


def count_tokens(model, texts):
    from tokenizers import Tokenizer

    encodings = Tokenizer.from_file(str(model / "tokenizer.json")).encode_batch_fast(texts)
    return sum(len(encoding.ids) for encoding in encodings)


def read(path):
    return [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines()]


def resident(field):
    """Megabytes (2^20 bytes) of this process, as the kernel counts them."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"bench-peers: /proc/self/status has no {field}: memory is read from Linux's proc")
