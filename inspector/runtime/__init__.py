"""Runner: a bundle that answers."""
