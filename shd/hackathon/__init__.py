"""Challenges: folders that teams fork, submissions, scores on hidden people, and notebooks that are graded.

>>> from shd.hackathon import Exercise, number  # what a file of exercises needs
"""

from shd.hackathon.exercise import Exercise
from shd.hackathon.kinds import array, flags, number, several, table, word, words

__all__ = ["Exercise", "array", "flags", "number", "several", "table", "word", "words"]
