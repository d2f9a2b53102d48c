"""Results made by plain numpy: real Gabor units, real images, real distances; no search, no torch.

For the tests of everything that shows, saves or prints a result.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from xarray import Dataset

ALPHA = 0.9
CONTRAST = 14.0
GREY = np.array([124.0, 116.0, 104.0])


def gabor(size: int, phase: float, angle: float = 0.6) -> NDArray[np.float64]:
    """A colour Gabor of unit norm, (size, size, 3)."""
    axis = np.arange(size) - (size - 1) / 2
    y, x = np.meshgrid(axis, axis, indexing="ij")
    along = x * np.cos(angle) + y * np.sin(angle)
    envelope = np.exp(-(x**2 + y**2) / (2 * (size / 5) ** 2))
    wave = envelope * np.cos(2 * np.pi * 2.5 * along / size + phase)
    patch = (wave - envelope * wave.sum() / envelope.sum())[..., None] * np.array([1.0, 0.9, 0.6])
    return patch / np.linalg.norm(patch)


def quadrature_pair(size: int) -> NDArray[np.float64]:
    """Two orthonormal filters (2, size * size * 3), a quarter of a period apart."""
    pair = np.stack([gabor(size, 0.0).ravel(), gabor(size, np.pi / 2).ravel()])
    return np.linalg.qr(pair.T)[0].T


def complex_cell_result(
    *, size: int = 24, images: int = 8, seed: int = 0, linear: bool = False, **attrs: object
) -> Dataset:
    """The set of a complex cell (phases around the circle), or of a linear unit (`linear=True`).

    Every image is cos(t) of a preferred direction plus sin(t) of noise that the unit ignores, at
    one norm, rounded to 8 bits; distances, fractions, beta and the null are computed from these
    pixels.
    """
    rng = np.random.default_rng(seed)
    pair = quadrature_pair(size)
    norm = CONTRAST * np.sqrt(size * size * 3)
    phases = np.zeros(images) if linear else np.linspace(0, 2 * np.pi, images, endpoint=False)
    gain = ALPHA + 0.005 if linear else np.sqrt(ALPHA + 0.005)
    preferred = np.cos(phases)[:, None] * pair[0] + np.sin(phases)[:, None] * pair[1]
    noise = rng.normal(size=(images, pair.shape[1]))
    noise -= noise @ pair.T @ pair
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    deviations = norm * (gain * preferred + np.sqrt(1 - gain**2) * noise)
    grey = np.tile(GREY, size * size)
    pixels = np.clip(np.round(grey + deviations), 0, 255)
    reference = np.clip(np.round(grey + norm * pair[0]), 0, 255)

    def respond(stack: NDArray[np.float64]) -> NDArray[np.float64]:
        projected = (np.atleast_2d(stack) - grey) @ pair.T
        return projected[:, 0] if linear else (projected**2).sum(1) / 100

    top, free = respond(reference)[0], respond(grey + norm * pair[0])[0]
    activation = respond(pixels)
    measured = measure(pixels - grey, norm, float(activation.mean() / free))
    steps = np.arange(0, 300, 5)
    progress = 1 - np.exp(-steps / 60)
    known = {
        "format": "invis-set-1",
        "address": "truth/simple_cell/0" if linear else "truth/complex_cell/0",
        "model": "truth",
        "layer": "simple_cell" if linear else "complex_cell",
        "channel": "0",
        "weights": "exact",
        "weights_hash": "0123456789ab",
        "images": images,
        "alpha": ALPHA,
        "contrast": CONTRAST,
        "reference": top,
        "free_reference": free,
        "grey_response": 0.0,
        "fraction_min": float((activation / top).min()),
        "fraction_mean": float((activation / top).mean()),
        **measured,
        "saturated": float(np.mean((pixels == 0) | (pixels == 255))),
        "converged": True,
        "dead": False,
        "full_model_error": 0.0004,
        "steps": 300,
        "seconds": 1.25,
        "device": "cpu",
        "band_low": 1.0,
        "band_high": 8.0,
        "seed": seed,
        "objective": "set",
        "distance_space": "pixels",
        "receptive_field": size,
        "grey": GREY.tolist(),
        "threads": 1,
        "batch": 1,
        "invis_version": "0.1.0",
        "torch_version": "2",
        "index_reason": "",
    }
    shape = (size, size, 3)
    return Dataset(
        {
            "images": (
                ("image", "row", "column", "colour"),
                pixels.reshape(images, *shape).astype(np.uint8),
            ),
            "activation": ("image", activation.astype(np.float32)),
            "fraction": ("image", (activation / top).astype(np.float32)),
            "reference_image": (
                ("row", "column", "colour"),
                reference.reshape(shape).astype(np.uint8),
            ),
            "course_fraction_min": (
                "step",
                (1 - (1 - known["fraction_min"]) * progress).astype(np.float32),
            ),
            "course_fraction_mean": (
                "step",
                (1 - (1 - known["fraction_mean"]) * progress).astype(np.float32),
            ),
            "course_distance": ("step", (known["distance"] * progress).astype(np.float32)),
        },
        coords={"step": steps},
        attrs=known | attrs,
    )


def measure(deviations: NDArray[np.float64], norm: float, beta: float) -> dict[str, float]:
    """Distances in units of R, their null, index and spread, as DESIGN defines them."""
    count = len(deviations)
    apart = np.linalg.norm(deviations[:, None] - deviations[None], axis=-1)
    squares = apart[np.triu_indices(count, 1)] ** 2
    nearest = np.where(np.eye(count, dtype=bool), np.inf, apart).min(1).mean()
    powers = (deviations**2).sum()
    null = np.sqrt(2 / (count * (count - 1)) * (count * powers - (count * norm * beta) ** 2))
    return {
        "beta": beta,
        "distance": float(nearest / norm),
        "rms_distance": float(np.sqrt(squares.mean()) / norm),
        "null_distance": float(null / norm),
        "index": float(nearest / null),
        "spread": float(np.sqrt(squares.mean()) / null),
    }
