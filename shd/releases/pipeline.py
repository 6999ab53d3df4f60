"""Fit, judge, and write a release or refuse it, with the fit kept where it is refused."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING

from shd._errors import ShdError
from shd.dataset import Dataset
from shd.releases.generate import Generated, Steps, generate
from shd.releases.refusals import check_kind, refuse_red
from shd.releases.release import Release, make_release

if TYPE_CHECKING:
    from shd.synthesizers import Synthesizer


def generate_release(
    folder: Path,
    data: Dataset,
    synthesizer: "Synthesizer",
    steps: Steps,
    *,
    raw: Path,
    checkpoint: Path | None = None,
    force: bool = False,
    force_red: bool = False,
    **how,
) -> tuple[Release, Generated]:
    """Do all of `generate` and `make_release`; where privacy is red, the report and the fit stay."""
    check_kind(how.get("kind"), force_red)
    with kept_fit(synthesizer, checkpoint) as kept:
        made = generate(data, synthesizer, checkpoint=kept, steps=steps, **how)
        steps("write", str(folder))
        if made.report.verdicts.get("privacy") == "red" and not force_red:
            refuse_red(made.report, folder, kept)
    return make_release(folder, **vars(made), raw=raw, force=force, force_red=force_red), made


@contextmanager
def kept_fit(synthesizer: "Synthesizer", checkpoint: Path | None) -> Iterator[Path | None]:
    """Give a file to keep the fit in, where the family can: a release that is refused shall not cost another one.

    Where nobody named one it lies in a temporary folder, which stays only where an `ShdError` ends the work.
    """
    if checkpoint is not None or "checkpoint" not in signature(synthesizer.fit).parameters:
        yield checkpoint
        return
    folder = Path(tempfile.mkdtemp(prefix="shd-fit-"))
    try:
        yield folder / "fit.ckpt"
    except ShdError:
        if not any(folder.iterdir()):
            folder.rmdir()
        raise
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
