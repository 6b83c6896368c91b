"""Inspection and models: no web, no runtime names."""
