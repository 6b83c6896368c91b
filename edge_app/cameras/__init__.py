"""Cameras: one process each, the newest frame in shared memory, watched and started again."""
