#!/usr/bin/env bash
# Makes .venv38: Python 3.8 with exactly the packages that a Nano installs, for tests/edge_app/test_python38.py.
#
#   tests/device_root/venv38.sh [PYTHON3.8]
set -euo pipefail
cd "$(dirname "$0")/../.."

python="${1:-$(command -v python3.8 || true)}"
if [ -z "$python" ] || ! "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 8))' 2>/dev/null; then
    python=$(find "${PYENV_ROOT:-$HOME/.pyenv}/versions" -path '*/3.8.*/bin/python3.8' 2>/dev/null | head -n 1)
fi
[ -n "$python" ] || { echo "error: there is no Python 3.8; give its path" >&2 && exit 2; }

"$python" -m venv --clear .venv38
for file in deploy/requirements-tools.txt edge_app/requirements-jetson.txt deploy/requirements-cpu-nano.txt; do
    .venv38/bin/python -m pip install --quiet --require-hashes --no-deps --only-binary :all: -r "$file"
done
.venv38/bin/python -m pip install --quiet --no-index --no-deps --no-build-isolation -e .  # its verbs are entry points
.venv38/bin/python -m pip check
