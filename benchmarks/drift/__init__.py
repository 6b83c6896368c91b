"""How long before the first wrong rejects the drift alarm comes, on the demo part."""
