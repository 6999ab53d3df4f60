"""Peak memory of this process, and of no other."""

import sys
from pathlib import Path


def peak_megabytes() -> float:
    """Return the most memory that this process has held, in MB.

    On Linux it is read from the kernel's table of this process: ``getrusage`` would hand down the
    peak of the process that started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024**2 if sys.platform == "darwin" else 1024)
