"""The one exception and the one warning that a user is meant to read."""


class ShdError(Exception):
    """Something the user can mend.

    The message is one line: what is wrong, where, and what to do about it. The command line
    prints it without a traceback.
    """


class ShdWarning(UserWarning):
    """Something the user should know, though the work goes on."""
