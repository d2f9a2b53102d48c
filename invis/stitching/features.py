"""Latent vectors of many images, in batches, kept on disk by content."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from invis.errors import InvisError
from invis.models.devices import lent, pick_device
from invis.progress import Step, until_done
from invis.stitching.cache import content_hash, recall, remember
from invis.stitching.encoder import Encoder

PROBE = 2


def features_steps(
    encoder: Encoder,
    images: NDArray[np.uint8],
    *,
    batch: int = 256,
    device: str | None = None,
    cache: bool = True,
) -> Iterator[Step[NDArray[np.float32]]]:
    """Encode (N, H, W, C) 8-bit images to (N, d) float32, a snapshot a batch.

    The key of the cache is the content: weights, layer, preparation, images, and the answer to the
    first two images, which also tells apart modules whose code differs.

    Raises:
        InvisError: images are no (N, H, W, C) of 8 bits with 1 or 3 colours, the layer gives no
            vectors, or a vector is not finite.
    """
    if images.ndim != 4 or images.dtype != np.uint8 or images.shape[3] not in (1, 3):
        raise InvisError(
            f"images has shape {images.shape} and type {images.dtype}; it must be "
            "(N, H, W, C) of uint8 with C 1 or 3."
        )
    if not len(images):
        raise InvisError("images is empty; at least one image is needed.")
    if batch < 1:
        raise InvisError(f"batch {batch} is not possible; it must be at least 1.")
    where = pick_device(device)
    with lent(encoder.module, where):
        yield from _features_steps(encoder, images, batch, where, cache)


def _features_steps(
    encoder: Encoder, images: NDArray[np.uint8], batch: int, where: torch.device, cache: bool
) -> Iterator[Step[NDArray[np.float32]]]:
    key = ""
    if cache:
        probe = encoder.encode(images[:PROBE], where)
        settings = (encoder.layer, encoder.width, encoder.size, encoder.channels)
        scale = (tuple(encoder.mean), tuple(encoder.std))
        key = content_hash(encoder.module, settings, scale, images, probe)
        stored = recall("features", key)
        if stored is not None and len(stored.get("features", ())) == len(images):
            yield _snapshot(encoder, len(images), len(images), stored["features"].numpy())
            return
    parts: list[NDArray[np.float32]] = []
    for start in range(0, len(images), batch):
        parts.append(encoder.encode(images[start : start + batch], where))
        if not np.isfinite(parts[-1]).all():
            raise InvisError(
                f"encoder {encoder.name!r} gives NaN or infinity for images {start} to "
                f"{start + len(parts[-1]) - 1}."
            )
        done = start + len(parts[-1])
        whole = np.concatenate(parts) if done == len(images) else None
        if whole is not None and cache:
            remember("features", key, {"features": torch.from_numpy(whole)})
        yield _snapshot(encoder, done, len(images), whole)


def _snapshot(
    encoder: Encoder, done: int, total: int, whole: NDArray[np.float32] | None
) -> Step[NDArray[np.float32]]:
    result = [] if whole is None else [whole]
    return Step(done / total, f"{encoder.name}: {done} of {total} images", result)


def features(
    encoder: Encoder,
    images: NDArray[np.uint8],
    *,
    batch: int = 256,
    device: str | None = None,
    cache: bool = True,
) -> NDArray[np.float32]:
    """`features_steps` run to the end: (N, d) float32."""
    steps = features_steps(encoder, images, batch=batch, device=device, cache=cache)
    return until_done(steps)[0]
