"""`inspector tune`: retrains a found network with hyperparameters chosen by ACE under constraints."""
