"""Predicts milliseconds from a list of layers and a device profile."""

from inspector.latency.device_profile import DeviceProfile, open_profile, shipped_names, write_profile
from inspector.latency.predict import LayerTime, Prediction, predict

__all__ = [
    "DeviceProfile",
    "LayerTime",
    "Prediction",
    "open_profile",
    "predict",
    "shipped_names",
    "write_profile",
]
