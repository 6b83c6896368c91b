"""What does a step of the supernet cost beside a plain network with the same operations?"""
