"""NASB, binary neural architecture search, and the methods that it is compared with, on one supernet."""
