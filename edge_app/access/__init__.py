"""Who may reach what: keys, sessions, roles, rate limits, host and address checks."""
