"""Tables and figures of the dissertation, run again: published numbers beside measured ones."""
