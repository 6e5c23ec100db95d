#!/usr/bin/env bash
# Does the GPU build still compile? Checks `--features cuda` on a machine without a GPU: the CUDA toolkit comes from pip, into a
# throwaway environment. Takes about ten minutes on two cores, so it is no part of the gate.
#
#   scripts/check-cuda.sh
#
# PAPERKIN_CUDA names the folder for the toolkit (default: paperkin-cuda in the folder for temporary files), which is kept;
# CUDA_COMPUTE_CAP the GPU to compile kernels for (default 80: Ampere and later). With a GPU and its driver at hand,
# `cargo run --release --features cuda -- --device cuda bench encode` then runs it.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/setup.sh

toolkit=${PAPERKIN_CUDA:-${TMPDIR:-/tmp}/paperkin-cuda}
step "CUDA toolkit in $toolkit"
[ -x "$toolkit/bin/python" ] || python3 -m venv "$toolkit"
# All of CUDA 13.0: 13.5 is too new for this cudarc, and the packages of CUDA 12 have no nvcc.
parts=(nvidia-cuda-{nvcc,crt,runtime,cccl,nvrtc} nvidia-nvvm nvidia-cublas)
"$toolkit/bin/python" -m pip install -q --disable-pip-version-check "${parts[@]/%/==13.0.*}" 'nvidia-curand==10.4.0.*'
CUDA_HOME=$(echo "$toolkit"/lib/python3*/site-packages/nvidia/cu13)
export CUDA_HOME CUDA_PATH=$CUDA_HOME CUDA_COMPUTE_CAP=${CUDA_COMPUTE_CAP:-80} PATH="$CUDA_HOME/bin:$PATH"
nvcc --version | tail -n 1

step "check"
# A folder of its own: features change what is compiled, and the ordinary build should not be thrown away.
exec cargo check --release --locked --features cuda --target-dir "$toolkit/target"
