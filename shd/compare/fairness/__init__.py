"""Fairness: is it so for every group of people."""
