"""How long does one Perlin defect take?"""
