"""How long does ACE take to be as good as the best of its rivals at the end of the budget?"""
