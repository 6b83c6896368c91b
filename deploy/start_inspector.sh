#!/usr/bin/env bash
# Looks a Jetson over, says in plain sentences what to do, then starts the server.
#
#   start_inspector.sh [BUNDLE] [OPTION of `inspector serve` ...]
#   start_inspector.sh --check      only look; status 1 when something has to be done
#
# Runs in the container, and on the host, where it sees more (desktop, power mode). No problem keeps the server
# from starting: slow answers are better than none. DEVICE_ROOT is another tree to look at, for tests.
set -u

ROOT="${DEVICE_ROOT:-}"
STATE="${INSPECTOR_STATE:-$HOME/.local/state/visual-inspector}"
MIN_SWAP_MB=4000 MIN_MEMORY_MB=1500 MIN_DISK_MB=2000
problems=0

fine() { echo "ok       $1" >&2; }

# problem WHAT WHAT_TO_DO
problem() {
    problems=$((problems + 1))
    printf 'PROBLEM  %s\n         %s\n' "$1" "$2" >&2
}

# megabytes KEY: a value of /proc/meminfo, which the container shares with the host
megabytes() { awk -v key="$1:" '$1 == key { print int($2 / 1024) }' "$ROOT/proc/meminfo"; }

# Sets l4t to 32 or 36, empty elsewhere.
check_release() {
    l4t=""
    local file="$ROOT/etc/nv_tegra_release" revision
    if [ ! -r "$file" ]; then
        problem "this does not look like a Jetson: there is no /etc/nv_tegra_release" \
            "On a Jetson, start the container by deploy/compose.nano.yaml or compose.orin.yaml, which mount it."
        return
    fi
    l4t=$(sed -n '1s/^# R\([0-9]*\).*/\1/p' "$file")
    revision=$(sed -n '1s/.*REVISION: \([0-9.]*\).*/\1/p' "$file")
    case "$l4t.$revision" in
        32.7.* | 36.*) fine "L4T $l4t.$revision" ;;
        *)
            problem "L4T $l4t.$revision is not supported" \
                "Flash JetPack 4.6.1 or later of JetPack 4 (L4T 32.7) on a Nano, JetPack 6 (L4T 36) on an Orin."
            ;;
    esac
}

# has_library NAME: a file with something in it; an incomplete mount leaves empty ones
has_library() {
    local folder
    for folder in usr/lib/aarch64-linux-gnu usr/lib/aarch64-linux-gnu/tegra usr/local/cuda/lib64 \
        usr/local/cuda/targets/aarch64-linux/lib; do
        if [ -s "$ROOT/$folder/$1" ]; then return 0; fi
    done
    return 1
}

check_libraries() {
    local names name missing=""
    case "$l4t" in
        32) names="libcuda.so.1 libcudart.so.10.2 libcudnn.so.8 libnvinfer.so.8" ;;
        36) names="libcuda.so.1 libcudart.so.12 libcudnn.so.9 libnvinfer.so.10" ;;
        *) return ;;
    esac
    for name in $names; do
        has_library "$name" || missing="$missing $name"
    done
    if [ -z "$missing" ]; then
        fine "CUDA, cuDNN and TensorRT are there"
    else
        problem "not found, or empty:$missing; the network would run on the CPU" \
            "Start the container with NVIDIA's runtime. On JetPack 4 keep JetPack's own nvidia-container-toolkit (1.7), \
or set NVIDIA_REQUIRE_JETPACK=csv-mounts=all: newer ones mount the drivers only."
    fi
}

check_memory() {
    local swap free
    swap=$(megabytes SwapTotal)
    free=$(megabytes MemAvailable)
    if grep -qs '^/dev/zram' "$ROOT/proc/swaps"; then
        problem "swap is on zram, which takes the memory that it saves" \
            "sudo systemctl disable --now nvzramconfig, then make a swap file of 4 GB."
    elif [ "$swap" -lt "$MIN_SWAP_MB" ]; then
        problem "$swap MB of swap; building a TensorRT engine needs $MIN_SWAP_MB MB or is killed" \
            "sudo fallocate -l 4G /swapfile && sudo chmod 600 /swapfile && sudo mkswap /swapfile && \
sudo swapon /swapfile, and a line '/swapfile none swap sw 0 0' in /etc/fstab."
    else
        fine "$swap MB of swap"
    fi
    if [ "$free" -lt "$MIN_MEMORY_MB" ]; then
        problem "$free MB of memory are free, $MIN_MEMORY_MB MB are needed" \
            "Stop other programs; the desktop takes up to 800 MB (see there)."
    else
        fine "$free MB of memory are free"
    fi
}

check_desktop() {
    command -v systemctl >/dev/null || return # the container cannot see it
    if [ "$(systemctl get-default)" = graphical.target ]; then
        problem "the desktop starts with the device and takes up to 800 MB of memory" \
            "sudo systemctl set-default multi-user.target, then restart."
    else
        fine "no desktop"
    fi
}

check_power() {
    local mode
    command -v nvpmodel >/dev/null || return
    mode=$(nvpmodel -q 2>/dev/null | sed -n 's/.*Power Mode: *//p')
    case "$mode" in
        MAXN*) fine "power mode $mode" ;;
        "") problem "nvpmodel does not tell the power mode" "Ask on the host: sudo nvpmodel -q" ;;
        *) problem "power mode $mode is not the fastest" "sudo nvpmodel -m 0, if the power supply gives 5 V, 4 A." ;;
    esac
}

check_disk() {
    local free
    if ! mkdir -p "$STATE" 2>/dev/null || [ ! -w "$STATE" ]; then
        problem "the state folder $STATE cannot be written by user $(id -u)" \
            "sudo chown -R $(id -u) on the folder or volume."
        return
    fi
    free=$(df -Pm "$STATE" | awk 'NR == 2 { print $4 }')
    if [ "$free" -lt "$MIN_DISK_MB" ]; then
        problem "$free MB of disk are free in $STATE, $MIN_DISK_MB MB are needed" \
            "Free some, or lower storage.max_gb in the settings."
    else
        fine "$free MB of disk are free in $STATE"
    fi
}

check_cameras() {
    local device found=""
    for device in "$ROOT"/dev/video*; do
        [ -e "$device" ] || continue
        if [ -r "$device" ] && [ -w "$device" ]; then
            found="$found ${device#"$ROOT"}"
        else
            problem "${device#"$ROOT"} is there, but user $(id -u) may not open it" \
                "Add the user to the group video; in compose: group_add."
        fi
    done
    if [ -S "$ROOT/tmp/argus_socket" ]; then found="$found, CSI cameras by nvargus-daemon"; fi
    if [ -n "$found" ]; then
        fine "cameras:${found#,}"
    else
        echo "note     no USB or CSI camera is visible here; network cameras and posted photos work without" >&2
    fi
}

check_release
check_libraries
check_memory
check_desktop
check_power
check_disk
check_cameras

if [ "${1:-}" = --check ]; then
    [ "$problems" -eq 0 ]
    exit
fi
exec inspector serve "$@"
