"""Hackathons: challenges that work wherever they lie, what teams hand in, and how it is judged.

>>> from shd.hackathon import check, read_challenge, score, start
>>> start("diabetes_ml", "my-team")  # doctest: +SKIP
>>> check("my-team")  # doctest: +SKIP
"""
