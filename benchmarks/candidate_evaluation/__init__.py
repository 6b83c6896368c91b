"""How much faster is a generation of candidates evaluated together than one by one?"""
