"""Recording a training as it runs: one zarr group that survives a kill at any moment.

    /             attributes: format, names and shapes of the tensors
    /parameters   (T, P), one chunk a checkpoint, not compressed: noise can't be
    /steps        (T,), written last: a checkpoint counts once its step is there
    /metrics/loss (T,), and whatever else was given

A file of a zarr store appears whole or not at all, so the last checkpoint is there or it is not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import torch
import zarr
from torch import Tensor, nn

from invis.errors import InvisError
from invis.files.atomic import replacing
from invis.trajectory.recorded import FORMAT, TYPES, RecordedSource
from invis.trajectory.source import Layout

STEPS_CHUNK = 1024


class Recorder:
    """Records the parameters of a model while it is trained, by any training loop.

        recorder = Recorder(model, "run.zarr", every=10)
        for batch in batches:
            loss = train_on(batch)
            recorder.step(loss=loss)

    The state before the first step is recorded at once as step 0. A path that holds a recording of
    the same model is continued: pass `step=` if the training itself went back to an older state,
    and what was recorded from there on is replaced.

    With Lightning:

        class Record(lightning.Callback):
            def on_train_start(self, trainer, module):
                self.recorder = Recorder(module, "run.zarr", every=10)

            def on_train_batch_end(self, trainer, module, outputs, batch, index):
                self.recorder.step(trainer.global_step, loss=outputs["loss"].item())

    Args:
        model: a module, or tensors by name that the training changes in place.
        path: folder of the zarr group.
        every: record every so many steps; `log` for two a doubling; or the steps themselves.
        subset: record only parameters whose names match one of these patterns (`conv*`).
        dtype: of what is stored: float16, float32 or float64.

    Attributes:
        path: as given.
        last: the last step that was counted; of a recording that goes on, the last one recorded.

    Raises:
        InvisError: if an argument is wrong, or the path holds something else.
    """

    def __init__(
        self,
        model: nn.Module | Mapping[str, Tensor],
        path: str | Path,
        every: int | str | Collection[int] = 1,
        subset: str | Sequence[str] | None = None,
        dtype: str = "float32",
    ) -> None:
        if dtype not in TYPES:
            raise InvisError(f"dtype {dtype!r} is unknown: use {', '.join(TYPES)}.")
        self.path = Path(path)
        self._every = _checked_every(every)
        self._tensors = _chosen(model, subset)
        self._dtype = TYPES[dtype]
        shapes = tuple(tuple(tensor.shape) for tensor in self._tensors.values())
        layout = Layout(tuple(self._tensors), shapes)
        if self.path.is_file():
            raise InvisError(f"path {str(path)!r} is a file: give a folder for the recording.")
        if not self.path.exists() or not any(self.path.iterdir()):
            _create(self.path, layout, dtype)
        found = RecordedSource(self.path)
        if found.layout != layout or found.dtype != self._dtype:
            raise InvisError(
                f"path {str(path)!r} holds the recording of another model, subset or dtype: "
                "choose another path."
            )
        self._group: Any = zarr.open_group(self.path, mode="r+")
        self._steps = found.steps.tolist()
        self.last = self._steps[-1] if self._steps else 0
        if not self._steps:
            self._record(0, {})

    def step(self, step: int | None = None, **metrics: float) -> bool:
        """Tell that the optimiser has taken a step; records the state if this step is wanted.

        Args:
            step: its number, counted from 1; one more than the last if left out.
            metrics: numbers to keep with it, such as loss=0.3.

        Returns:
            Whether the state was recorded.
        """
        self.last = self.last + 1 if step is None else int(step)
        if not self._wanted(self.last):
            return False
        self._record(self.last, metrics)
        return True

    def source(self) -> RecordedSource:
        """What has been recorded so far, for `gram`, which continues where it was."""
        return RecordedSource(self.path)

    def _wanted(self, step: int) -> bool:
        if isinstance(self._every, int):
            return step % self._every == 0
        if isinstance(self._every, str):
            # Two a doubling: 1, 2, 3, 4, 6, 8, 11, 16, ...
            return step == 0 or step == round(2 ** (round(2 * np.log2(step)) / 2))
        return step in self._every

    def _record(self, step: int, metrics: Mapping[str, float]) -> None:
        if self._steps and step <= self._steps[-1]:
            self._forget(step)
        row = len(self._steps)
        parts = [t.detach().reshape(-1).to("cpu", self._dtype) for t in self._tensors.values()]
        # zarr leaves out chunks of zeros, which would look like a checkpoint that got lost.
        with zarr.config.set({"array.write_empty_chunks": True}):
            parameters = self._group["parameters"]
            parameters.resize((row + 1, parameters.shape[1]))
            parameters[row] = torch.cat(parts).numpy()
        for name, value in metrics.items():
            self._metric(name, row)[row] = float(value)
        steps = self._group["steps"]
        steps.resize((row + 1,))
        steps[row] = step
        self._steps.append(step)

    def _metric(self, name: str, row: int) -> Any:
        key = f"metrics/{name}"
        if key not in self._group:
            self._group.create_array(
                key, shape=(0,), chunks=(STEPS_CHUNK,), dtype="float64", fill_value=float("nan")
            )
        values = self._group[key]
        values.resize((row + 1,))
        return values

    def _forget(self, step: int) -> None:
        """Drop what was recorded at `step` and later: the training went back behind it."""
        keep = sum(known < step for known in self._steps)
        self._group["steps"][keep:] = -1
        for array in self._group["metrics"].array_values():
            array[keep:] = np.nan
        self._steps = self._steps[:keep]


def _create(path: Path, layout: Layout, dtype: str) -> None:
    """Make an empty recording, whole or not at all."""
    if not layout.parameters:
        raise InvisError("model has no parameters to record.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part:
            group = zarr.open_group(part, mode="w")
            group.create_array(
                "parameters",
                shape=(0, layout.parameters),
                chunks=(1, layout.parameters),
                dtype=dtype,
                compressors=None,
                fill_value=0,
                dimension_names=("checkpoint", "parameter"),
            )
            group.create_array(
                "steps",
                shape=(0,),
                chunks=(STEPS_CHUNK,),
                dtype="int64",
                fill_value=-1,
                dimension_names=("checkpoint",),
            )
            group.create_group("metrics")
            group.attrs.update(
                {
                    "format": FORMAT,
                    "names": layout.names,
                    "shapes": [list(s) for s in layout.shapes],
                }
            )
    except OSError as error:
        raise InvisError(f"path {str(path)!r} can't be written: {error.strerror}.") from error


def _chosen(
    model: nn.Module | Mapping[str, Tensor], subset: str | Sequence[str] | None
) -> dict[str, Tensor]:
    named: dict[str, Tensor] = dict(
        model.named_parameters() if isinstance(model, nn.Module) else model
    )
    if subset is None:
        return named
    patterns = [subset] if isinstance(subset, str) else list(subset)
    found = {n: p for n, p in named.items() if any(fnmatchcase(n, one) for one in patterns)}
    if not found:
        raise InvisError(
            f"subset {subset!r} matches no parameter; there are {', '.join(list(named)[:8])}, ..."
        )
    return found


def _checked_every(every: int | str | Collection[int]) -> int | str | frozenset[int]:
    if every == "log":
        return "log"
    if isinstance(every, int) and every >= 1:
        return every
    if isinstance(every, Collection) and not isinstance(every, str):
        return frozenset(every)
    raise InvisError(f"every is {every!r}: give a number from 1, 'log', or the steps themselves.")
