"""The amplitude of natural images by frequency, in colours of their own: measured, kept, read.

The second-order statistics of stationary images are diagonal in the cosine transform: one basis of
colours, and one curve for each of its axes. Photographs fall about as 1/f (Field 1987; Ruderman
and Bialek 1994) and vary in luminance, then blue-yellow, then red-green (Ruderman, Cronin and Chiao
1998).
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from invis.errors import InvisError

FORMAT = "invis-statistics-1"
FORM = "a * (f^2 + f0^2)^(-exponent / 2)"
# Rec. 601, as Pillow turns colour into grey.
GREY = np.array([0.299, 0.587, 0.114])
LONGEST = 1 << 20

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """The smooth curve a (f^2 + f0^2)^(-p / 2) of each axis.

    Attributes:
        scale, corner, exponent: a, f0 (cycles per pixel) and p, each (C,).
        residual: (C,) root mean square of what it misses, in natural logarithms.
    """

    scale: Floats
    corner: Floats
    exponent: Floats
    residual: Floats

    def __call__(self, frequencies: Floats) -> Floats:
        """Frequencies (...) in cycles per pixel -> amplitudes (C, ...)."""
        shape = (-1, *[1] * frequencies.ndim)
        a, f0, p = (one.reshape(shape) for one in (self.scale, self.corner, self.exponent))
        return a * (frequencies**2 + f0**2) ** (-p / 2)


@dataclass(frozen=True)
class Statistics:
    """The amplitude of images along each axis of a basis of colours.

    Attributes:
        basis: (C, C) orthonormal, an axis a row; of colour images luminance first, then two
            opponent axes, the one that varies more first.
        frequencies: (F,) cycles per pixel, rising.
        amplitudes: (C, F) root mean square of an orthonormal DCT-II coefficient, in grey levels of
            255. It is the root of the spectral density, so it doesn't depend on the image's size.
        fit: its smooth curve.
        images, crops: how many were measured.
        about: more that the file tells (source, command, ...).
    """

    basis: Floats
    frequencies: Floats
    amplitudes: Floats
    fit: Fit
    images: int
    crops: int
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def channels(self) -> int:
        return len(self.basis)

    def amplitude(self, frequencies: ArrayLike) -> Floats:
        """Frequencies (...) in cycles per pixel -> amplitudes (C, ...).

        Linear in logarithms between the measured frequencies; beyond them the fitted curve, scaled
        to join the last one.
        """
        f = np.asarray(frequencies, dtype=np.float64)
        low, high = self.frequencies[[0, -1]]
        inside = np.clip(f, low, high)
        at = np.log(inside)
        known = np.stack(
            [np.exp(np.interp(at, np.log(self.frequencies), np.log(a))) for a in self.amplitudes]
        )
        return known * self.fit(f) / self.fit(np.where(f < low, low, np.where(f > high, high, f)))

    def grey(self) -> Statistics:
        """Of the grey images that these colours make: luminance alone, one channel.

        An image c along the luminance axis e is grey of c * sum(e) / C.
        """
        if self.channels == 1:
            return self
        share = float(self.basis[0].sum()) / self.channels
        one = slice(0, 1)
        fit = Fit(
            self.fit.scale[one] * share,
            self.fit.corner[one],
            self.fit.exponent[one],
            self.fit.residual[one],
        )
        return Statistics(
            np.ones((1, 1)), self.frequencies, self.amplitudes[one] * share, fit,
            self.images, self.crops, self.about,
        )  # fmt: skip


def fitted(frequencies: Floats, amplitudes: Floats, below: Floats | None = None) -> Fit:
    """The curve of each axis by least squares of logarithms.

    Args:
        frequencies: (F,) cycles per pixel.
        amplitudes: (C, F).
        below: (C,) the frequency above which an axis isn't looked at.
    """
    from scipy.optimize import least_squares

    found = []
    for axis, curve in enumerate(amplitudes):
        use = frequencies <= (math.inf if below is None else below[axis])
        f, y = frequencies[use], np.log(curve[use])

        def missed(at: Floats, f: Floats = f, y: Floats = y) -> Floats:
            return at[0] - at[2] / 2 * np.log(f**2 + math.exp(2 * at[1])) - y

        lowest = math.log(f[0])
        start = [y[0] + lowest, lowest - 1, 1.0]
        bounds = ([-np.inf, lowest - 4, 0.0], [np.inf, math.log(0.25), 6.0])
        best = least_squares(missed, start, bounds=bounds)
        residual = math.sqrt(float(np.mean(best.fun**2)))
        found.append([math.exp(best.x[0]), math.exp(best.x[1]), best.x[2], residual])
    return Fit(*np.array(found).T)


def one_over_f(channels: int) -> Statistics:
    """Amplitude 1/f without colour, for images of which nothing else is known.

    One grey level at one cycle per pixel, as near as makes no difference to a metric, in which
    only ratios count.
    """
    ones = np.ones(channels)
    f = np.array([1 / 256, math.sqrt(0.5)])
    fit = Fit(ones, 1e-4 * ones, ones, 0 * ones)
    return Statistics(np.eye(channels), f, fit(f), fit, 0, 0, {"source": "1/f"})


def natural() -> Statistics:
    """What Invis ships: colour photographs."""
    from invis.shipped import data_path

    return _read(data_path("statistics/natural.json"))


def write_statistics(found: Statistics, path: str | Path) -> None:
    """Write the JSON file that `read_statistics` reads."""
    Path(path).write_text(json.dumps(as_json(found), indent=1) + "\n", encoding="utf-8")


def as_json(found: Statistics, about: bool = True) -> dict[str, Any]:
    """What the file holds, five digits of each number; without its `about` if so wished."""
    fit = found.fit
    return {
        "format": FORMAT,
        "channels": found.channels,
        "basis": [[round(float(one), 6) for one in row] for row in found.basis],
        "frequencies": _digits(found.frequencies),
        "amplitude": [_digits(row) for row in found.amplitudes],
        "fit": {
            "form": FORM,
            "a": _digits(fit.scale),
            "f0": _digits(fit.corner),
            "exponent": _digits(fit.exponent),
            "rms_log_residual": _digits(fit.residual),
        },
        "images": found.images,
        "crops": found.crops,
        **(found.about if about else {}),
    }


def _digits(numbers: Floats) -> list[float]:
    return [float(f"{one:.5g}") for one in numbers]


def read_statistics(path: str | Path) -> Statistics:
    """Read a file of `invis statistics`.

    Raises:
        InvisError: if it cannot be read, or doesn't hold what such a file must.
    """
    try:
        return _read(Path(path))
    except OSError as error:
        reason = error.strerror or str(error)
        raise InvisError(f"statistics {str(path)!r} cannot be read: {reason}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        why = f"it has no {error}" if isinstance(error, KeyError) else str(error).splitlines()[0]
        raise InvisError(
            f"statistics {str(path)!r} is not a file of `invis statistics`: {why}"
        ) from error


@lru_cache(maxsize=8)
def parse_statistics(text: str) -> Statistics:
    """The statistics in the text of a file; ValueError, KeyError or TypeError if it is none."""
    held = json.loads(text)
    if not isinstance(held, dict) or held.get("format") != FORMAT:
        raise ValueError(f"its format is not {FORMAT!r}")
    channels = int(held["channels"])
    basis = _numbers(held, "basis", (channels, channels))
    f = _numbers(held, "frequencies", (len(held["frequencies"]),))
    amplitudes = _numbers(held, "amplitude", (channels, len(f)))
    if len(f) < 2 or f[0] <= 0 or (np.diff(f) <= 0).any():
        raise ValueError("its frequencies are not two or more that rise from above 0")
    if (amplitudes <= 0).any():
        raise ValueError("an amplitude is not above 0")
    if not np.allclose(basis @ basis.T, np.eye(channels), atol=1e-3):
        raise ValueError("its basis is not orthonormal")
    # Six digits are not quite orthonormal: the nearest matrix that is.
    u, _, v = np.linalg.svd(basis)
    curves = [
        _numbers(held["fit"], key, (channels,))
        for key in ("a", "f0", "exponent", "rms_log_residual")
    ]
    if (curves[0] <= 0).any() or (curves[1] <= 0).any():
        raise ValueError("its fit has an a or f0 that is not above 0")
    known = {"format", "channels", "basis", "frequencies", "amplitude", "fit", "images", "crops"}
    about = {key: value for key, value in held.items() if key not in known}
    return Statistics(
        u @ v, f, amplitudes, Fit(*curves), int(held["images"]), int(held["crops"]), about
    )


def _read(path: Path) -> Statistics:
    with path.open(encoding="utf-8") as file:
        text = file.read(LONGEST + 1)
    if len(text) > LONGEST:
        raise ValueError(f"it is longer than {LONGEST} characters")
    return parse_statistics(text)


def _numbers(held: dict[str, Any], key: str, shape: tuple[int, ...]) -> Floats:
    numbers = np.array(held[key], dtype=np.float64)
    if numbers.shape != shape or not np.isfinite(numbers).all():
        raise ValueError(f"its {key} is not {' x '.join(map(str, shape))} finite numbers")
    return numbers
