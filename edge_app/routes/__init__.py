"""Decode, call, shape the answer."""
