"""llama.cpp on the same Q4_0 blocks, through its C interface: token ids in, pooled vectors out, nothing padded.

Its own tokenizer is left out (export.py writes a GGUF without vocabulary), so that it gets the ids that all get.
"""

import ctypes

from contract import Peer, run
from machine import describe

# One decode attends over all its tokens and masks the strangers, so that more at once soon costs more than it saves.
MOST_TOKENS = 4096


class LlamaCpp(Peer):
    name = "llama.cpp Q4_0"

    def __init__(self, chosen):
        import llama_cpp

        super().__init__(chosen.model)
        self.library = llama_cpp
        quiet = llama_cpp.llama_log_callback(lambda level, text, data: None)
        self.quiet = quiet  # kept alive: the library calls it
        llama_cpp.llama_log_set(quiet, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        file = chosen.exported / "llama.gguf"
        loading = llama_cpp.llama_model_default_params()
        # Its buffers for AMX end the process at the first batch (0.3.36); without them it multiplies by AVX-512.
        has_tiles = "amx_int8" in describe()["flags"]
        loading.use_extra_bufts = not has_tiles
        self.model = llama_cpp.llama_model_load_from_file(str(file).encode(), loading)
        if not self.model:
            raise SystemExit(f"bench-peers: llama.cpp refuses {file}")
        longest = chosen.batch or 64
        self.most = min(MOST_TOKENS, max(512, longest * 512))
        settings = llama_cpp.llama_context_default_params()
        settings.n_ctx = settings.n_batch = settings.n_ubatch = self.most
        settings.n_seq_max = longest
        settings.kv_unified = True
        settings.n_threads = settings.n_threads_batch = chosen.threads
        settings.embeddings = True
        settings.pooling_type = llama_cpp.LLAMA_POOLING_TYPE_MEAN
        self.context = llama_cpp.llama_init_from_model(self.model, settings)
        if not self.context:
            raise SystemExit("bench-peers: llama.cpp makes no context for the model")
        self.batch = llama_cpp.llama_batch_init(self.most, 0, 1)
        self.dimension = llama_cpp.llama_model_n_embd(self.model)
        self.detail = f"llama-cpp-python {llama_cpp.__version__}" + (", without AMX" if has_tiles else "")

    def embed_all(self, texts, batch):
        import numpy as np

        ids = [encoding.ids for encoding in self.tokenizer.encode_batch_fast(texts)]
        order = sorted(range(len(ids)), key=lambda place: len(ids[place]))
        vectors = np.empty((len(ids), self.dimension), dtype=np.float32)
        places, tokens = [], 0
        for place in order:
            if len(places) == batch or tokens + len(ids[place]) > self.most:
                vectors[places] = self.decode([ids[place] for place in places])
                places, tokens = [], 0
            places.append(place)
            tokens += len(ids[place])
        vectors[places] = self.decode([ids[place] for place in places])
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def embed_one(self, text):
        vector = self.decode([self.tokenizer.encode(text).ids])[0]
        return vector / (vector @ vector) ** 0.5

    def decode(self, texts):
        import numpy as np

        at = 0
        for sequence, ids in enumerate(texts):
            for position, token in enumerate(ids):
                self.batch.token[at] = token
                self.batch.pos[at] = position
                self.batch.n_seq_id[at] = 1
                self.batch.seq_id[at][0] = sequence
                self.batch.logits[at] = 1
                at += 1
        self.batch.n_tokens = at
        if self.library.llama_encode(self.context, self.batch) != 0:
            raise SystemExit(f"bench-peers: llama.cpp failed on {len(texts)} texts of {at} tokens")
        rows = [self.library.llama_get_embeddings_seq(self.context, sequence) for sequence in range(len(texts))]
        return np.stack([np.ctypeslib.as_array(row, shape=(self.dimension,)) for row in rows])


if __name__ == "__main__":
    run(LlamaCpp)
