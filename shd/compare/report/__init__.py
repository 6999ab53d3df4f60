"""The report as a page: it reads a result, and measures nothing."""
