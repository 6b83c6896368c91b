"""A server that is killed again and again while photos come in."""
