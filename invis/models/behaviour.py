"""What an operation does to space, found by trying it on noise of its own shape.

Code has countless ways to pad, to crop, to normalise over channels. What they have in common shows
in what they do: whoever acts on each position by itself gives the same on a crop, and whoever
moves, repeats or interpolates positions tells by a ramp where each one comes from. A guess counts
only if it reproduces the operation on noise.
"""

import warnings
from collections.abc import Callable
from itertools import permutations
from typing import Any

import torch
from torch import Tensor

from invis.models.axes import follow
from invis.models.geometry import Span, Taps
from invis.models.ops import Alone, Axes, Op, Opaque, Resample

Run = Callable[[Tensor], Any]

# Ramps begin here, far from whatever a padding may hold.
START = 2.0**20
FAILURES = (RuntimeError, TypeError, ValueError, IndexError, AssertionError)


@torch.no_grad()
def behaviour(run: Run, shape: tuple[int, ...], axes: Axes, like: Tensor) -> tuple[Op, Axes] | None:
    """What an operation of one input does to rows and columns; None where no guess is right.

    Whoever only keeps rows and columns in their order stays opaque, but its output is a map.

    Args:
        run: the operation.
        shape: of its input, for one image.
        axes: rows and columns of its input.
        like: a tensor of the device and precision that it computes in.
    """
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(shape, generator=draw).to(like)
    try:
        out = run(x.clone())
    except FAILURES:
        return None
    for guess in (_alone, _resampled, _followed):
        try:
            # What an operation says of numbers that only a guess gives it is nobody's concern.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = guess(run, x, out, axes)
        except FAILURES:  # a crop may be too small for the operation, a ramp too large
            continue
        if found is not None:
            return found
    return None


def _parts(out: Any) -> list[Tensor]:
    parts = list(out) if isinstance(out, tuple | list) else [out]
    return parts if parts and all(isinstance(part, Tensor) for part in parts) else []


def _alone(run: Run, x: Tensor, out: Any, axes: Axes) -> tuple[Op, Axes] | None:
    """Whether crops of the input give crops of the output."""
    parts = _parts(out)
    height, width = (x.shape[axis] for axis in axes)
    if not parts or height < 3 or width < 3:
        return None
    rank = parts[0].ndim
    guesses = [axes, *(pair for pair in permutations(range(rank), 2) if pair != axes)]
    guesses = [
        pair for pair in guesses
        if max(pair) < rank and all((p.shape[pair[0]], p.shape[pair[1]]) == (height, width)
                                    for p in parts if p.ndim == rank)
    ]  # fmt: skip
    if not guesses or any(part.ndim != rank for part in parts):
        return None
    windows = [
        ((1, height // 2 + 1), (0, max(width // 3, 1))),
        ((height // 2, height // 2 + 1), (width // 2, width // 2 + 1)),
    ]
    for window in windows:
        cropped = _parts(run(_crop(x, axes, window).clone()))
        guesses = [
            pair for pair in guesses
            if all(_equal(a, _crop(b, pair, window)) for a, b in zip(cropped, parts, strict=True))
        ]  # fmt: skip
    return (Alone(), guesses[0]) if guesses else None


def _crop(x: Tensor, axes: Axes, window: tuple[Span, Span]) -> Tensor:
    for axis, (start, stop) in zip(axes, window, strict=True):
        x = x.narrow(axis, start, stop - start)
    return x


def _equal(a: Tensor, b: Tensor) -> bool:
    if a.shape != b.shape:
        return False
    if not a.is_floating_point():
        return torch.equal(a, b)
    size = max(float(b.abs().max()), 1e-30) if b.numel() else 1.0
    eps = torch.finfo(a.dtype).eps
    return bool(((a - b).abs() <= 100 * eps * size).all()) and bool((a.isnan() == b.isnan()).all())


def _resampled(run: Run, x: Tensor, out: Any, axes: Axes) -> tuple[Op, Axes] | None:
    """Where a ramp says that rows and columns come from, if noise agrees."""
    others = [axis for axis in range(x.ndim) if axis not in axes]
    if not isinstance(out, Tensor) or out.ndim != x.ndim:
        return None
    if any(out.shape[axis] != x.shape[axis] for axis in others):
        return None
    x = x.double()
    fill, found = 0.0, []
    for axis in axes:
        length = x.shape[axis]
        ramp = torch.arange(length, dtype=torch.float64, device=x.device)
        ramp = ramp.view([-1 if k == axis else 1 for k in range(x.ndim)]).expand(x.shape)
        places = run(ramp + START)
        across = [k for k in range(x.ndim) if k != axis]
        inside = places > START / 2
        if not inside.all():
            fill = float(places[~inside].flatten()[0])
        # Without START, which would round the shares.
        along = torch.where(inside, run(ramp.clone()), -1.0).amax(across)
        if not along.isfinite().all():
            return None
        found.append(_taps(along.tolist(), length))
    rows, cols = found
    op = Resample(rows, cols, fill)
    expected = x
    for axis, taps in zip(axes, found, strict=True):
        expected = mix(expected, axis, taps, fill)
    return (op, axes) if _near(run(x.clone()), expected) else None


def _followed(run: Run, x: Tensor, out: Any, axes: Axes) -> tuple[Op, Axes] | None:
    """Where rows and columns have gone, though no window can be told."""
    if not isinstance(out, Tensor) or out.ndim != x.ndim or not out.is_floating_point():
        return None
    other = torch.randn(x.shape, generator=torch.Generator().manual_seed(1)).to(x)
    rows, cols = follow(lambda one: run(one.clone()), x, other, axes)
    if rows is None or cols is None or rows == cols:
        return None
    return Opaque(), (rows, cols)


def _near(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and bool(((a - b).abs() <= 1e-6 * b.abs().max()).all())


def _taps(places: list[float], length: int) -> Taps:
    first, second, share = [], [], []
    for place in places:
        if place < -0.5:
            first.append(-1)
            second.append(-1)
            share.append(0.0)
            continue
        low = min(int(place + 1e-6), length - 1)
        part = place - low
        mixed = part > 1e-6 and low + 1 < length
        first.append(low)
        second.append(low + 1 if mixed else low)
        share.append(part if mixed else 0.0)
    return Taps(tuple(first), tuple(second), tuple(share))


def mix(x: Tensor, axis: int, taps: Taps, fill: float) -> Tensor:
    """A tensor resampled along one axis."""
    first, second = (torch.tensor(t, device=x.device) for t in (taps.first, taps.second))
    share = torch.tensor(taps.share, dtype=x.dtype, device=x.device)
    shape = [-1 if k == axis else 1 for k in range(x.ndim)]
    near, far = (x.index_select(axis, t.clamp_min(0)) for t in (first, second))
    out = near + share.view(shape) * (far - near)
    return torch.where((first < 0).view(shape), fill, out)
