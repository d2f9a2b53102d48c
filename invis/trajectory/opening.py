"""From a path to checkpoints, whatever wrote them."""

from __future__ import annotations

from pathlib import Path

from invis.errors import InvisError
from invis.trajectory.checkpoints import FolderSource
from invis.trajectory.kept import SHIPPED
from invis.trajectory.recorded import RecordedSource
from invis.trajectory.source import Source


def open_trajectory(path: str | Path) -> Source:
    """The checkpoints at a path.

    Args:
        path: a recording by `Recorder`; the folder of `invis train --record`, or `record` in it; or
            a folder of safetensors files or of state dicts.

    Raises:
        InvisError: if there are no checkpoints.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise InvisError(
            f"path {str(path)!r} is no folder: give a folder of checkpoints, a gram.npz that is "
            f"there, or a run that ships, {' or '.join(SHIPPED)}."
        )
    if (folder / "zarr.json").is_file():
        return RecordedSource(folder)
    if (folder / "record").is_dir():
        return FolderSource(folder / "record")
    return FolderSource(folder)
