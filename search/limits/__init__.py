"""Hard limits that are checked before anything is trained."""
