"""The JSON records of the REST interface, a file a noun."""
