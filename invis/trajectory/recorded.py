"""Reading what a Recorder wrote, also while it is still writing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import zarr
from numpy.typing import NDArray
from torch import Tensor

from invis.errors import InvisError
from invis.trajectory.checkpoints import DamagedError, read_into
from invis.trajectory.source import Layout

FORMAT = "invis-trajectory-1"
TYPES = {"float16": torch.float16, "float32": torch.float32, "float64": torch.float64}


class RecordedSource:
    """What a Recorder wrote, also while it is still writing.

    Attributes:
        name, steps, layout, dtype: as for `Source`.
        metrics: (T,) by name; NaN where a step had none.

    Raises:
        InvisError: if the path holds no recording.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self.name = str(path)
        try:
            group: Any = zarr.open_group(self._path, mode="r")
            attributes = dict(group.attrs)
            if attributes.get("format") != FORMAT:
                raise KeyError("format")
            self.layout = Layout(
                tuple(attributes["names"]), tuple(tuple(s) for s in attributes["shapes"])
            )
            self.dtype = TYPES[str(group["parameters"].dtype)]
            written = np.asarray(group["steps"][:], dtype=np.int64)
        except (OSError, KeyError, ValueError, TypeError) as error:
            raise InvisError(
                f"path {str(path)!r} holds no recording: give one that a Recorder wrote."
            ) from error
        count = int(np.argmax(written < 0)) if (written < 0).any() else len(written)
        self.steps: NDArray[np.int64] = written[:count]
        self.metrics = {
            name: _padded(np.asarray(array[:count]), count)
            for name, array in group["metrics"].arrays()
        }

    def read(self, rows: Sequence[int], start: int, stop: int) -> Tensor:
        """As `Source.read`; raises InvisError where a checkpoint is missing or cut off."""
        out = torch.empty((len(rows), stop - start), dtype=self.dtype)
        for k, row in enumerate(rows):
            # Not through zarr, which reads a chunk whole: one chunk is one checkpoint.
            path = self._path / "parameters" / "c" / str(row) / "0"
            try:
                with path.open("rb", buffering=0) as file:
                    read_into(file, start * self.dtype.itemsize, out[k])
            except (OSError, DamagedError) as error:
                raise InvisError(
                    f"{self.name!r} is damaged: the checkpoint of step {self.steps[row]} is "
                    "missing or cut off."
                ) from error
        return out


def _padded(values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """A metric that was not given to the last checkpoints is shorter than they are."""
    out = np.full(count, np.nan)
    out[: len(values)] = values
    return out
