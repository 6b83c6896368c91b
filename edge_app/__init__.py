"""The server on the device."""
