"""Two judges of how natural images look, which share nothing with `invis statistics`.

    from judges import Photographs, judge_patches, judge_spectra
    judge_patches(images)           # (N, h, w, 3) of 8 bits -> Judged
    judge_spectra(images, Photographs("cifar10/train", "tiny-imagenet/val"))

Each compares images with crops of photographs of the same size, and says where among these they
lie. Contrast alone is no judge: an image is taken about its mean colour and scaled to one RMS, and
the crops first get the images' contrast and are rounded to 8 bits at it. Colours are in fixed axes,
(R+G+B)/3, R-G and B-(R+G)/2, not those of the statistics. Photographs come as JPEG with colour at
half the size, so finer colour than 1/4 cycle per pixel is asked of none.

- patches: log-likelihood per dimension of 8 x 8 px patches (of the field, where that is smaller)
  without their mean, under a mixture of Gaussians (Zoran and Weiss, ICCV 2011). Natural images are
  neither below (noise) nor above (fog) the crops.
- spectra: Mahalanobis distance to the crops of the log energies of octaves of three colours, of the
  log kurtosis of luminance's derivatives, and of how much one orientation prevails.

Photographs differ in how sharp they are at their pixels, so a judge knows several kinds, equally
often: each folder, and the two that scikit-learn has, at a half to a quarter of their size. A field
larger than the folders' photographs is judged by its central part. What is fitted is kept in the
temporary folder.
"""

from __future__ import annotations

import hashlib
import math
import tempfile
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dctn
from scipy.special import logsumexp

from invis.probe.pictures import UnreadableError, list_pictures, read_picture

Floats = NDArray[Any]

COLOURS = np.array([[1 / 3, 1 / 3, 1 / 3], [1, -1, 0], [-0.5, -0.5, 1]])
PATCH, COMPONENTS, PATCHES, CROPS = 8, 16, 16_000, 600
# RMS 1 and this much noise: half a grey level at a contrast of 17.
NOISE = 0.03
# A crop of less is sky and JPEG.
FAINT = 6.0
CONTRASTS = np.geomspace(4, 64, 9)
CACHE = Path(tempfile.gettempdir()) / "invis-judges"


@dataclass(frozen=True)
class Judged:
    """Attributes:
    score: (N,) of each image.
    percentile: (N,) of the crops that lie below it.
    low, middle, high: the crops' 2.5th, 50th and 97.5th percentile.
    """

    score: Floats
    percentile: Floats
    low: float
    middle: float
    high: float

    @property
    def median(self) -> float:
        return float(np.median(self.score))

    @property
    def inside(self) -> bool:
        """Whether the median lies in the crops' central 95 %."""
        return self.low <= self.median <= self.high

    @property
    def share(self) -> float:
        """Of the images, how many do."""
        return float(((self.score >= self.low) & (self.score <= self.high)).mean())


class Photographs:
    """Crops of photographs, the same at each call.

    Args:
        folders: of pictures; each is a kind.
        samples: also scikit-learn's two; always so without a folder.
        most: pictures read of a folder.

    Attributes:
        key: of what is fitted to them.
        limit: the longest side that the folders' pictures have.
    """

    def __init__(self, *folders: str | Path, samples: bool = True, most: int = 2000) -> None:
        self.names = [str(one) for one in folders]
        self._kinds: list[list[NDArray[np.uint8]]] = []
        # What another version of this file kept is not taken over.
        digest = hashlib.sha256(Path(__file__).read_bytes())
        digest.update(repr((most, samples)).encode())
        for folder in map(Path, folders):
            paths = list_pictures(folder)
            order = np.random.default_rng(0).permutation(len(paths))[:most]
            chosen = [paths[k] for k in order]
            digest.update("\n".join([str(folder.resolve()), *chosen]).encode())
            self._kinds.append(_pictures(folder, chosen))
        sides = [[min(one.shape[:2]) for one in kind] for kind in self._kinds]
        self.limit = int(max((np.median(one) for one in sides), default=128))
        if samples or not folders:
            self.names.append("scikit-learn")
            self._kinds.append(_samples())
        self.key = digest.hexdigest()[:12]

    def central(self, images: Floats) -> Floats:
        """The central part of images (N, h, w, 3) that the photographs can be asked about."""
        height, width = (min(n, self.limit) for n in images.shape[1:3])
        top, left = (images.shape[1] - height) // 2, (images.shape[2] - width) // 2
        return images[:, top : top + height, left : left + width]

    def crops(self, height: int, width: int, count: int = CROPS, seed: int = 0) -> Floats:
        """(count, height, width, 3) float32, few of them faint."""
        rng = np.random.default_rng([seed, height, width])
        kinds = []
        for kind in self._kinds:
            large = [one for one in kind if one.shape[0] >= height and one.shape[1] >= width]
            if len(large) >= len(kind) / 3:
                kinds.append(large)
        found = np.empty((count, height, width, 3), np.float32)
        tries = k = 0
        while k < count:
            kind = kinds[int(rng.integers(len(kinds)))]
            picture = kind[int(rng.integers(len(kind)))]
            top = int(rng.integers(picture.shape[0] - height + 1))
            left = int(rng.integers(picture.shape[1] - width + 1))
            found[k] = picture[top : top + height, left : left + width]
            tries += 1
            if contrast(found[k : k + 1])[0] >= FAINT or tries > 20 * count:
                k += 1
        return found


def _pictures(folder: Path, paths: list[str]) -> list[NDArray[np.uint8]]:
    found = []
    for path in paths:
        with suppress(UnreadableError):
            found.append(read_picture(folder / path).pixels)
    return found


@lru_cache(maxsize=1)
def _samples() -> list[NDArray[np.uint8]]:
    """Two photographs of 427 x 640 px made smaller: full colour, no trace of blocks."""
    from sklearn.datasets import load_sample_images

    return [
        np.asarray(
            Image.fromarray(one).resize(
                (one.shape[1] // by, one.shape[0] // by), Image.Resampling.LANCZOS
            )
        )
        for one in load_sample_images().images
        for by in (2, 3, 4)
    ]


def contrast(images: Floats) -> Floats:
    """(N, h, w, 3) -> (N,) root mean square about each image's mean colour, in grey levels."""
    x = np.asarray(images, np.float32)
    return np.sqrt(((x - x.mean((1, 2), keepdims=True)) ** 2).mean((1, 2, 3)))


def judge_patches(images: Floats, photographs: Photographs | None = None) -> Judged:
    """Log-likelihood of patches, mean of each image and per dimension."""
    photographs = photographs or Photographs()
    images = photographs.central(images)
    side = min(PATCH, *images.shape[1:3])
    mixture = _mixture(photographs, side)
    level = _level(images)

    def crops() -> Floats:
        x = equalised(photographs.crops(*images.shape[1:3]), level)
        return _likelihoods(x, side, mixture)

    name = f"patches-{images.shape[1]}-{images.shape[2]}-{level:.1f}"
    return _judged(_likelihoods(images, side, mixture), _kept(photographs, name, crops))


def judge_spectra(images: Floats, photographs: Photographs | None = None) -> Judged:
    """Distance to the crops, over the root of the number of features: about 1 for a crop."""
    from sklearn.covariance import LedoitWolf

    x, known = _spectra(images, photographs or Photographs())
    # Half of the crops make the distance, and the other half are judged, as the images are.
    made, judged = known[::2], known[1::2]
    centre, scale = made.mean(0), made.std(0) + 1e-6
    fit = LedoitWolf(assume_centered=True).fit((made - centre) / scale)

    def distances(x: Floats) -> Floats:
        return np.sqrt(fit.mahalanobis((x - centre) / scale) / x.shape[1])

    return _judged(distances(x), distances(judged))


def deviations(images: Floats, photographs: Photographs | None = None) -> dict[str, float]:
    """In what they differ: of each feature of spectra the images' median, in standard deviations of
    the crops from their mean. Octaves are named by their lowest and highest mode."""
    x, known = _spectra(images, photographs or Photographs())
    z = (np.median(x, 0) - known.mean(0)) / (known.std(0) + 1e-6)
    return {name: float(one) for name, one in zip(_names(*images.shape[1:3]), z, strict=True)}


def _spectra(images: Floats, photographs: Photographs) -> tuple[Floats, Floats]:
    """Features of the images and of crops like them."""
    images = photographs.central(images)
    level = _level(images)

    def crops() -> Floats:
        return features(equalised(photographs.crops(*images.shape[1:3]), level))

    name = f"spectra-{images.shape[1]}-{images.shape[2]}-{level:.1f}"
    return features(images), _kept(photographs, name, crops)


def equalised(crops: Floats, level: float) -> Floats:
    """Crops of RMS contrast `level` about their mean colour, rounded to 8 bits."""
    mean = crops.mean((1, 2), keepdims=True)
    scaled = (crops - mean) * (level / contrast(crops))[:, None, None, None]
    return np.clip(np.round(mean + scaled), 0, 255)


def features(images: Floats) -> Floats:
    """(N, h, w, 3) -> (N, F): log energies by octave and colour, log kurtosis, orientation."""
    x = _normalised(images)
    area = x.shape[1] * x.shape[2]
    power = dctn(x, axes=(1, 2), norm="ortho") ** 2
    found = [
        np.log((power[..., colour][:, ring].mean(1) + NOISE**2) / area)
        for _, ring, colour in _octaves(*x.shape[1:3])
    ]
    light = x[..., 0]
    across, down = np.diff(light, axis=2)[:, :-1], np.diff(light, axis=1)[:, :, :-1]
    for slope in (across, down):
        second = (slope**2).mean((1, 2)) + NOISE**2
        found.append(np.log((slope**4).mean((1, 2)) + NOISE**4) - 2 * np.log(second))
    xx, yy, xy = (a.mean((1, 2)) for a in (across**2, down**2, across * down))
    found.append(np.hypot(xx - yy, 2 * xy) / (xx + yy + NOISE**2))
    return np.stack(found, 1)


def _names(height: int, width: int) -> list[str]:
    return [name for name, _, _ in _octaves(height, width)] + [
        "kurtosis across", "kurtosis down", "orientation",
    ]  # fmt: skip


@lru_cache(maxsize=64)
def _octaves(height: int, width: int) -> list[tuple[str, NDArray[np.bool_], int]]:
    """Name, modes (h, w) and colour of each energy."""
    longer = max(height, width)
    # Modes, two a cycle, along the longer side.
    radius = longer * np.hypot(
        np.arange(height)[:, None] / height, np.arange(width)[None, :] / width
    )
    found = []
    low, high = 0.5, 1.5
    while low < radius.max():
        ring = (radius >= low) & (radius < high)
        coarse = ring & (radius <= longer / 2)
        name = f"{low + 0.5:g}-{high - 0.5:g}"
        found += [
            (f"{colour} {name}", modes, k)
            for k, (colour, modes) in enumerate(
                [("light", ring), ("red-green", coarse), ("blue-yellow", coarse)]
            )
            if modes.sum() >= 2
        ]
        low, high = high, 2 * high - 0.5
    return found


def _normalised(images: Floats) -> Floats:
    """About the mean colour, of RMS 1, in the fixed colours."""
    x = np.asarray(images, np.float32)
    x = x - x.mean((1, 2), keepdims=True)
    scale = np.maximum(np.sqrt((x**2).mean((1, 2, 3), keepdims=True)), 1e-3)
    return (x / scale) @ COLOURS.T.astype(np.float32)


def _vectors(images: Floats, side: int) -> Floats:
    """(N, h, w, 3) -> (N, patches, D): cosine coefficients of patches, the mean of each left out.

    Of the two opponent colours only those up to 1/4 cycle per pixel.
    """
    x = _normalised(images)
    step = max(1, side // 2)
    patches = np.lib.stride_tricks.sliding_window_view(x, (side, side), axis=(1, 2))
    patches = patches[:, ::step, ::step]
    grid = dctn(patches, axes=(-2, -1), norm="ortho").reshape(len(x), -1, 3, side * side)
    k = np.hypot(*np.indices((side, side))).ravel()
    light, colour = k > 0, (k > 0) & (k <= side / 2)
    parts = [grid[:, :, 0][..., light], *(grid[:, :, c][..., colour] for c in (1, 2))]
    return np.concatenate(parts, -1).astype(np.float32)


def _mixture(photographs: Photographs, side: int) -> tuple[Floats, Floats, Floats]:
    """Weights (K,), means (K, D) and Cholesky factors of precisions (K, D, D)."""
    path = CACHE / f"{photographs.key}-mixture-{side}.npz"
    if not path.exists():
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture

        crops = photographs.crops(3 * PATCH, 3 * PATCH, 2 * CROPS, seed=1)
        vectors = _vectors(equalised(crops, 20.0), side)
        vectors = vectors.reshape(-1, vectors.shape[-1])
        chosen = np.random.default_rng(0).permutation(len(vectors))[:PATCHES]
        fit = GaussianMixture(COMPONENTS, reg_covar=NOISE**2, max_iter=30, tol=0.02, random_state=0)
        with warnings.catch_warnings():
            # Thirty steps make a judge; the last digits of its likelihood don't matter.
            warnings.simplefilter("ignore", ConvergenceWarning)
            fit.fit(vectors[chosen])
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, w=fit.weights_, m=fit.means_, p=fit.precisions_cholesky_)
    with np.load(path) as held:
        return held["w"], held["m"].astype(np.float32), held["p"].astype(np.float32)


def _likelihoods(images: Floats, side: int, mixture: tuple[Floats, Floats, Floats]) -> Floats:
    weights, means, factors = mixture
    found = np.empty(len(images))
    for start in range(0, len(images), 50):
        x = _vectors(images[start : start + 50], side)
        each = np.stack([
            math.log(w) + np.log(np.diagonal(p)).sum() - ((x @ p - m @ p) ** 2).sum(-1) / 2
            for w, m, p in zip(weights, means, factors, strict=True)
        ])  # fmt: skip
        whole = logsumexp(each, axis=0) - x.shape[-1] / 2 * math.log(2 * math.pi)
        found[start : start + 50] = whole.mean(1) / x.shape[-1]
    return found


def _level(images: Floats) -> float:
    """The nearest of a few contrasts, so that few are measured."""
    level = max(1.0, float(np.median(contrast(images))))
    return float(CONTRASTS[np.abs(np.log(CONTRASTS / level)).argmin()])


def _kept(photographs: Photographs, name: str, make: Callable[[], Floats]) -> Floats:
    path = CACHE / f"{photographs.key}-{name}.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, make())
    return np.load(path)


def _judged(score: Floats, crops: Floats) -> Judged:
    low, middle, high = np.percentile(crops, [2.5, 50, 97.5])
    percentile = 100 * (np.sort(crops).searchsorted(score) / len(crops))
    return Judged(score, percentile, float(low), float(middle), float(high))
