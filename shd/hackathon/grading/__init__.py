"""Grade notebooks: rebuilt from the master, run in a sandbox, checked in another process."""

from pathlib import Path

from shd.hackathon.grading.one import Options
from shd.hackathon.grading.pool import cluster, grade, here

__all__ = ["Options", "cluster", "grade", "here"]
