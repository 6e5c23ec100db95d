"""OpenVINO: fp32, and the int8 weights that its own quantiser makes. The models are export.py's."""

from contract import Peer, run


class OpenVino(Peer):
    def __init__(self, chosen):
        import openvino

        super().__init__(chosen.model)
        core = openvino.Core()
        settings = {
            "INFERENCE_NUM_THREADS": chosen.threads,
            "PERFORMANCE_HINT": "LATENCY",
            # The processor's bf16 would be taken unasked, and its row is fp32.
            "INFERENCE_PRECISION_HINT": "f32",
        }
        file = chosen.exported / f"openvino-{chosen.variant}.xml"
        self.compiled = core.compile_model(str(file), "CPU", settings)
        self.request = self.compiled.create_infer_request()
        self.name = f"OpenVINO {chosen.variant}"
        self.detail = f"openvino {openvino.__version__}"

    def embed(self, ids, mask):
        return self.request.infer({"input_ids": ids, "attention_mask": mask})[0]


if __name__ == "__main__":
    run(OpenVino)
