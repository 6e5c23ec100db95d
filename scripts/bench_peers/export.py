"""Writes the weights in the form that each peer reads, once; each peer's part alone, so that one may be missing.

    export.py MODEL_FOLDER OUTPUT_FOLDER FORM...

Dynamic int8 for ONNX Runtime is per tensor, signed weights, without reduced range, products only: of the ways tried it
is the fastest (per channel costs a tenth to a fifth of the speed), and the embeddings stay fp32, as looking them up costs nothing.
"""

import json
import sys
from pathlib import Path

from weights import EPSILON, FEED_FORWARD, HEADS, HIDDEN, LAYERS, Weights


def onnx_fp32(model, weights, out):
    import onnx_graph

    onnx_graph.write(weights, out / "fp32.onnx")


def onnx_int8(model, weights, out):
    import onnx_graph
    from onnx import TensorProto
    from onnxruntime.quantization import QuantType, quantize_dynamic

    plain = out / "products.onnx"
    onnx_graph.write(weights, plain, fused_attention=False)
    quantize_dynamic(
        plain,
        out / "int8.onnx",
        weight_type=QuantType.QInt8,
        op_types_to_quantize=["MatMul"],
        extra_options={"MatMulConstBOnly": True, "DefaultTensorType": TensorProto.FLOAT},
    )
    plain.unlink()


def onnx_q4(model, weights, out):
    import onnx_graph

    onnx_graph.write(weights, out / "q4.onnx", four_bits=True)


def bert(model, weights):
    import torch
    from transformers import BertConfig, BertModel

    made = BertModel(BertConfig(**json.loads((model / "config.json").read_text())), add_pooling_layer=False).eval()
    made.load_state_dict({name: torch.from_numpy(value) for name, value in weights.all_fp32().items()})
    return made


def transformers(model, weights, out):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from transformers import PreTrainedTokenizerFast

    folder = out / "transformers"
    bert(model, weights).save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_file=str(model / "tokenizer.json"),
        bos_token="<s>",
        eos_token="</s>",
        cls_token="<s>",
        sep_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        mask_token="<mask>",
        model_max_length=512,
    ).save_pretrained(folder)
    modules = [Transformer(str(folder)), Pooling(HIDDEN, "mean"), Normalize()]
    SentenceTransformer(modules=modules, device="cpu").save(str(folder))


def openvino_graph(model, weights):
    import openvino
    import torch

    class Pooled(torch.nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, input_ids, attention_mask):
            hidden = self.inner(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
            return (hidden * mask).sum(1) / mask.sum(1)

    example = torch.ones(2, 16, dtype=torch.long)
    open_shape = [(name, [-1, -1], openvino.Type.i64) for name in ("input_ids", "attention_mask")]
    return openvino.convert_model(
        Pooled(bert(model, weights)), example_input={"input_ids": example, "attention_mask": example}, input=open_shape
    )


def openvino_fp32(model, weights, out):
    import openvino

    openvino.save_model(openvino_graph(model, weights), out / "openvino-fp32.xml", compress_to_fp16=False)


def llama(model, weights, out):
    """The same blocks with the few more keys that llama.cpp wants; no vocabulary: see peer_llama_cpp.py."""
    import gguf

    reader = gguf.GGUFReader(model / "model.gguf")
    writer = gguf.GGUFWriter(out / "llama.gguf", "bert")
    writer.add_block_count(LAYERS)
    writer.add_context_length(512)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_eps(EPSILON)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_vocab_size(int(reader.tensors[0].shape[-1]))
    writer.add_token_type_count(2)
    writer.add_tokenizer_model("none")
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


FORMS = {
    "onnx-fp32": (onnx_fp32, "fp32.onnx"),
    "onnx-int8": (onnx_int8, "int8.onnx"),
    "onnx-q4": (onnx_q4, "q4.onnx"),
    "transformers": (transformers, "transformers/modules.json"),
    "openvino-fp32": (openvino_fp32, "openvino-fp32.xml"),
    "llama": (llama, "llama.gguf"),
}


if __name__ == "__main__":
    model, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    weights = Weights(model / "model.gguf")
    for form in sys.argv[3:]:
        write, made = FORMS[form]
        if not (out / made).exists():
            write(model, weights, out)
