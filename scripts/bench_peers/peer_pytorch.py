"""PyTorch through sentence-transformers, as most people embed; fp32, and bf16 where the processor multiplies it.

fp32 is also the reference of the fidelity column: nothing between the weights and the vectors is approximated.
"""

from contract import Peer, run


class PyTorch(Peer):
    def __init__(self, chosen):
        import torch
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(chosen.threads)
        folder = chosen.exported / "transformers"
        kind = {"fp32": torch.float32, "bf16": torch.bfloat16}[chosen.variant]
        self.model = SentenceTransformer(str(folder), device="cpu", model_kwargs={"dtype": kind}, local_files_only=True)
        self.name = f"sentence-transformers {chosen.variant}"
        import sentence_transformers

        self.detail = f"sentence-transformers {sentence_transformers.__version__}, torch {torch.__version__}"

    def embed_all(self, texts, batch):
        import numpy as np

        vectors = self.model.encode(texts, batch_size=batch, show_progress_bar=False).astype("float32")
        # Unit length once more: in bf16 a "unit" vector is off by some thousandths, and that is no matter of direction.
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def embed_one(self, text):
        return self.embed_all([text], 1)[0]


if __name__ == "__main__":
    run(PyTorch)
