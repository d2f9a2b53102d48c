"""What several encoders say of the same images, for several seeds: the raw material of a matrix."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from invis.errors import InvisError
from invis.progress import Step, until_done, within
from invis.stitching.data import Data
from invis.stitching.encoder import Encoder
from invis.stitching.features import features_steps
from invis.stitching.networks import DEFAULT, SMALL
from invis.stitching.training import small_encoder_steps

Features = NDArray[np.float32]


@dataclass(frozen=True)
class Latents:
    """Indexed `[seed][encoder]`; the widths of different encoders may differ.

    Attributes:
        names: of the encoders.
        seeds: one matrix each.
        train, test: (N, d) latent vectors of the training and test images.
        untrained_train, untrained_test: the same of the encoders before any training; None where an
            encoder has no such twin.
    """

    names: tuple[str, ...]
    seeds: tuple[int, ...]
    train: list[list[Features]]
    test: list[list[Features]]
    untrained_train: list[list[Features | None]]
    untrained_test: list[list[Features | None]]

    @property
    def widths(self) -> tuple[int, ...]:
        """Dimensions of each encoder's latent space."""
        return tuple(features.shape[1] for features in self.train[0])


def latents_steps(
    data: Data,
    encoders: Sequence[str | Encoder] = DEFAULT,
    *,
    seeds: int = 3,
    latent: int | Sequence[int] = 32,
    device: str | None = None,
    cache: bool = True,
) -> Iterator[Step[Latents]]:
    """Train (or recall) small encoders for every seed, and encode all images with all encoders.

    Args:
        data: the images.
        encoders: names of small encoders, which are trained anew for every seed, and encoders of
            your own or the zoo's, which are the same for every seed.
        seeds: how many: 0, 1, 2, ...
        latent: width of the small encoders' latent spaces; one for each encoder for a study of
            unequal widths.
        device: where features are computed.
        cache: see `features_steps`.

    Raises:
        InvisError: fewer than two encoders, two of one name, no seed, or widths that do not match
            the encoders.
    """
    names = [encoder if isinstance(encoder, str) else encoder.name for encoder in encoders]
    if len(names) < 2 or len(set(names)) < len(names):
        raise InvisError(
            f"encoders is {', '.join(names) or 'empty'}; at least two are needed, all different."
        )
    unknown = [e for e in encoders if isinstance(e, str) and e not in SMALL]
    if unknown:
        raise InvisError(f"encoder {unknown[0]!r} is not one of {', '.join(SMALL)}.")
    if seeds < 1:
        raise InvisError(f"seeds {seeds} is too few; at least 1 is needed.")
    widths = [latent] * len(names) if isinstance(latent, int) else list(latent)
    if len(widths) != len(names) or min(widths) < 1:
        raise InvisError(
            f"latent is {latent!r}; it must be one width of at least 1, or one for each of "
            f"{len(names)} encoders."
        )
    rows: list[list[tuple[Features, Features, Features | None, Features | None]]] = []
    cells = seeds * len(names)
    for seed in range(seeds):
        row = []
        for i, encoder in enumerate(encoders):
            start = (seed * len(names) + i) / cells
            if isinstance(encoder, Encoder) and seed:
                row.append(rows[0][i])
                continue
            middle, end = start + 0.7 / cells, start + 1 / cells
            if isinstance(encoder, str):
                steps = small_encoder_steps(encoder, data, seed=seed, latent=widths[i], cache=cache)
                (encoder,) = yield from within(steps, start, middle)
            parts: list[Features | None] = []
            for j, twin in enumerate((encoder, _twin(encoder, seed))):
                for k, images in enumerate((data.train_images, data.test_images)):
                    if twin is None:
                        parts.append(None)
                        continue
                    low = middle + (2 * j + k) * (end - middle) / 4
                    encoding = features_steps(twin, images, device=device, cache=cache)
                    parts += yield from within(encoding, low, low + (end - middle) / 4)
            train, test, *before = parts
            assert train is not None and test is not None
            row.append((train, test, before[0], before[1]))
        rows.append(row)
    whole = Latents(
        tuple(names),
        tuple(range(seeds)),
        *([[cell[part] for cell in row] for row in rows] for part in range(4)),  # type: ignore[arg-type]
    )
    yield Step(1.0, f"{len(names)} encoders, {seeds} seeds", [whole])


def _twin(encoder: Encoder, seed: int) -> Encoder | None:
    try:
        # Encoders of one architecture get different twins, and none its own start.
        return encoder.untrained(zlib.crc32(f"{encoder.name}/untrained/{seed}".encode()))
    except InvisError:
        return None


def encode_all(
    data: Data,
    encoders: Sequence[str | Encoder] = DEFAULT,
    *,
    seeds: int = 3,
    latent: int | Sequence[int] = 32,
    device: str | None = None,
    cache: bool = True,
) -> Latents:
    """`latents_steps` run to the end."""
    steps = latents_steps(data, encoders, seeds=seeds, latent=latent, device=device, cache=cache)
    return until_done(steps)[0]
