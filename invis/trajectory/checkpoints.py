"""Folders of checkpoints, one file each: safetensors, or state dicts that torch saved."""

from __future__ import annotations

import json
import math
import re
import struct
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from invis.errors import InvisError
from invis.trajectory.source import BUFFERS, Layout, checked_steps

TORCH = (".pt", ".pth", ".th", ".pth.tar", ".bin", ".ckpt")
TYPES = {"F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32, "F64": torch.float64}
LARGEST_HEADER = 100 * 2**20
# Where trainers keep the parameters among other things, and the step.
STATES = ("state_dict", "model_state_dict", "model", "net", "module")
PARALLEL = "module."
COUNTERS = ("global_step", "step", "iteration", "epoch")


class DamagedError(Exception):
    """A file that was cut off, or is something else; what is readable beside it still counts."""


class File(Protocol):
    """One checkpoint.

    Attributes:
        path: its file.
        step: the optimiser step it was taken at, if the file says so.
        tensors: name -> (dtype, shape) of every floating-point tensor.
    """

    path: Path
    step: int | None
    tensors: dict[str, tuple[torch.dtype, tuple[int, ...]]]

    def fill(self, out: Tensor, layout: Layout, start: int, stop: int) -> None:
        """Write parameters start..stop into `out` (stop - start,)."""


class SafetensorsFile:
    """A safetensors file, read by seeking: mapping whole files would fill the memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tensors = {}
        self._begin = {}
        try:
            with path.open("rb") as file:
                (length,) = struct.unpack("<Q", file.read(8))
                if length > LARGEST_HEADER:
                    raise ValueError("header too long")
                header = json.loads(file.read(length))
            metadata = header.pop("__metadata__", {})
            end = 0
            for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
                first, end = entry["data_offsets"]
                shape = tuple(entry["shape"])
                if entry["dtype"] in TYPES:
                    dtype = TYPES[entry["dtype"]]
                    if first < 0 or end - first != math.prod(shape) * dtype.itemsize:
                        raise ValueError("sizes disagree")
                    self.tensors[name] = (dtype, shape)
                    self._begin[name] = 8 + length + first
            if path.stat().st_size < 8 + length + end:
                raise ValueError("cut off")
        except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
            raise DamagedError(str(error)) from error
        step = metadata.get("step", "")
        self.step = int(step) if str(step).isdecimal() else None

    def fill(self, out: Tensor, layout: Layout, start: int, stop: int) -> None:
        """As `File.fill`."""
        with self.path.open("rb", buffering=0) as file:
            for tensor, first, end in layout.tensors(start, stop):
                name = layout.names[tensor]
                dtype = self.tensors[name][0]
                part = out[first - start : end - start]
                here = part if dtype == out.dtype else torch.empty(end - first, dtype=dtype)
                inside = (first - int(layout.starts[tensor])) * dtype.itemsize
                read_into(file, self._begin[name] + inside, here)
                if here is not part:
                    part.copy_(here)


def read_into(file: Any, offset: int, out: Tensor) -> None:
    """Fill a contiguous tensor from an unbuffered file; raises DamagedError where the file ends."""
    view = memoryview(out.view(torch.uint8).numpy().data)
    file.seek(offset)
    while len(view):
        count = file.readinto(view)
        if not count:
            raise DamagedError("cut off")
        view = view[count:]


class TorchFile:
    """A state dict that torch saved, loaded without running anything in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        state, found = self._load()
        self.tensors = {
            name: (value.dtype, tuple(value.shape))
            for name, value in state.items()
            if value.is_floating_point()
        }
        self.step = found

    def _load(self) -> tuple[dict[str, Tensor], int | None]:
        try:
            try:
                found = torch.load(self.path, map_location="cpu", weights_only=True, mmap=True)
            except RuntimeError:  # files older than torch 1.6 can't be mapped
                found = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception as error:  # torch.load fails in many ways
            raise DamagedError(
                str(error).splitlines()[0] if str(error) else "unreadable"
            ) from error
        step = None
        if isinstance(found, Mapping):
            counters = (found.get(key) for key in COUNTERS)
            step = next((c for c in counters if isinstance(c, int)), None)
        return _state(found), step

    def fill(self, out: Tensor, layout: Layout, start: int, stop: int) -> None:
        """As `File.fill`; the file is mapped anew, so that its pages don't pile up in memory."""
        state, _ = self._load()
        for tensor, first, end in layout.tensors(start, stop):
            begin = int(layout.starts[tensor])
            flat = state[layout.names[tensor]].detach().reshape(-1)
            out[first - start : end - start] = flat[first - begin : end - begin]


def _state(found: Any) -> dict[str, Tensor]:
    """The tensors by name inside what a trainer saved."""
    if isinstance(found, Mapping):
        tensors = {str(k): v for k, v in found.items() if isinstance(v, Tensor)}
        if tensors:
            # What torch's data parallelism puts in front of every name.
            if all(name.startswith(PARALLEL) for name in tensors):
                return {name.removeprefix(PARALLEL): value for name, value in tensors.items()}
            return tensors
        for key in STATES:
            if isinstance(found.get(key), Mapping):
                return _state(found[key])
    raise DamagedError("no tensors by name in it")


class FolderSource:
    """Checkpoints in a folder, one file each, in the order of their steps.

    The step is what the file says, or else the last number in its name. Files that are damaged, as
    the last one of a killed training may be, are named in a warning and left out. What batch norm
    gathers is left out as well.

    Attributes:
        name, steps, layout, dtype: as for `Source`.
        files: of the checkpoints.

    Raises:
        InvisError: if there are no checkpoints, or they don't belong together.
    """

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        names = sorted(path for path in folder.iterdir() if path.is_file())
        safe = [path for path in names if path.suffix == ".safetensors"]
        pickled = [path for path in names if path.name.endswith(TORCH)]
        make: Callable[[Path], File] = SafetensorsFile if safe else TorchFile
        files = _readable(make, safe or pickled)
        if not files:
            raise InvisError(
                f"path {str(folder)!r} holds no readable checkpoints: give a folder of "
                f"*.safetensors or {', '.join('*' + suffix for suffix in TORCH)}."
            )
        self.files = sorted(files, key=_step)
        self.steps = checked_steps([_step(file) for file in self.files])
        self.layout = _layout(self.files)
        types = [self.files[0].tensors[name][0] for name in self.layout.names]
        self.dtype = max(types, key=lambda dtype: (dtype.itemsize, str(dtype)))

    def read(self, rows: Sequence[int], start: int, stop: int) -> Tensor:
        """As `Source.read`; raises InvisError where a file has become unreadable."""
        out = torch.empty((len(rows), stop - start), dtype=self.dtype)
        for k, row in enumerate(rows):
            file = self.files[row]
            try:
                file.fill(out[k], self.layout, start, stop)
            except (OSError, DamagedError, KeyError, RuntimeError) as error:
                raise InvisError(f"{str(file.path)!r} became unreadable: {error}.") from error
        return out


def _readable(make: Callable[[Path], File], paths: Sequence[Path]) -> list[File]:
    files = []
    for path in paths:
        try:
            file = make(path)
        except DamagedError as error:
            warnings.warn(f"{path} is left out: {error}.", stacklevel=4)
            continue
        if file.step is None and not re.search(r"\d", path.stem):
            warnings.warn(f"{path} is left out: nothing says its step.", stacklevel=4)
            continue
        files.append(file)
    return files


def _step(file: File) -> int:
    return file.step if file.step is not None else int(re.findall(r"\d+", file.path.stem)[-1])


def _layout(files: Sequence[File]) -> Layout:
    """That of the first file; raises InvisError where another differs."""

    def wanted(file: File) -> dict[str, tuple[int, ...]]:
        return {
            name: shape
            for name, (_, shape) in file.tensors.items()
            if name.rpartition(".")[2] not in BUFFERS
        }

    first = wanted(files[0])
    for file in files[1:]:
        other = wanted(file)
        odd = next((n for n in {**first, **other} if first.get(n) != other.get(n)), None)
        if odd is not None:
            raise InvisError(
                f"{str(file.path)!r} and {str(files[0].path)!r} are not of one model: {odd} has "
                f"shape {other.get(odd)} here and {first.get(odd)} there."
            )
    return Layout(tuple(first), tuple(first.values()))
