"""The product's own weights for every peer: the GGUF's 4-bit blocks, as they are or dequantised to fp32.

What is compared is the engine. So all of them compute with the same numbers; a peer that takes fp32 gets the fp32
numbers that the blocks stand for, and one that quantises by itself starts from those.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize

HIDDEN, LAYERS, HEADS, FEED_FORWARD = 384, 12, 12, 1536
EPSILON = 1e-12
PAD = 1

# GGUF's name of a part of a layer, and the published one of BERT.
PARTS = {
    "attn_q": "attention.self.query",
    "attn_k": "attention.self.key",
    "attn_v": "attention.self.value",
    "attn_output": "attention.output.dense",
    "attn_output_norm": "attention.output.LayerNorm",
    "ffn_up": "intermediate.dense",
    "ffn_down": "output.dense",
    "layer_output_norm": "output.LayerNorm",
}

NAMES = {
    "token_embd.weight": "embeddings.word_embeddings.weight",
    "position_embd.weight": "embeddings.position_embeddings.weight",
    "token_types.weight": "embeddings.token_type_embeddings.weight",
    "token_embd_norm.weight": "embeddings.LayerNorm.weight",
    "token_embd_norm.bias": "embeddings.LayerNorm.bias",
} | {
    f"blk.{layer}.{ours}.{half}": f"encoder.layer.{layer}.{published}.{half}"
    for layer in range(LAYERS)
    for ours, published in PARTS.items()
    for half in ("weight", "bias")
}


@dataclass
class Blocks:
    """A matrix as Q4_0: for 32 weights of a row one scale and 32 numbers from 0 to 15, of which 8 is zero."""

    scales: np.ndarray  # [rows, columns / 32], fp32
    nibbles: np.ndarray  # [rows, columns], uint8


class Weights:
    """Tensors by the published names; matrices are [out, in]."""

    def __init__(self, gguf: Path):
        self._tensors = {NAMES[tensor.name]: tensor for tensor in GGUFReader(gguf).tensors}

    def fp32(self, name: str) -> np.ndarray:
        tensor = self._tensors[name]
        return np.ascontiguousarray(dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)

    def all_fp32(self) -> dict[str, np.ndarray]:
        return {name: self.fp32(name) for name in self._tensors}

    def blocks(self, name: str) -> Blocks:
        tensor = self._tensors[name]
        if tensor.tensor_type.name != "Q4_0":
            raise ValueError(f"{name} is {tensor.tensor_type.name}, not Q4_0: its blocks cannot be handed on unchanged")
        raw = tensor.data.reshape(tensor.data.shape[0], -1, 18)
        scales = np.ascontiguousarray(raw[..., :2]).view(np.float16)[..., 0].astype(np.float32)
        packed = raw[..., 2:]
        nibbles = np.concatenate([packed & 0x0F, packed >> 4], axis=-1)
        return Blocks(scales, np.ascontiguousarray(nibbles.reshape(raw.shape[0], -1)))
