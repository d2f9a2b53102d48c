"""Measured fields: which pixels of the image a value depends on, found by flooding them.

Fill the rows above t with NaN and ask whether the value is still finite: bisection finds the first
row that the value reads, and likewise from the other three sides. NaN outlives every sum, product,
maximum and normalisation, whatever the network's code looks like. What swallows it (comparisons,
`nan_to_num`) is found by a second flood, of large finite values that must not change the value.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Run = Callable[[Tensor], Tensor]
"""Images (B, C, H, W) -> the values (B, K) at one position."""

Edges = tuple[int, int, int, int]
"""Top, left, bottom, right of a window."""

FLOODS = (1.0, 30.0, 1000.0)
# Values differ by this share of their size where a flood is seen, and not by rounding.
SEEN = 1e-3


@torch.no_grad()
def measure_window(run: Run, shape: tuple[int, int, int], like: Tensor) -> Edges | None:
    """The smallest window that holds every pixel that a value depends on.

    Args:
        run: the value; called on batches of 4 images, about log2 of the image's side times.
        shape: (C, H, W) of the image.
        like: a tensor of the device and precision to measure in.

    Returns:
        The window; None where the value is not finite, or depends on no pixel.
    """
    flood = _Flood(run, shape, like)
    if not flood.base.isfinite().all():
        return None
    window = _bisect(flood.poisons, shape)
    if window is not None and flood.leaks(window):
        # Something swallowed the NaN.
        window = None
    if window is None:
        window = _bisect(flood.moves, shape)
        if window is not None and flood.leaks(window):
            window = 0, 0, *shape[1:]
    return window


class _Flood:
    """One image, flooded from its sides in several ways."""

    def __init__(self, run: Run, shape: tuple[int, int, int], like: Tensor) -> None:
        self.run = run
        self._draw = torch.Generator().manual_seed(0)
        self.image = self._noise(shape).to(like)
        self.base = run(self.image[None])[0]

    def _noise(self, shape: tuple[int, ...]) -> Tensor:
        return torch.randn(shape, generator=self._draw)

    def poisons(self, windows: list[Edges]) -> list[bool]:
        """Whether NaN outside each window reaches the value."""
        images = torch.stack([self._outside(window, torch.nan) for window in windows])
        return (~self.run(images).isfinite()).any(1).tolist()

    def moves(self, windows: list[Edges]) -> list[bool]:
        """Whether NaN or large values outside each window reach the value."""
        found = self.poisons(windows)
        for scale in FLOODS:
            images = [self._outside(one, scale * self._noise(self.image.shape)) for one in windows]
            changed = self._changed(self.run(torch.stack(images)))
            found = [a or b for a, b in zip(found, changed, strict=True)]
        return found

    def leaks(self, window: Edges) -> bool:
        """Whether large values outside a window reach the value."""
        images = [self._outside(window, scale * self._noise(self.image.shape)) for scale in FLOODS]
        return any(self._changed(self.run(torch.stack(images))))

    def _changed(self, values: Tensor) -> list[bool]:
        size = self.base.abs().max().clamp_min(1e-30)
        return ((values - self.base).abs().amax(1) > SEEN * size).tolist()

    def _outside(self, window: Edges, fill: float | Tensor) -> Tensor:
        """The image with its pixels outside a window filled."""
        top, left, bottom, right = window
        inside = torch.zeros(self.image.shape[1:], dtype=torch.bool, device=self.image.device)
        inside[top:bottom, left:right] = True
        return torch.where(inside, self.image, torch.as_tensor(fill).to(self.image))


def _bisect(seen: Callable[[list[Edges]], list[bool]], shape: tuple[int, int, int]) -> Edges | None:
    """The innermost window outside of which nothing is seen, one side at a time."""
    height, width = shape[1:]
    whole = (0, 0, height, width)
    # How much of each side is cut: so much goes unseen, so much does not.
    lengths = (height, width, height, width)

    def cut(side: int, depth: int) -> Edges:
        edges = list(whole)
        edges[side] = depth if side < 2 else lengths[side] - depth
        return edges[0], edges[1], edges[2], edges[3]

    # Most fields fill their patch: then one row of each side tells it all.
    border = seen([cut(side, 1) for side in range(4)])
    if all(border):
        return whole
    if not any(seen([cut(0, height)])):
        return None
    dry = [0 if hit else 1 for hit in border]
    wet = [1 if hit else length for hit, length in zip(border, lengths, strict=True)]
    while any(w - d > 1 for d, w in zip(dry, wet, strict=True)):
        middle = [(d + w) // 2 for d, w in zip(dry, wet, strict=True)]
        found = seen([cut(side, depth) for side, depth in enumerate(middle)])
        for side, (depth, hit) in enumerate(zip(middle, found, strict=True)):
            if wet[side] - dry[side] > 1:
                (wet if hit else dry)[side] = depth
    return dry[0], dry[1], height - dry[2], width - dry[3]
