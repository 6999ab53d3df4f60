"""What a user is meant to read: two errors and one warning."""


class ShdError(Exception):
    """Something the user can mend.

    The message is one line: what is wrong, where, and what to do about it. The command line
    prints it without a traceback and ends with `exit_code`: 2, something impossible was asked for.
    """

    exit_code = 2


class ShdWorkError(ShdError):
    """What was asked for is possible, but the network, the disk or a damaged file let it down.

    The command line ends with 1: the same command may work another time.
    """

    exit_code = 1


class ShdWarning(UserWarning):
    """Something the user should know, though the work goes on."""


def first_line(error: Exception) -> str:
    """Return what an error of another package says, on one line; its name where it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0]
