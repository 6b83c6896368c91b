"""How far do two classical filters get on the built-in part?"""
