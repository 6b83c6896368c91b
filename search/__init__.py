"""Offline search on a workstation: networks, defects, training, AutoDD."""
