"""Prometheus metrics: what is counted as it happens, and what is measured when somebody asks."""
