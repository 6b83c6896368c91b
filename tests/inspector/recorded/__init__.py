"""Recorded interfaces of what this machine has not: clearly not the real thing."""
