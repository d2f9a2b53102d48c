"""Inner products of all checkpoints, in blocks of parameters: all that PCA needs to know.

With T checkpoints of P parameters, T much smaller than P, principal components follow from the
T x T matrix of inner products (Gram matrix); the T x P matrix never exists. Every block is taken
relative to the first checkpoint: what training adds is small beside what initialisation put there.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from invis.errors import InvisError
from invis.progress import Step, until_done
from invis.trajectory.source import Source

if TYPE_CHECKING:
    import torch
    from torch import Tensor

# Columns multiplied at once: they stay in the processor's cache from conversion to product.
PIECE = 4096
# Larger blocks would come from fresh pages of memory each time, which costs more than reading.
MEMORY = 48 * 2**20
# Multiply-adds up to which double precision costs seconds.
AFFORDABLE = 3e10
SAMPLE = 1024
FORMAT = "invis-gram-1"


@dataclass(frozen=True, eq=False)
class Gram:
    """Inner products of T checkpoints' differences from the first one, for each of L layers.

    Attributes:
        steps: (T,) at which the checkpoints were taken.
        layers: L names.
        sizes: (L,) parameters of each layer.
        products: (L, T, T) float64; the whole network's is the sum over layers.
        marks: (T,) a checksum of a sample of each checkpoint, to notice that it was replaced.
    """

    steps: NDArray[np.int64]
    layers: tuple[str, ...]
    sizes: NDArray[np.int64]
    products: NDArray[np.float64]
    marks: NDArray[np.int64]
    format: ClassVar[str] = FORMAT

    @property
    def parameters(self) -> int:
        """P, of the whole network."""
        return int(self.sizes.sum())

    def matrix(
        self, layer: str | None = None, weights: Mapping[str, float] | str | None = None
    ) -> NDArray[np.float64]:
        """(T, T) inner products of one layer, or of the whole network.

        Args:
            layer: its name; the whole network if left out.
            weights: of the layers' squared lengths: None for the plain whole; `size` so that every
                layer counts by its mean square a parameter; `variance` so that every layer has the
                same variance; or numbers by name, 1 for layers that are left out.

        Raises:
            InvisError: if there is no such layer or weighting.
        """
        if layer is not None:
            return self.products[self._index(layer)]
        return np.tensordot(self._weights(weights), self.products, 1)

    def _index(self, layer: str) -> int:
        if layer not in self.layers:
            raise InvisError(f"layer {layer!r} does not exist; there are {', '.join(self.layers)}.")
        return self.layers.index(layer)

    def _weights(self, weights: Mapping[str, float] | str | None) -> NDArray[np.float64]:
        if weights is None:
            return np.ones(len(self.layers))
        if isinstance(weights, Mapping):
            found = np.ones(len(self.layers))
            for layer, weight in weights.items():
                found[self._index(layer)] = weight
            if not (np.isfinite(found).all() and (found >= 0).all()):
                raise InvisError(f"weights {dict(weights)!r} must be finite and not negative.")
            return found
        if weights == "size":
            return 1 / self.sizes
        if weights == "variance":
            traces = np.array([np.trace(centred(one)) for one in self.products])
            return np.divide(1, traces, out=np.zeros_like(traces), where=traces > 0)
        raise InvisError(f"weights {weights!r} are unknown: use 'size', 'variance' or a mapping.")

    def continues(self, source: Source, marks: NDArray[np.int64]) -> bool:
        """Whether this is the beginning of what `source` holds now."""
        count = len(self.steps)
        return (
            0 < count <= len(source.steps)
            and self.layers == source.layout.layers
            and np.array_equal(self.sizes, source.layout.layer_sizes)
            and np.array_equal(self.steps, source.steps[:count])
            and np.array_equal(self.marks, marks[:count])
        )

    def knows(self, source: Source) -> bool:
        """Whether nothing is new: the same steps, and the last checkpoint was not replaced.

        A training that went back replaces the last checkpoints, so that one tells of all.
        """
        if not np.array_equal(self.steps, source.steps):
            return False
        return bool(self.marks[-1] == _marks(source, [len(self.steps) - 1])[0])


def gram(
    source: Source, known: Gram | None = None, precision: str = "auto", memory: int = MEMORY
) -> Gram:
    """Run `gram_steps` to the end."""
    (found,) = until_done(gram_steps(source, known, precision, memory))
    return found


def gram_steps(
    source: Source, known: Gram | None = None, precision: str = "auto", memory: int = MEMORY
) -> Iterator[Step[Gram]]:
    """Inner products of all checkpoints, block by block; closing the generator cancels.

    Args:
        source: the checkpoints.
        known: products of the same run when it was shorter: only those of new checkpoints are
            computed. Ignored where it is of another run.
        precision: of the products, `float32` or `float64`; `auto` takes float64 as long as that
            costs seconds. Sums are in float64 always.
        memory: bytes for blocks; besides them only the result is held.

    Raises:
        InvisError: if there is no checkpoint, a value is not finite, or the precision is unknown.
    """
    count, size = len(source.steps), source.layout.parameters
    if not count or not size:
        raise InvisError(f"{source.name!r} holds {count} checkpoints of {size} parameters.")
    import torch

    dtype = _product_dtype(precision, count, size)
    marks = _marks(source)
    if known is not None and not known.continues(source, marks):
        known = None
    old = 0 if known is None else len(known.steps)
    products = np.zeros((len(source.layout.layers), count, count))
    if known is not None:
        products[:, :old, :old] = known.products
    sums = torch.from_numpy(products)
    if old < count:
        rows, work = range(count), torch.empty((count, PIECE), dtype=dtype)
        with ThreadPoolExecutor(1) as reader:
            blocks = _blocks(size, count, source.dtype.itemsize, memory)
            ahead = reader.submit(source.read, rows, *blocks[0])
            for k, (start, stop) in enumerate(blocks):
                block = ahead.result()
                if k + 1 < len(blocks):
                    ahead = reader.submit(source.read, rows, *blocks[k + 1])
                for layer, first, end in source.layout.pieces(start, stop):
                    _add_products(sums[layer, old:], block[:, first:end], old, work)
                yield Step(stop / size, f"{stop:,} of {size:,} parameters")
        if not np.isfinite(products).all():
            raise InvisError(_not_finite(source, products))
    if old:
        products[:, :old, old:] = products[:, old:, :old].transpose(0, 2, 1)
    layout = source.layout
    found = Gram(source.steps.copy(), layout.layers, layout.layer_sizes, products, marks)
    yield Step(1.0, f"{count} checkpoints", [found])


def _add_products(sums: Tensor, block: Tensor, old: int, work: Tensor) -> None:
    """Add the products of rows old.. (T - old, T) of a block (T, B) of one layer.

    `work` (T, PIECE) is overwritten; products have its type.
    """
    for part in block.split(PIECE, dim=1):
        x = work[:, : part.shape[1]].copy_(part)
        x -= x[:1].clone()
        sums += x[old:] @ x.T


def _blocks(size: int, count: int, itemsize: int, memory: int) -> list[tuple[int, int]]:
    """Ranges of parameters of which two fit into memory, one being read, one being multiplied."""
    length = max(memory // (2 * count * itemsize) // PIECE, 1) * PIECE
    return [(start, min(start + length, size)) for start in range(0, size, length)]


def _product_dtype(precision: str, count: int, size: int) -> torch.dtype:
    import torch

    if precision == "auto":
        precision = "float64" if count * count * size <= AFFORDABLE else "float32"
    if precision not in ("float32", "float64"):
        raise InvisError(f"precision {precision!r} is unknown: use float32, float64 or auto.")
    return torch.float32 if precision == "float32" else torch.float64


def _marks(source: Source, rows: Sequence[int] | None = None) -> NDArray[np.int64]:
    """(T,) a checksum of the last parameters of each checkpoint, or of some."""
    size = source.layout.parameters
    every = range(len(source.steps)) if rows is None else rows
    sample = source.read(every, max(size - SAMPLE, 0), size).double().numpy()
    return np.array([zlib.crc32(row.tobytes()) for row in sample], dtype=np.int64)


def _not_finite(source: Source, products: NDArray[np.float64]) -> str:
    bad = ~np.isfinite(products)
    row = int(np.argmax(np.diagonal(bad, axis1=1, axis2=2).any(0)))
    layer = source.layout.layers[int(np.argmax(bad.any((1, 2))))]
    return (
        f"{source.name!r} holds NaN or infinity in {layer} at step {source.steps[row]}: PCA needs "
        "finite numbers."
    )


def centred(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T, T) inner products -> those of the differences from the mean checkpoint."""
    rows = matrix - matrix.mean(0, keepdims=True)
    return rows - rows.mean(1, keepdims=True)
