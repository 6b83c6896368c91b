"""The cell space that DARTS, ENAS, NASB and others search; no search method is part of it."""
