"""Networks of others, trained and measured by the same loop."""
