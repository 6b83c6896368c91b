#!/usr/bin/env bash
# Runs the device's software on an arm64 user space, Debian 11 under qemu: Python 3.9, glibc 2.31, onnxruntime 1.11.
# Its answers are held against this machine's.
#
#   tests/device_root/arm64.sh [BUNDLE]      without one: the shipped bundle, else a tiny one
#
# Needs root and the internet. The root file system is kept in $ARM64_ROOT (default /tmp/visual-inspector-arm64):
# the first run takes about 10 minutes on a quiet machine, up to 30 on a busy one.
set -euo pipefail
cd "$(dirname "$0")/../.."

bundle="${1:-}"
root="${ARM64_ROOT:-/tmp/visual-inspector-arm64}"
host_python="${HOST_PYTHON:-.venv/bin/python}"

say() { printf '%5d s  %s\n' "$SECONDS" "$1"; }

# inside COMMAND...: run in the root file system; the mounts end with the command
inside() {
    # shellcheck disable=SC2016
    unshare --mount --propagation private sh -c '
        root="$1"; shift
        mount -t proc proc "$root/proc" && mount --rbind /sys "$root/sys" && mount --rbind /dev "$root/dev" \
            && mount -t tmpfs tmpfs "$root/tmp"
        exec chroot "$root" env -i PATH=/opt/inspector/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
            OMP_NUM_THREADS=1 OPENBLAS_CORETYPE=ARMV8 LD_PRELOAD=/usr/lib/aarch64-linux-gnu/libgomp.so.1 \
            PIP_CERT=/srv/ca.crt PIP_DISABLE_PIP_VERSION_CHECK=1 "$@"
    ' sh "$root" "$@"
}

[ "$(id -u)" -eq 0 ] || { echo "error: only root can make a root file system" >&2 && exit 2; }
for program in debootstrap qemu-aarch64-static; do
    command -v "$program" >/dev/null || {
        echo "error: $program is missing; apt-get install debootstrap qemu-user-static binfmt-support" >&2
        exit 2
    }
done
if [ "$(uname -m)" != aarch64 ]; then
    [ -e /proc/sys/fs/binfmt_misc/register ] || mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
    [ -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ] || update-binfmts --enable qemu-aarch64
fi

if [ ! -e "$root/.made" ]; then
    say "making $root"
    mkdir -p "$root"
    debootstrap --arch=arm64 --variant=minbase --include=python3,python3-venv,libgomp1,ca-certificates \
        bullseye "$root" http://deb.debian.org/debian >"$root.log" 2>&1 \
        || { tail -n 5 "$root.log" >&2 && exit 1; }
    touch "$root/.made"
fi
cp /etc/ssl/certs/ca-certificates.crt "$root/srv/ca.crt"
cp /etc/resolv.conf "$root/etc/resolv.conf"

# The same commands as in Dockerfile.jetson.
pins=(deploy/requirements-tools.txt edge_app/requirements-jetson.txt deploy/requirements-cpu-nano.txt)
sum=$(cat "${pins[@]}" | sha256sum)
if [ "$(cat "$root/.pins" 2>/dev/null)" != "$sum" ]; then
    say "installing the pinned packages, each with its sum"
    cp "${pins[@]}" "$root/srv/"
    inside python3 -m venv --clear /opt/inspector
    for file in "${pins[@]}"; do
        inside pip install --quiet --require-hashes --no-deps --only-binary :all: -r "/srv/${file##*/}"
    done
    echo "$sum" >"$root/.pins"
fi

say "installing the project"
rm -rf "$root/srv/project" "$root/srv/check" "$root/srv/work"
mkdir -p "$root/srv/project" "$root/srv/check" "$root/srv/work"
parts=(pyproject.toml README.md inspector search export edge_app)
[ -d models ] && parts+=(models)
tar --create --exclude=__pycache__ "${parts[@]}" | tar --extract --directory "$root/srv/project"
tar --create --exclude=__pycache__ tests/device_root | tar --extract --directory "$root/srv/check"
inside pip install --quiet --no-index --no-deps --no-build-isolation --force-reinstall /srv/project
inside python -c 'import platform, sqlite3, numpy, cv2, onnxruntime
print(platform.machine(), "Python", platform.python_version(), *platform.libc_ver(), "SQLite", sqlite3.sqlite_version,
    "numpy", numpy.__version__, "OpenCV", cv2.__version__, "onnxruntime", onnxruntime.__version__)'

say "this machine's answers"
PYTHONPATH=. "$host_python" -m tests.device_root.material "$root/srv/work" ${bundle:+--bundle "$bundle"}
PYTHONPATH=. "$host_python" -m tests.device_root.on_device answers "$root/srv/work" expected
say "the same on arm64"
inside sh -c 'cd /srv/check && exec python -m tests.device_root.on_device all /srv/work found'
PYTHONPATH=. "$host_python" -m tests.device_root.compare "$root/srv/work"
say "done"
