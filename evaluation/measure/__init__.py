"""Everything that starts processes, and the order in which they are started."""
