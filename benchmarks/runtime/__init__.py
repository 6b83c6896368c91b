"""How fast is a network in each runtime and precision on this machine, and what does INT8 cost?"""
