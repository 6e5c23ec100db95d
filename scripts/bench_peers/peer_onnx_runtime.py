"""ONNX Runtime: fp32, dynamic int8, and the GGUF's own 4-bit blocks. The graphs are export.py's."""

from contract import Peer, run


class OnnxRuntime(Peer):
    def __init__(self, chosen):
        import onnxruntime

        super().__init__(chosen.model)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = chosen.threads
        file = chosen.exported / f"{chosen.variant}.onnx"
        if not file.is_file():
            raise SystemExit(f"bench-peers: {file} is missing: delete the folder and run scripts/bench-peers.sh again")
        self.session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        self.name = f"ONNX Runtime {chosen.variant}"
        self.detail = f"onnxruntime {onnxruntime.__version__}"

    def embed(self, ids, mask):
        feeds = {"input_ids": ids.astype("int32"), "attention_mask": mask.astype("int32")}
        return self.session.run(None, feeds)[0]


if __name__ == "__main__":
    run(OnnxRuntime)
