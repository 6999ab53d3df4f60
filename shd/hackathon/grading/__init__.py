"""Grade notebooks: rebuilt from the master, run in a sandbox, checked in another process."""
