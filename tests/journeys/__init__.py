"""One file per reader: the commands as a reader runs them, from a clean clone."""
