"""Memory of one architecture step of every search method on one supernet."""
