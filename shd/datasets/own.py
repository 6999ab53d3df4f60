"""A data set that shd does not know, as the challenge.toml of its folder describes it."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from shd._errors import ShdError
from shd._paths import told
from shd.dataset import DataCard, Dataset
from shd.datasets._pictures import read_pictures
from shd.tables.reading import read_table

SUBJECT = "subject"  # what the column of people is called in what ships


@dataclass(frozen=True)
class OwnData:
    """Gives what `load` asks of the module of a data set, from the folder of a challenge."""

    folder: Path

    @property
    def CARD(self) -> DataCard:  # noqa: N802 - as in the modules of data sets
        """What the data say about themselves."""
        said = told(self.folder)
        licence = said.get("licence", {})
        return DataCard(
            title=said.get("title", ""),
            description=said.get("data", {}).get("description", ""),
            licence=licence.get("name", "unknown"),
            licence_url=licence.get("url", ""),
            citation=licence.get("citation", ""),
        )

    def build(self, path: Path) -> Dataset:
        """Read the real records that teams may have."""
        return self.read(path, "real")

    def read(self, path: Path, source: str) -> Dataset:
        """Read a table or pictures of the challenge, with the roles that its challenge.toml gives the columns."""
        said = told(self.folder)
        roles, target = said.get("data", {}), said.get("target")
        frame, images = read_pictures(path) if path.suffix == ".zip" else (read_table(path), None)
        subjects = frame.pop(SUBJECT).to_numpy() if SUBJECT in frame else None
        if target not in frame:
            raise ShdError(f"{path}: lacks the target {target!r} that challenge.toml names. Write it again.")
        if images is not None:
            frame[target] = frame[target].astype(str).astype(pd.CategoricalDtype(roles.get("levels", [])))
            if frame[target].isna().any():
                raise ShdError(f"{path}: has classes that 'levels' in [data] of challenge.toml lacks. Add them.")
        return Dataset(
            frame,
            target=target,
            subjects=subjects,
            images=images,
            sensitive=roles.get("sensitive", ()),
            counts=roles.get("counts", ()),
            source=source,
            name=said["dataset"],
            card=self.CARD,
        )
