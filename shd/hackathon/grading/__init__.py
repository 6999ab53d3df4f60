"""Grade notebooks: rebuilt from the master, run in a sandbox, checked in another process."""

from shd.hackathon.grading.kit import Kit
from shd.hackathon.grading.one import Options
from shd.hackathon.grading.pool import cluster, grade, here

__all__ = ["Kit", "Options", "cluster", "grade", "here"]
