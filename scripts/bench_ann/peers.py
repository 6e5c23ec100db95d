"""One peer: builds, searches at several widths, and writes what it took.

Every peer builds with all cores, and is searched by one thread and by all. Each is used as its documentation shows it
for inner products; vectors are of length one. Qdrant is asked one by one; the others take all queries in one call.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

LINKS, CONSTRUCTION, LIMIT = 16, 200, 10
WIDTHS = (20, 40, 60, 80, 120, 160, 240, 320, 480)
ROUNDS = 3


class Peer:
    # Whether threads search beside one another.
    together = True

    def opened(self):
        """Leaves in memory what searching needs."""


class Hnswlib(Peer):
    def __init__(self, vectors, kind):
        import hnswlib

        self.index = hnswlib.Index("ip", vectors.shape[1])
        self.index.init_index(len(vectors), M=LINKS, ef_construction=CONSTRUCTION)
        self.index.add_items(vectors, num_threads=os.cpu_count())

    def search(self, queries, width, threads):
        self.index.set_ef(width)
        return self.index.knn_query(queries, LIMIT, num_threads=threads)[0]


class Faiss(Peer):
    def __init__(self, vectors, kind):
        import faiss

        self.faiss = faiss
        inner = faiss.METRIC_INNER_PRODUCT
        if kind == "sq8":
            self.index = faiss.IndexHNSWSQ(vectors.shape[1], faiss.ScalarQuantizer.QT_8bit, LINKS, inner)
        else:
            self.index = faiss.IndexHNSWFlat(vectors.shape[1], LINKS, inner)
        self.index.hnsw.efConstruction = CONSTRUCTION
        faiss.omp_set_num_threads(os.cpu_count())
        self.index.train(vectors)
        self.index.add(vectors)

    def search(self, queries, width, threads):
        self.faiss.omp_set_num_threads(threads)
        self.index.hnsw.efSearch = width
        return self.index.search(queries, LIMIT)[1]


class Usearch(Peer):
    def __init__(self, vectors, kind):
        from usearch.index import Index

        self.index = Index(
            ndim=vectors.shape[1], metric="cos", dtype=kind, connectivity=LINKS, expansion_add=CONSTRUCTION
        )
        self.index.add(np.arange(len(vectors), dtype=np.uint64), vectors, threads=os.cpu_count())

    def search(self, queries, width, threads):
        self.index.expansion_search = width
        return self.index.search(queries, LIMIT, threads=threads).keys


class Qdrant(Peer):
    # Its Python binding keeps the interpreter's lock while it searches, so threads wait for one another.
    together = False

    def __init__(self, vectors, kind):
        import qdrant_edge

        self.qdrant = qdrant_edge
        self.folder = tempfile.TemporaryDirectory()
        links = qdrant_edge.HnswIndexConfig(
            m=LINKS,
            ef_construct=CONSTRUCTION,
            # In kilobytes, as the thresholds below: a graph however few there are.
            full_scan_threshold=1,
            max_indexing_threads=os.cpu_count(),
            memory=qdrant_edge.Memory.Pinned,
        )
        params = qdrant_edge.EdgeVectorParams(
            size=vectors.shape[1], distance=qdrant_edge.Distance.Dot, memory=qdrant_edge.Memory.Cached
        )
        # One graph of all, as the others have: more segments would be searched one by one.
        optimizers = qdrant_edge.EdgeOptimizersConfig(
            default_segment_number=1, max_segment_size=1 << 30, indexing_threshold=1
        )
        config = qdrant_edge.EdgeConfig(
            vectors=params, hnsw_config=links, optimizers=optimizers, max_search_threads=1, wal_enabled=False
        )
        self.shard = qdrant_edge.EdgeShard.create(self.folder.name, config)
        for start in range(0, len(vectors), 1000):
            points = [qdrant_edge.Point(start + at, row) for at, row in enumerate(vectors[start : start + 1000])]
            self.shard.update(qdrant_edge.UpdateOperation.upsert_points(points))
        # Until here all is scanned; it links in no other call.
        self.shard.optimize()
        linked = self.shard.info().indexed_vectors_count
        if linked != len(vectors):
            raise SystemExit(f"Qdrant linked {linked} vectors of {len(vectors)}, and would scan the others")

    def opened(self):
        self.shard.flush()
        self.shard.close()
        self.shard = self.qdrant.EdgeShard.load(self.folder.name)

    def search(self, queries, width, threads):
        params = self.qdrant.SearchParams(hnsw_ef=width)
        return [[point.id for point in self.asked(query, params)] for query in queries]

    def asked(self, query, params):
        nearest = self.qdrant.Query.Nearest(query)
        return self.shard.query(self.qdrant.QueryRequest(limit=LIMIT, query=nearest, params=params))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("engine")
    parser.add_argument("--vectors", type=Path, required=True)
    parser.add_argument("--queries", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    options = parser.parse_args()
    vectors, queries = (np.fromfile(path, dtype="<f4").reshape(-1, 384) for path in (options.vectors, options.queries))
    truth = nearest(vectors, queries)
    name, _, kind = options.engine.partition("-")
    started = time.perf_counter()
    engine = {"hnswlib": Hnswlib, "faiss": Faiss, "usearch": Usearch, "qdrant": Qdrant}[name](vectors, kind or "f32")
    build = time.perf_counter() - started
    # Each has a copy of its own; this one is not the index's.
    del vectors
    engine.opened()
    curve = []
    for width in WIDTHS:
        rates = []
        for threads in (1, os.cpu_count()):
            if threads > 1 and not engine.together:
                rates.append(None)
                continue
            seconds = []
            for _ in range(ROUNDS):
                started = time.perf_counter()
                found = engine.search(queries, width, threads)
                seconds.append(time.perf_counter() - started)
            rates.append(len(queries) / median(seconds))
        hits = sum(len(np.intersect1d(one, other)) for one, other in zip(found, truth))
        recall = hits / truth.size
        curve.append(
            {"width": width, "recall": recall, "queries_per_second": rates[0], "together_per_second": rates[1]}
        )
    report = {"engine": options.engine, "build_seconds": build, "curve": curve, "resident_mb": resident()}
    options.json.write_text(json.dumps(report))


def nearest(vectors, queries):
    rows = [np.argsort(-(vectors @ query))[:LIMIT] for query in queries]
    return np.array(rows)


def resident():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))


if __name__ == "__main__":
    main()
