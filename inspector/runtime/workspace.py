"""How much memory TensorRT may use while it tries kernels.

Source: facts/jetson.md, section 5: the default of 1 GiB exhausts a Nano, 256 MB do not.
"""

WORKSPACE_MB = 256
