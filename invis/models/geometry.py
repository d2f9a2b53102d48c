"""Interval arithmetic of sliding windows, one axis at a time.

A span (start, stop) is a half-open range of positions on one axis of a feature map.
"""

from dataclasses import dataclass

Span = tuple[int, int]


@dataclass(frozen=True)
class Kernel:
    """A sliding window along one axis.

    Attributes:
        size, stride, dilation: as in `torch.nn.Conv2d`.
        before: padding in front of the first position.
        after: padding behind the last one.
    """

    size: int
    stride: int = 1
    before: int = 0
    after: int = 0
    dilation: int = 1

    @property
    def reach(self) -> int:
        """Input positions from the first to the last tap."""
        return (self.size - 1) * self.dilation + 1

    def needs(self, span: Span) -> Span:
        """Input positions seen by outputs `span`; may lie outside the input."""
        start, stop = span
        first = start * self.stride - self.before
        return first, first + (stop - 1 - start) * self.stride + self.reach


@dataclass(frozen=True)
class Transposed:
    """The sliding window of a transposed convolution, which slides over the output."""

    kernel: Kernel

    def needs(self, span: Span) -> Span:
        """Input positions whose windows meet outputs `span`; may lie outside the input."""
        stride, before = self.kernel.stride, self.kernel.before
        first = -(-(span[0] + before - self.kernel.reach + 1) // stride)
        return first, max((span[1] - 1 + before) // stride, first) + 1


@dataclass(frozen=True)
class Cells:
    """Cells of `size` positions that become one (down), or that one becomes (up)."""

    size: int
    up: bool

    def needs(self, span: Span) -> Span:
        """Input positions that make up outputs `span`."""
        if self.up:
            return span[0] // self.size, -(-span[1] // self.size)
        return span[0] * self.size, span[1] * self.size


@dataclass(frozen=True)
class Taps:
    """Positions that are picked, or mixed of two: crops, strides, flips, padding, interpolation.

    Output o is (1 - share[o]) x[first[o]] + share[o] x[second[o]], or the padding where `first` is
    -1.
    """

    first: tuple[int, ...]
    second: tuple[int, ...]
    share: tuple[float, ...]

    def needs(self, span: Span) -> Span:
        """Input positions that outputs `span` read; one where all of it is padding."""
        part = slice(*span)
        used = [i for both in (self.first[part], self.second[part]) for i in both if i >= 0]
        return (min(used), max(used) + 1) if used else (0, 1)

    @property
    def kernel(self) -> Kernel | None:
        """The window of one position that slides like this away from the border, if one does."""
        inside = [(o, i) for o, i in enumerate(self.first) if i >= 0]
        middle = inside[len(inside) // 4 : max(-(-3 * len(inside) // 4), len(inside) // 4 + 2)]
        if len(middle) < 2 or any(self.share):
            return None
        stride = middle[1][1] - middle[0][1]
        before = middle[0][0] * stride - middle[0][1]
        slides = stride > 0 and all(i == o * stride - before for o, i in middle)
        return Kernel(1, stride, before) if slides else None


@dataclass(frozen=True)
class Field:
    """What position i of a map sees on one axis of the image: [low + i jump, high + i jump)."""

    low: int
    high: int
    jump: int

    @property
    def size(self) -> int:
        return self.high - self.low

    def through(self, kernel: Kernel) -> "Field":
        """The field behind one more sliding window."""
        first, stop = kernel.needs((0, 1))
        return Field(
            self.low + first * self.jump,
            self.high + (stop - 1) * self.jump,
            self.jump * kernel.stride,
        )

    def join(self, other: "Field") -> "Field":
        """The smallest field that holds both."""
        return Field(
            min(self.low, other.low), max(self.high, other.high), max(self.jump, other.jump)
        )


def hull(a: Span | None, b: Span) -> Span:
    """The smallest span that holds both."""
    return b if a is None else (min(a[0], b[0]), max(a[1], b[1]))


def clip(span: Span, size: int) -> Span:
    """The part of a span inside a map of `size` positions; never empty.

    A window that lies wholly in the padding keeps the border position nearest to it, so that
    every crop holds something; the padding around it is counted from there.
    """
    start = min(max(span[0], 0), size - 1)
    return start, max(min(span[1], size), start + 1)


def adaptive_bin(index: int, size: int, bins: int) -> Span:
    """Input positions of one output of adaptive pooling (as in ATen's start_index, end_index)."""
    return index * size // bins, -(-(index + 1) * size // bins)


def average_counts(span: Span, kernel: Kernel, size: int, include_pad: bool) -> list[int]:
    """How many positions average pooling divides by on one axis, for each output in `span`.

    Padding counts if `include_pad`; what `ceil_mode` adds behind the padding never does.
    """
    counts = []
    for index in range(*span):
        start = index * kernel.stride - kernel.before
        stop = min(start + kernel.size, size + kernel.before)
        counts.append(stop - start if include_pad else min(stop, size) - max(start, 0))
    return counts
