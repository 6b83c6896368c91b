"""The shared core: data, pre- and post-processing, metrics, bundles and the command line; no torch."""

__version__ = "0.1.0"
