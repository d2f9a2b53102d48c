"""A whole study in one go: images, encoders, the matrix, and how many anchors it takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from xarray import Dataset

from invis.errors import InvisError
from invis.models.memory import check_memory
from invis.progress import Step, within
from invis.stitching.anchors import choose_anchors
from invis.stitching.checks import Matrix
from invis.stitching.data import Data, load_data
from invis.stitching.latents import Latents, latents_steps
from invis.stitching.matrix import StitchSettings, stitch_steps
from invis.stitching.similarities import PRODUCT
from invis.stitching.spaces import ProductSpace
from invis.stitching.specs import parse_encoders
from invis.stitching.sweep import anchor_sweep_steps

WIDTH = 32
# Of what enters the last layer of a small encoder.
WIDEST = 512


@dataclass(frozen=True, eq=False)
class Study:
    """Attributes:
    data: the images.
    latents: what every encoder says of them.
    results: one Dataset a task, in the order asked for; see `stitch`.
    sweep: the first task for several numbers of anchors; None where none were asked for.
    similarities: of the relative spaces.
    """

    data: Data
    latents: Latents
    results: tuple[Dataset, ...]
    sweep: Dataset | None = None
    similarities: tuple[str, ...] = PRODUCT

    def pair(self, encoder: str, decoder: str, points: int) -> tuple[tuple[Matrix, Matrix], ...]:
        """Test images in both spaces: as they are, and in the study's product space.

        Returns:
            (A's, B's) latent vectors (N, d) each, and the same in the common space (N, S K).

        Raises:
            InvisError: there is no such encoder.
        """
        places = [self._place(name) for name in (encoder, decoder)]
        before = [self.latents.test[0][i][:points] for i in places]
        trained = [self.anchors(i) for i in places]
        space = ProductSpace(self.similarities)
        after = [space.fit(a).transform(x) for a, x in zip(trained, before, strict=True)]
        return (before[0], before[1]), (after[0], after[1])

    def anchors(self, encoder: int) -> Matrix:
        """(K, d) the anchors as an encoder sees them, of the first seed."""
        asked = self.results[0].attrs
        inputs = self.data.train_images.reshape(len(self.data.train_images), -1)
        chosen = choose_anchors(
            inputs, asked["anchors"], asked["strategy"], labels=self.data.train_labels
        )
        return self.latents.train[0][encoder][chosen]

    def _place(self, name: str) -> int:
        if name not in self.latents.names:
            raise InvisError(f"encoder {name!r} is not one of {', '.join(self.latents.names)}.")
        return self.latents.names.index(name)


def study_steps(
    data: str = "digits",
    encoders: Sequence[str] = (),
    settings: StitchSettings | None = None,
    *,
    seeds: int = 1,
    width: int | None = None,
    counts: Sequence[int] = (),
    limit: int | None = None,
    device: str | None = None,
) -> Iterator[Step[Study]]:
    """Load, train or recall, encode, stitch, sweep; closing the generator cancels.

    Where numbers of anchors are compared, the study is finished twice: without them and with them.

    Args:
        data: `digits`, or a folder; see `load_data`.
        encoders: names; see `parse_encoders`.
        settings: of the matrix.
        seeds: networks, anchors and decoders anew.
        width: of every encoder's latent space; WIDTH if left out.
        counts: numbers of anchors to compare.
        limit: at most so many training and so many test images.
        device: where to compute.

    Raises:
        InvisError: any of these is not possible.
    """
    asked = settings or StitchSettings()
    for name, value in (("width", width), ("limit", limit)):
        if value is not None and value < 1:
            raise InvisError(f"{name} {value} is not possible; it must be at least 1.")
    images = load_data(data)
    if limit is not None:
        images = images.limited(limit, limit)
    most = max(asked.anchors, *counts, 0)
    if most > len(images.train_labels):
        raise InvisError(
            f"anchors {most} is too many: there are {len(images.train_labels)} training images."
        )
    chosen = parse_encoders(list(encoders), data, width)
    latent = WIDTH if width is None else width
    _check_room(images, asked, len(chosen), seeds, latent, most)
    ends = (0.5, 0.75) if counts else (0.6, 1.0)
    (latents,) = yield from within(
        latents_steps(images, chosen, seeds=seeds, latent=latent, device=device),
        0.0,
        ends[0],
    )
    results = yield from within(stitch_steps(images, latents, asked, device), *ends)
    compared = tuple(dict.fromkeys(s for method in asked.methods for s in method.similarities))
    study = Study(images, latents, tuple(results), None, compared or PRODUCT)
    if counts:
        yield Step(ends[1], "matrix", [study])
        steps = anchor_sweep_steps(images, latents, counts, asked, device)
        (sweep,) = yield from within(steps, ends[1], 1.0)
        study = replace(study, sweep=sweep)
    yield Step(1.0, f"{len(latents.names)} encoders", [study])


def _check_room(
    images: Data, asked: StitchSettings, encoders: int, seeds: int, latent: int, anchors: int
) -> None:
    """Raise InvisError where the spaces of a study would take more memory than is free."""
    inputs = len(images.train_labels) + len(images.test_labels)
    similarities = len({one for method in asked.methods for one in method.similarities})
    # Trained, untrained, shuffled and prepared for decoders; the latents and copies on the device.
    relative = 4 * inputs * similarities * anchors
    absolute = 4 * inputs * latent
    # An encoder's last layer, its head's first and a decoder, with gradient and Adam's moments.
    weights = 4 * latent * (WIDEST + StitchSettings().recipe.hidden)
    check_memory(
        4 * encoders * seeds * (relative + absolute) + 4 * weights,
        f"anchors {anchors}, width {latent} and seeds {seeds} of {encoders} encoders need",
        "ask for less of one of them, or limit the images",
    )
