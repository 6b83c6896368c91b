"""ENAS: a controller that samples cells, and one set of shared weights that tells how good each is."""
