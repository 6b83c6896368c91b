"""Consecutive model parallelism: one search step of a supernet over several devices."""
