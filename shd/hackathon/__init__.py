"""Hackathons: challenges that work wherever they lie, what teams hand in, and how it is judged."""
