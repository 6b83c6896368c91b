"""Labels: noise made on purpose, and wrong ones found."""
