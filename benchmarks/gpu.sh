#!/usr/bin/env bash
# Check and measure relscale on one GPU in less than ten minutes, without a network.
#
#   benchmarks/gpu.sh --collect [PYTHON_VERSION]   fetch wheels into build/gpu-wheels (network)
#   benchmarks/gpu.sh [OPTIONS of benchmarks.gpu]  on the GPU: install what is missing, measure
#
# torch itself is never fetched or installed: its build must suit the driver of the machine. The
# results are build/gpu/gpu.json and build/gpu/table.md. PYTHON names the interpreter and
# WHEELS another folder of wheels.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
wheels=${WHEELS:-build/gpu-wheels}
packages=(numpy pydantic pydantic_core annotated-types typing-inspection typing_extensions PyYAML
    safetensors tqdm)
modules=(numpy pydantic pydantic_core annotated_types typing_inspection typing_extensions yaml
    safetensors tqdm)

if [ "${1:-}" = --collect ]; then
    version=${2:-$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')}
    pins=()
    for package in "${packages[@]}"; do
        pin=$(grep -i -m 1 "^${package//_/[-_]}==" envs/requirements.lock)
        pins+=("${pin%% *}")
    done
    mkdir -p "$wheels"
    "$python" -m pip download --no-deps --only-binary=:all: --python-version "$version" \
        --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 \
        --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
        --dest "$wheels" "${pins[@]}"
    exit
fi

missing=()
for index in "${!modules[@]}"; do
    "$python" -c "import ${modules[$index]}" 2> /dev/null || missing+=("${packages[$index]}")
done
site=
if [ "${#missing[@]}" -gt 0 ]; then
    if [ ! -d "$wheels" ]; then
        echo "error: $python has no ${missing[*]}, and $wheels does not exist: call" \
            "benchmarks/gpu.sh --collect on a machine with a network and copy the folder" >&2
        exit 1
    fi
    site=$(mktemp -d)
    trap 'rm -rf "$site"' EXIT
    "$python" -m pip install --quiet --no-index --no-deps --find-links "$wheels" \
        --target "$site" "${missing[@]}"
fi
"$python" -c 'import torch' || {
    echo "error: $python has no torch; install the build that suits the driver" >&2
    exit 1
}
# cuBLAS gives the same bytes twice only with a fixed work space.
export CUBLAS_WORKSPACE_CONFIG=:4096:8
export PYTHONPATH="$PWD/src${site:+:$site}"
"$python" -m benchmarks.gpu "$@"
