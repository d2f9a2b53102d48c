"""Interval arithmetic against PyTorch's own pooling."""

import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from invis.models.geometry import Field, Kernel, adaptive_bin, average_counts, clip

kernels = st.builds(
    lambda size, stride, share, dilation: Kernel(size, stride, min(share, size // 2), 0, dilation),
    st.integers(1, 5),
    st.integers(1, 4),
    st.integers(0, 2),
    st.integers(1, 3),
)


@settings(deadline=None)
@given(kernels, st.integers(0, 9), st.integers(1, 6))
def test_needs_are_the_taps_of_the_outputs(kernel: Kernel, start: int, count: int) -> None:
    taps = [
        i * kernel.stride - kernel.before + k * kernel.dilation
        for i in range(start, start + count)
        for k in range(kernel.size)
    ]
    assert kernel.needs((start, start + count)) == (min(taps), max(taps) + 1)


@settings(deadline=None)
@given(st.lists(kernels, min_size=1, max_size=5), st.integers(0, 6))
def test_fields_compose_what_windows_need_one_after_the_other(
    chain: list[Kernel], index: int
) -> None:
    field = Field(0, 1, 1)
    for kernel in chain:
        field = field.through(kernel)
    span = index, index + 1
    for kernel in reversed(chain):
        span = kernel.needs(span)
    low, high = field.low + index * field.jump, field.high + index * field.jump
    assert (low, high) == span


@settings(deadline=None)
@given(st.tuples(st.integers(-9, 20), st.integers(1, 9)), st.integers(1, 9))
def test_clipped_spans_lie_inside_and_hold_something(pair: tuple[int, int], size: int) -> None:
    span = pair[0], pair[0] + pair[1]
    start, stop = clip(span, size)
    assert 0 <= start < stop <= size
    inside = set(range(*span)) & set(range(size))
    assert inside <= set(range(start, stop))
    assert not inside or inside == set(range(start, stop))


@settings(deadline=None)
@given(st.integers(1, 20), st.integers(1, 12))
def test_adaptive_bins_are_those_of_pytorch(size: int, bins: int) -> None:
    ramp = torch.arange(float(size))
    pooled = F.adaptive_avg_pool1d(ramp[None, None], bins)[0, 0]
    for index in range(bins):
        start, stop = adaptive_bin(index, size, bins)
        torch.testing.assert_close(pooled[index], ramp[start:stop].mean())


@settings(deadline=None)
@given(kernels, st.integers(1, 15), st.booleans(), st.booleans())
def test_average_counts_are_those_of_pytorch(
    kernel: Kernel, size: int, include_pad: bool, ceil: bool
) -> None:
    assume(size + 2 * kernel.before >= kernel.size)
    ones = torch.ones(1, 1, size)
    args = (ones, kernel.size, kernel.stride, kernel.before, ceil)
    mean = F.avg_pool1d(*args, count_include_pad=include_pad)[0, 0]
    valid = F.avg_pool1d(*args, count_include_pad=False)[0, 0]
    torch.testing.assert_close(valid, torch.ones_like(valid))
    counts = average_counts((0, len(mean)), kernel, size, include_pad)
    inside = average_counts((0, len(mean)), kernel, size, False)
    torch.testing.assert_close(mean, torch.tensor(inside) / torch.tensor(counts))
