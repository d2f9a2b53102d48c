"""The operations that a cone is made of, each on the crop that it needs."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Pads = tuple[int, int, int, int]
"""Padding left, right, top, bottom; negative numbers cut."""


class Slot(int):
    """Stands for the n-th tensor of a call in its arguments."""


def fill(template: Any, values: tuple[Tensor, ...]) -> Any:
    """Put the tensors in the place of their slots."""
    if isinstance(template, Slot):
        return values[template]
    if isinstance(template, tuple | list):
        return type(template)(fill(part, values) for part in template)
    if isinstance(template, dict):
        return {key: fill(part, values) for key, part in template.items()}
    if isinstance(template, slice):
        parts = (template.start, template.stop, template.step)
        return slice(*(fill(part, values) for part in parts))
    return template


def pad(x: Tensor, pads: Pads, value: float) -> Tensor:
    """Pad with a constant where positive, cut where negative; x (B, C, h, w)."""
    if min(pads) >= 0:
        return F.pad(x, pads, value=value) if any(pads) else x
    x = F.pad(x, tuple(max(p, 0) for p in pads), value=value)
    left, right, top, bottom = (max(-p, 0) for p in pads)
    return x[..., top : x.shape[-2] - bottom, left : x.shape[-1] - right]


class ConvStep(nn.Module):
    """Convolution of a crop; pads (left, right, top, bottom) are the full model's own zeros."""

    weight: Tensor
    bias: Tensor | None

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None,
        stride: tuple[int, int],
        dilation: tuple[int, int],
        groups: int,
        pads: Pads,
    ) -> None:
        super().__init__()
        layout = torch.channels_last
        self.register_buffer("weight", weight.contiguous(memory_format=layout))
        self.register_buffer("bias", bias)
        self.stride, self.dilation, self.groups = stride, dilation, groups
        left, right, top, bottom = pads
        self.even = min(pads) >= 0 and left == right and top == bottom
        self.pads, self.padding = pads, (top, left) if self.even else (0, 0)

    def forward(self, x: Tensor) -> Tensor:
        x = x if self.even else pad(x, self.pads, 0.0)
        return F.conv2d(
            x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups
        )


class DenseStep(nn.Module):
    """A convolution at a single position: a matrix product with the whole crop, kh x kw.

    oneDNN is three to five times slower on this shape than BLAS.
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        # (O, kh kw C): the order in which channels-last crops lie in memory.
        self.register_buffer("weight", weight.permute(0, 2, 3, 1).flatten(1).contiguous())
        self.register_buffer("bias", bias)

    def forward(self, x: Tensor) -> Tensor:
        flat = x.permute(0, 2, 3, 1).reshape(len(x), -1)
        return F.linear(flat, self.weight, self.bias)[:, :, None, None]


class TransposedStep(nn.Module):
    """Transposed convolution of a crop; pads (left, right, top, bottom) cut the whole result."""

    weight: Tensor
    bias: Tensor | None

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None,
        stride: tuple[int, int],
        dilation: tuple[int, int],
        groups: int,
        size: tuple[int, int],
        before: tuple[int, int],
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)
        self.stride, self.dilation, self.groups = stride, dilation, groups
        self.size, self.before = size, before

    def forward(self, x: Tensor) -> Tensor:
        out = F.conv_transpose2d(
            x, self.weight, None, self.stride, 0, 0, self.groups, self.dilation
        )
        (top, left), (rows, cols) = self.before, self.size
        pads = (-left, left + cols - out.shape[3], -top, top + rows - out.shape[2])
        out = pad(out, pads, 0.0)
        return out if self.bias is None else out + self.bias[:, None, None]


class ShuffledStep(nn.Module):
    """A shuffle of a crop, of which a window is kept."""

    def __init__(self, call: nn.Module, rows: Any, cols: Any) -> None:
        super().__init__()
        self.call, self.rows, self.cols = call, rows, cols

    def forward(self, x: Tensor) -> Tensor:
        return self.call(x)[..., slice(*self.rows), slice(*self.cols)]


class RegroupStep(nn.Module):
    """A reshape whose rows and columns are those of the crop."""

    def __init__(self, shape: tuple[int, ...], before: Any, after: Any) -> None:
        super().__init__()
        self.shape, self.before, self.after = shape, before, after

    def forward(self, x: Tensor) -> Tensor:
        shape = [len(x), *self.shape[1:]]
        for a, b in zip(self.before, self.after, strict=True):
            shape[b] = x.shape[a]
        return x.reshape(shape)


class CatStep(nn.Module):
    """Join along an axis; what is the same for every image is repeated."""

    def __init__(self, axis: int, order: tuple[int, ...]) -> None:
        super().__init__()
        self.axis, self.order = axis, order

    def forward(self, *values: Tensor) -> Tensor:
        parts = [values[k] for k in self.order]
        count = max(len(part) for part in parts)
        return torch.cat([part.expand(count, *part.shape[1:]) for part in parts], self.axis)


class TapsStep(nn.Module):
    """Pick or mix positions along one axis; `first` is -1 where the padding stands."""

    first: Tensor
    second: Tensor
    share: Tensor
    padding: Tensor

    def __init__(self, axis: int, first: Any, second: Any, share: Any, fill: float) -> None:
        super().__init__()
        self.axis, self.fill = axis, fill
        self.register_buffer("first", torch.tensor(first).clamp_min(0))
        self.register_buffer("second", torch.tensor(second).clamp_min(0))
        self.register_buffer("share", torch.tensor(share, dtype=torch.float64))
        self.register_buffer("padding", torch.tensor([i < 0 for i in first]))
        inside = [i for i in first if i >= 0]
        start = next((o for o, i in enumerate(first) if i >= 0), 0)
        # Most often a run of neighbours with padding around it: cheaper than picking.
        self.run = None
        count = len(inside)
        if (
            inside
            and not any(share)
            and list(first[start : start + count]) == [*range(inside[0], inside[0] + count)]
        ):
            self.run = inside[0], count, start, len(first) - start - count
        self.mixes, self.pads = any(share), any(i < 0 for i in first)

    def forward(self, x: Tensor) -> Tensor:
        if self.run is not None:
            start, length, before, after = self.run
            x = x.narrow(self.axis, start, length)
            pads = [0] * (2 * (x.ndim - self.axis - 1)) + [before, after]
            return F.pad(x, pads, value=self.fill) if before or after else x
        out = x.index_select(self.axis, self.first)
        shape = [-1 if axis == self.axis else 1 for axis in range(x.ndim)]
        if self.mixes:
            other = x.index_select(self.axis, self.second)
            out = out + self.share.to(x.dtype).view(shape) * (other - out)
        if self.pads:
            out = torch.where(self.padding.view(shape), self.fill, out)
        return out


class MaxPoolStep(nn.Module):
    """Largest value; padding is -inf, so that it never wins."""

    def __init__(self, size: Any, stride: Any, dilation: Any, pads: Pads) -> None:
        super().__init__()
        self.size, self.stride, self.dilation, self.pads = size, stride, dilation, pads

    def forward(self, x: Tensor) -> Tensor:
        x = pad(x, self.pads, -torch.inf)
        return F.max_pool2d(x, self.size, self.stride, 0, self.dilation)


class AvgPoolStep(nn.Module):
    """Sum over the window, divided by `counts` (1, 1, rows, columns)."""

    counts: Tensor

    def __init__(self, size: Any, stride: Any, pads: Pads, counts: Tensor) -> None:
        super().__init__()
        self.register_buffer("counts", counts)
        self.size, self.stride, self.pads = size, stride, pads

    def forward(self, x: Tensor) -> Tensor:
        x = pad(x, self.pads, 0.0)
        return F.avg_pool2d(x, self.size, self.stride, divisor_override=1) / self.counts


class AdaptivePoolStep(nn.Module):
    """Average or largest value of each bin; bins are spans inside the crop."""

    def __init__(self, rows: Any, cols: Any, largest: bool) -> None:
        super().__init__()
        self.rows, self.cols = rows, cols
        self.pool = F.adaptive_max_pool2d if largest else F.adaptive_avg_pool2d

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(
            [
                torch.cat([self.pool(x[..., a:b, c:d], 1) for c, d in self.cols], 3)
                for a, b in self.rows
            ],
            2,
        )


class ReluStep(nn.Module):
    """ReLU, overwriting its input where nothing else reads it."""

    def __init__(self, inplace: bool) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu_(x) if self.inplace else torch.relu(x)


class CallStep(nn.Module):
    """Any other function, method or module with its arguments."""

    def __init__(self, function: Any, args: Any, kwargs: Any) -> None:
        super().__init__()
        self.function, self.args, self.kwargs = function, args, kwargs

    def forward(self, *values: Any) -> Any:
        args, kwargs = fill(self.args, values), fill(self.kwargs, values)
        if isinstance(self.function, str):
            return getattr(args[0], self.function)(*args[1:], **kwargs)
        return self.function(*args, **kwargs)


class ConstantStep(nn.Module):
    """A parameter or buffer of the network."""

    value: Tensor

    def __init__(self, value: Tensor) -> None:
        super().__init__()
        self.register_buffer("value", value)

    def forward(self) -> Tensor:
        return self.value


def fold(weight: Tensor, bias: Tensor | None, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Weight (O, C, kh, kw) and bias (O,) of a convolution with the batch norm behind it."""
    assert norm.running_mean is not None and norm.running_var is not None
    scale = (norm.running_var.double() + norm.eps).rsqrt()
    if norm.weight is not None:
        scale = scale * norm.weight.double()
    shift = -norm.running_mean.double() * scale
    if norm.bias is not None:
        shift = shift + norm.bias.double()
    if bias is not None:
        shift = shift + bias.double() * scale
    folded = weight.double() * scale[:, None, None, None]
    return folded.to(weight.dtype), shift.to(weight.dtype)
