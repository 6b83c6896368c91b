#!/bin/sh
# What image.sh runs in the image, as the server's own user.
set -eu
cd "$HOME"
for folder in / /opt/inspector /etc /usr; do
    if touch "$folder/x" 2>/dev/null; then echo "error: the image can be written: $folder" >&2 && exit 1; fi
done
python -c 'import platform, sqlite3, numpy, cv2, onnxruntime
print(platform.machine(), "Python", platform.python_version(), *platform.libc_ver(), "SQLite", sqlite3.sqlite_version,
    "numpy", numpy.__version__, "OpenCV", cv2.__version__, "onnxruntime", onnxruntime.__version__)'
python -c 'from inspector.shipped import shipped_bundle
assert shipped_bundle() is not None, "the shipped model is not in the image"'
gst-launch-1.0 -q videotestsrc num-buffers=2 ! fakesink
start-inspector --check || true # this is no Jetson
exec python -m tests.device_root.on_device all . found
