"""Score what a team handed in for the tracks besides the notebook; started by a grader, in a sandbox.

python -m shd.hackathon.grading.tracks SUBMISSION ORGANISER FILE LEVEL [HALF]
"""

import json
import sys
from pathlib import Path

from shd._errors import ShdError
from shd.hackathon.score import score


def main(submission: str, organiser: str, file: str, level: str, people: str | None = None) -> int:
    """Write the scores of a submission on the hidden people as JSON; what is wrong goes to standard error."""
    try:
        found = score(submission, organiser, level=level, people=people)
    except ShdError as error:
        print(error, file=sys.stderr)
        return 1
    Path(file).write_text(json.dumps(found.to_dict()["tracks"]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
