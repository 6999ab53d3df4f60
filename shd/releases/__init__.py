"""Releases: generate, judge, write, verify and show them."""
