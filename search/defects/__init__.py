"""Synthetic defects: frame in, frame and mask out."""
