"""A trained network becomes files for a device."""
