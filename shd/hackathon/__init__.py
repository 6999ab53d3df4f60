"""Challenges as folders: handed out, checked, scored and graded."""
