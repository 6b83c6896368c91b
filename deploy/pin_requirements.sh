#!/usr/bin/env bash
# Writes the pinned requirements of the Jetson images again: every version that a device installs, with the sums
# of all its files. Pins that are still allowed stay; UPGRADE=1 takes the newest versions.
set -euo pipefail
cd "$(dirname "$0")/.."
UV="${UV:-.venv/bin/uv}"

# pin PYTHON PLATFORM INPUT OUTPUT [OPTION...]
pin() {
    local python="$1" platform="$2" input="$3" output="$4"
    shift 4
    "$UV" pip compile --quiet --python-version "$python" --python-platform "$platform" --only-binary :all: \
        --generate-hashes --no-annotate --no-header ${UPGRADE:+--upgrade} "$@" \
        "$input" --output-file "$output"
    sed -i "1i # Written by deploy/pin_requirements.sh; install with: pip install --require-hashes --no-deps -r FILE" "$output"
    echo "$output: $(grep -c '==' "$output") packages"
}

# Ubuntu 18.04 of JetPack 4 has glibc 2.27 and Python 3.8.0: wheels for manylinux2014 (glibc 2.17) run there.
NANO=(3.8.0 aarch64-manylinux2014)
ORIN=(3.10 aarch64-manylinux_2_28)

# opencv 4.12.0.88 asks for numpy 2 from Python 3.9 on, but its one wheel runs under numpy 1, as the JetPack wheels
# of onnxruntime need it: `--override`, and `pip install --no-deps`.
numpy=$(mktemp)
trap 'rm -f "$numpy"' EXIT
echo 'numpy<2' >"$numpy"

pin "${NANO[@]}" edge_app/requirements-jetson.in edge_app/requirements-jetson.txt
pin "${ORIN[@]}" edge_app/requirements-orin.in edge_app/requirements-orin.txt --override "$numpy"
# The CPU builds of the runtimes, for images without NVIDIA's wheels and for tests. Their needs are pinned above.
pin "${NANO[@]}" - deploy/requirements-cpu-nano.txt --no-deps <<<'onnxruntime==1.11.0'
pin "${ORIN[@]}" - deploy/requirements-cpu-orin.txt --no-deps <<<'onnxruntime==1.20.1'
# Ubuntu's own pip does not know the wheels' platform tags. The last versions for Python 3.8 serve both.
pin "${NANO[@]}" - deploy/requirements-tools.txt --allow-unsafe <<<$'pip\nsetuptools>=68\nwheel'
