"""Time of a whole search step of NASB beside NASP's."""
