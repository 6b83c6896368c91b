#!/usr/bin/env bash
# Runs the device's software on the user space of a Jetson, and compares its answers with this machine's.
#
#   tests/device_root/run.sh arm64  [BUNDLE]   Debian 11 for arm64 under qemu: Python 3.9, glibc 2.31
#   tests/device_root/run.sh bionic [BUNDLE]   Ubuntu 18.04 for this processor: Python 3.8.0, glibc 2.27, as on JetPack 4
#
# Pinned packages with their sums, then every step of on_device.py. Without BUNDLE: the shipped one, or a tiny one.
# Needs root and the internet. The root file system is kept in $DEVICE_ROOT (default /tmp/visual-inspector-KIND).
set -euo pipefail
cd "$(dirname "$0")/../.."

kind="${1:?which user space: arm64 or bionic}"
bundle="${2:-}"
root="${DEVICE_ROOT:-/tmp/visual-inspector-$kind}"
host_python="${HOST_PYTHON:-.venv/bin/python}"
started=$SECONDS

case "$kind" in
    arm64) suite=bullseye arch=arm64 mirror=http://deb.debian.org/debian python=python3 needed="debootstrap qemu-aarch64-static" ;;
    bionic) suite=bionic arch=amd64 mirror=http://archive.ubuntu.com/ubuntu python=python3.8 needed=debootstrap ;;
    *) echo "error: $kind is not arm64 or bionic" >&2 && exit 2 ;;
esac

say() { printf '%5d s  %s\n' $((SECONDS - started)) "$1"; }

# inside COMMAND...: run in the root file system; the mounts end with the command
inside() {
    # shellcheck disable=SC2016
    unshare --mount --propagation private sh -c '
        root="$1"; shift
        mount -t proc proc "$root/proc" && mount --rbind /sys "$root/sys" && mount --rbind /dev "$root/dev" \
            && mount -t tmpfs tmpfs "$root/tmp"
        exec chroot "$root" env -i PATH=/opt/inspector/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
            OMP_NUM_THREADS=1 DEBIAN_FRONTEND=noninteractive PIP_CERT=/srv/ca.crt PIP_DISABLE_PIP_VERSION_CHECK=1 \
            PIP_INDEX_URL=https://pypi.org/simple "$@"
    ' sh "$root" "$@"
}

need_programs() {
    [ "$(id -u)" -eq 0 ] || { echo "error: this makes a root file system, which only root can" >&2 && exit 2; }
    for program in $needed; do
        command -v "$program" >/dev/null || {
            echo "error: $program is missing; apt-get install debootstrap qemu-user-static binfmt-support" >&2
            exit 2
        }
    done
}

emulate() {
    [ "$arch" = arm64 ] && [ "$(uname -m)" != aarch64 ] || return 0
    [ -e /proc/sys/fs/binfmt_misc/register ] || mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
    [ -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ] || update-binfmts --enable qemu-aarch64
}

make_root() {
    [ -e "$root/.made" ] && return
    say "making $root ($suite, $arch)"
    mkdir -p "$root"
    debootstrap --arch="$arch" --variant=minbase --include=ca-certificates,libgomp1 "$suite" "$root" "$mirror" >"$root.log" 2>&1
    if [ "$kind" = bionic ]; then # Python 3.8 is in `updates`
        for part in bionic bionic-updates bionic-security; do echo "deb $mirror $part main universe"; done \
            >"$root/etc/apt/sources.list"
    fi
    touch "$root/.made"
}

install_python() {
    [ -x "$root/opt/inspector/bin/pip" ] && return
    say "installing Python"
    inside apt-get update -qq
    inside apt-get install -y -qq --no-install-recommends "$python" "$python-venv" python3-distutils libgomp1 >>"$root.log" 2>&1
    inside "$python" -m venv /opt/inspector
}

# The same commands as in Dockerfile.jetson.
install_pinned() {
    local files=(deploy/requirements-tools.txt edge_app/requirements-jetson.txt deploy/requirements-cpu-nano.txt)
    local sum
    sum=$(cat "${files[@]}" | sha256sum)
    [ "$(cat "$root/.pins" 2>/dev/null)" = "$sum" ] && return
    say "installing the pinned packages, each with its sum"
    cp "${files[@]}" "$root/srv/"
    for file in "${files[@]}"; do
        inside pip install --quiet --require-hashes --no-deps --only-binary :all: -r "/srv/${file##*/}"
    done
    echo "$sum" >"$root/.pins"
}

install_project() {
    say "installing the project"
    rm -rf "$root/srv/project" && mkdir -p "$root/srv/project"
    local parts=(pyproject.toml README.md inspector search export edge_app tests/device_root)
    [ -d models ] && parts+=(models)
    tar --create --exclude=__pycache__ "${parts[@]}" | tar --extract --directory "$root/srv/project"
    inside pip install --quiet --no-index --no-deps --no-build-isolation --force-reinstall /srv/project
}

compare_answers() {
    local work="$root/srv/work"
    rm -rf "$work" && mkdir -p "$work"
    PYTHONPATH=. "$host_python" -m tests.device_root.material "$work" ${bundle:+--bundle "$bundle"}
    PYTHONPATH=. "$host_python" -m tests.device_root.on_device answers "$work" expected
    say "the same on the device"
    inside sh -c 'cd /srv/project && exec python -m tests.device_root.on_device all /srv/work found'
    PYTHONPATH=. "$host_python" -m tests.device_root.compare "$work"
}

need_programs
emulate
make_root
cp /etc/ssl/certs/ca-certificates.crt "$root/srv/ca.crt"
cp /etc/resolv.conf "$root/etc/resolv.conf"
install_python
install_pinned
install_project
say "$(inside python -c 'import platform, sqlite3, numpy, cv2, onnxruntime as o; print(platform.machine(), "Python", platform.python_version(), *platform.libc_ver(), "SQLite", sqlite3.sqlite_version, "numpy", numpy.__version__, "OpenCV", cv2.__version__, "onnxruntime", o.__version__)')"
compare_answers
say "done"
