"""How long does a page of the history take with a million stored results?"""
