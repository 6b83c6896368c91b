"""How well does a measured profile predict whole networks that it has not seen?"""
