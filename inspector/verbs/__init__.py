"""The verbs of the command line that need the core alone."""
