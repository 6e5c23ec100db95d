"""BERT as an ONNX graph of ONNX Runtime's own fused operators, written directly.

The graph is what `onnxruntime.transformers.optimizer` makes of an exported BERT (EmbedLayerNormalization, Attention,
SkipLayerNormalization, BiasGelu), without depending on what today's exporter emits and today's optimizer recognises.
Mean pooling is in the graph: [batch, dimension] leaves it, not a row a token.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from weights import EPSILON, HEADS, LAYERS, Blocks, Weights

BLOCK = 32


class Graph:
    def __init__(self):
        self.nodes, self.constants = [], {}

    def constant(self, name, value):
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def add(self, kind, inputs, name, outputs=1, domain="com.microsoft", **attributes):
        made = [name] + [f"{name}.{place}" for place in range(1, outputs)]
        self.nodes.append(helper.make_node(kind, inputs, made, name=f"{name}.{kind}", domain=domain, **attributes))
        return name


def write(weights: Weights, path: Path, fused_attention=True, four_bits=False):
    """fused_attention: Attention, which projects Q, K and V itself; else three products and MultiHeadAttention.

    four_bits: every matrix as the blocks of the GGUF, bit for bit (MatMulNBits), multiplied with int8 activations.
    """
    graph = Graph()
    get = weights.fp32

    def product(of, name, out):
        if four_bits:
            return graph.add("MatMulNBits", [of, *packed(graph, weights.blocks(f"{name}.weight"), name)], out, **nbits(weights, name))
        return graph.add("MatMul", [of, graph.constant(f"{name}.matrix", get(f"{name}.weight").T)], out, domain="")

    def bias(name):
        return graph.constant(f"{name}.bias", get(f"{name}.bias"))

    def norm(name):
        return [graph.constant(f"{name}.weight", get(f"{name}.weight")), graph.constant(f"{name}.bias", get(f"{name}.bias"))]

    # Every text is of token type 0: its row goes into the positions'.
    positions = get("embeddings.position_embeddings.weight") + get("embeddings.token_type_embeddings.weight")[0]
    words = graph.constant("words", get("embeddings.word_embeddings.weight"))
    at = graph.constant("positions", positions)
    inputs = ["input_ids", "", words, at, "", *norm("embeddings.LayerNorm")]
    hidden = graph.add("EmbedLayerNormalization", inputs, "embedded", 2, epsilon=EPSILON)
    for layer in range(LAYERS):
        of = f"encoder.layer.{layer}"
        three = [f"{of}.attention.self.{name}" for name in ("query", "key", "value")]
        joined = np.concatenate([get(f"{name}.bias") for name in three])
        qkv_bias = graph.constant(f"{of}.qkv.bias", joined)
        if fused_attention and not four_bits:
            matrix = np.concatenate([get(f"{name}.weight").T for name in three], axis=1)
            inputs = [hidden, graph.constant(f"{of}.qkv.matrix", matrix), qkv_bias, "attention_mask"]
            attended = graph.add("Attention", inputs, f"{of}.attended", num_heads=HEADS)
        else:
            projected = [product(hidden, name, f"{name}.projected") for name in three]
            inputs = [*projected, qkv_bias, "attention_mask"]
            attended = graph.add("MultiHeadAttention", inputs, f"{of}.attended", num_heads=HEADS)
        for name, source, above in (
            ("attention.output", attended, hidden),
            ("output", None, None),
        ):
            if source is None:
                up = product(hidden, f"{of}.intermediate.dense", f"{of}.up")
                source = graph.add("BiasGelu", [up, bias(f"{of}.intermediate.dense")], f"{of}.activated")
                above = hidden
            down = product(source, f"{of}.{name}.dense", f"{of}.{name}.down")
            inputs = [down, above, *norm(f"{of}.{name}.LayerNorm"), bias(f"{of}.{name}.dense")]
            hidden = graph.add("SkipLayerNormalization", inputs, f"{of}.{name}.hidden", epsilon=EPSILON)

    graph.add("Cast", ["attention_mask"], "mask", domain="", to=TensorProto.FLOAT)
    graph.add("Unsqueeze", ["mask", graph.constant("one", np.array([1]))], "mask.row", domain="")
    graph.add("MatMul", ["mask.row", hidden], "summed", domain="")
    graph.add("Squeeze", ["summed", "one"], "sum", domain="")
    graph.add("ReduceSum", ["mask", "one"], "count", domain="", keepdims=1)
    graph.add("Div", ["sum", "count"], "mean", domain="")

    shape = ["batch", "length"]
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "bert",
            [helper.make_tensor_value_info(name, TensorProto.INT32, shape) for name in ("input_ids", "attention_mask")],
            [helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["batch", None])],
            list(graph.constants.values()),
        ),
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)],
        ir_version=10,
    )
    onnx.save(model, path)


def packed(graph, blocks: Blocks, name):
    """MatMulNBits holds two neighbours a byte, low nibble first, and takes 8 as zero where no zero points are given."""
    rows = blocks.nibbles.shape[0]
    pairs = blocks.nibbles.reshape(rows, -1, BLOCK // 2, 2)
    return [
        graph.constant(f"{name}.blocks", pairs[..., 0] | pairs[..., 1] << 4),
        graph.constant(f"{name}.scales", blocks.scales.reshape(-1)),
    ]


def nbits(weights, name):
    rows, columns = weights.fp32(f"{name}.weight").shape
    return dict(K=columns, N=rows, bits=4, block_size=BLOCK, accuracy_level=4)
