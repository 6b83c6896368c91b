"""How old a camera's frame is when it is inspected."""
