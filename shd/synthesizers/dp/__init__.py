"""Differential privacy: noise and its book, cells, domains, the private network, and the audit of its promise."""
