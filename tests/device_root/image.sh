#!/usr/bin/env bash
# Builds Dockerfile.jetson where there is neither Docker nor a Jetson, and runs the device's software in the image.
#
#   tests/device_root/image.sh [BUNDLE]      without one: the shipped bundle, else a tiny one
#
# buildah executes every instruction with Ubuntu 18.04 for this processor as the base: Python 3.8.0, glibc 2.27 and
# Ubuntu's packages are those of JetPack 4. NVIDIA's base image, its wheels (RUNTIME=cpu) and arm64 are left out.
# The server then runs as the compose file has it: another user, no write access but to its state and /tmp.
# Needs root and the internet; about 10 minutes. What was built is kept in $IMAGE_ROOT (default /tmp/visual-inspector-image).
set -euo pipefail
cd "$(dirname "$0")/../.."

bundle="${1:-}"
root="${IMAGE_ROOT:-/tmp/visual-inspector-image}"
host_python="${HOST_PYTHON:-.venv/bin/python}"
mirror=http://archive.ubuntu.com/ubuntu
certificates=/etc/ssl/certs/ca-certificates.crt
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=overlay

say() { printf '%5d s  %s\n' "$SECONDS" "$1"; }
build() { buildah --root "$root/storage" --runroot "$root/run" "$@"; }

[ "$(id -u)" -eq 0 ] || { echo "error: only root can make a root file system" >&2 && exit 2; }
for program in debootstrap buildah; do
    command -v "$program" >/dev/null || { echo "error: $program is missing; apt-get install $program" >&2 && exit 2; }
done

if ! build inspect --type image localhost/bionic >/dev/null 2>&1; then
    say "making the base, Ubuntu 18.04"
    rm -rf "$root/base"
    mkdir -p "$root/base"
    debootstrap --variant=minbase --include=ca-certificates bionic "$root/base" "$mirror" >"$root/base.log" 2>&1 \
        || { tail -n 5 "$root/base.log" >&2 && exit 1; }
    for part in bionic bionic-updates bionic-security; do echo "deb $mirror $part main universe"; done \
        >"$root/base/etc/apt/sources.list"
    container=$(build from scratch)
    build add --quiet "$container" "$root/base" / >/dev/null
    build config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
    build commit --quiet --rm "$container" localhost/bionic >/dev/null
    rm -rf "$root/base"
fi

say "building Dockerfile.jetson"
build bud --quiet --layers --file Dockerfile.jetson --build-arg BASE=localhost/bionic --build-arg RUNTIME=cpu \
    --volume "$certificates:/host-ca.crt:ro" --env PIP_CERT=/host-ca.crt --tag localhost/visual-inspector . \
    >"$root/build.log" 2>&1 || { tail -n 20 "$root/build.log" >&2 && exit 1; }

say "this machine's answers"
work="$root/work"
rm -rf "$work"
mkdir -p "$work/tests"
PYTHONPATH=. "$host_python" -m tests.device_root.material "$work" ${bundle:+--bundle "$bundle"}
PYTHONPATH=. "$host_python" -m tests.device_root.on_device answers "$work" expected
cp -r tests/device_root "$work/tests/"
chown -R 10001:10001 "$work"

say "the same in the image"
container=$(build from localhost/visual-inspector)
trap 'build rm "$container" >/dev/null' EXIT
image=$(build mount "$container")
# inside COMMAND...: as the compose file has it
# shellcheck disable=SC2016
unshare --mount --propagation private --pid --fork --mount-proc sh -c '
    image="$1"; work="$2"
    mount --bind "$image" "$image" && mount -t proc proc "$image/proc" && mount --rbind /dev "$image/dev"
    mount -t tmpfs -o mode=1777 tmpfs "$image/tmp" && mount --bind "$work" "$image/var/lib/visual-inspector"
    mount -o remount,bind,ro "$image"
    cd "$image" && exec setpriv --no-new-privs chroot --userspec=10001:10001 --groups=44 . \
        env -i PATH=/opt/inspector/bin:/usr/bin:/bin HOME=/var/lib/visual-inspector OMP_NUM_THREADS=1 \
        INSPECTOR_ENGINE_CACHE=/var/lib/visual-inspector/engines \
        sh /var/lib/visual-inspector/tests/device_root/in_image.sh
' sh "$image" "$work"
PYTHONPATH=. "$host_python" -m tests.device_root.compare "$work"
say "done"
