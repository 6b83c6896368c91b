"""How do finished runs compare on the same real defects?"""
