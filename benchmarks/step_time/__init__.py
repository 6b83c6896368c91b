"""How many steps of other networks take as long as a run's retraining?"""
