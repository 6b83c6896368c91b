"""Results on their way to other systems: a table is the queue, a thread a destination empties it."""
