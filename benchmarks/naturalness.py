"""How natural sets look to two judges that share nothing with `invis statistics`.

    python benchmarks/naturalness.py [--networks minivgg,vgg16] [--weights FILE]
        [--layers conv1_2,conv2_2,conv3_1] [--units 0-7] [--metrics pixels,natural]
        [--others 2] [--photographs DIR ...] [--out benchmarks/results/naturalness.json]
    python benchmarks/naturalness.py --results out/*/result.nc

Searches the units in each metric, and the first `--others` of them by the paper's objective in
pixels and by lucent (its diversity times 10, no transforms, images as large as the field), and asks
the judges of judges.py about all images of a layer together. As controls stand crops of each kind
of photographs that the judges did not see, and noise: white, and 1/f in grey. Each row tells the
images' median, its percentile among crops of photographs of the same size and contrast, whether it
lies inside their central 95 %, and how many of the images do; then in what the spectra differ most,
in standard deviations. With --out, rows of these layers replace those in the file.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import harness
import numpy as np
from judges import (
    Judged,
    Photographs,
    contrast,
    deviations,
    equalised,
    judge_patches,
    judge_spectra,
)
from numpy.typing import NDArray
from tables import table

from invis.errors import InvisError
from invis.search import load, search
from invis.search.metric import metric_name

Images = NDArray[np.uint8]
LUCENT_WEIGHT = 10.0
CONTROLS, CONTROL_SEED, CONTROL_CONTRAST = 64, 7, 20.0


def searched(address: str, weights: str | None, **asked: Any) -> tuple[Images, int]:
    """The images of the living units' sets, (N, h, w, 3), and of how many units."""
    living = [ds for ds in search(address, weights=weights, **asked) if not ds.attrs["dead"]]
    if not living:
        raise InvisError(f"address {address!r} has no living unit: give others")
    return np.concatenate([ds["images"].values for ds in living]), len(living)


def by_lucent(name: str, layer: str, channels: list[int], weights: str | None) -> Images:
    """lucent's images of the units, cut to their field and brought to the contrast of a search."""
    import torch
    from against_lucent import Job

    found = []
    for channel in channels:
        job = Job(f"{name}/{layer}/{channel}", weights)
        torch.manual_seed(channel)
        np.random.seed(channel)  # noqa: NPY002 (lucent draws from it)
        shown, _ = job.lucent(LUCENT_WEIGHT, helped=True, cut=True)
        found.append(job.fields(shown[-1]))
    return equalised(np.concatenate(found), CONTROL_CONTRAST).astype(np.uint8)


def controls(height: int, width: int, folders: list[str]) -> Iterator[tuple[str, Images]]:
    """Crops of each kind of photographs, which no judge was fitted to, and noise."""
    kinds = [(Path(one).name or one, Photographs(one, samples=False)) for one in folders]
    for name, kind in [*kinds, ("scikit-learn", Photographs())]:
        # A folder of smaller pictures has no such crops.
        if min(height, width) <= kind.limit:
            crops = kind.crops(height, width, CONTROLS, CONTROL_SEED)
            yield f"crops: {name}", equalised(crops, CONTROL_CONTRAST).astype(np.uint8)
    rng = np.random.default_rng(CONTROL_SEED)
    white = rng.normal(size=(CONTROLS, height, width, 3))
    radius = np.hypot(np.fft.fftfreq(2 * height)[:, None], np.fft.fftfreq(2 * width)[None, :])
    radius[0, 0] = np.inf
    waves = np.fft.fft2(rng.normal(size=(CONTROLS, *radius.shape))) / radius
    pink = np.fft.ifft2(waves).real[:, :height, :width, None].repeat(3, -1)
    for name, noise in (("noise: white", white), ("noise: 1/f, grey", pink)):
        off = noise - noise.mean((1, 2), keepdims=True)
        off *= (CONTROL_CONTRAST / contrast(off))[:, None, None, None]
        yield name, np.clip(np.round(128 + off), 0, 255).astype(np.uint8)


def judged(images: Images, photographs: Photographs) -> dict[str, Any]:
    """What both judges say of the images together."""

    def told(found: Judged) -> dict[str, Any]:
        return {
            "median": found.median, "percentile": float(np.median(found.percentile)),
            "inside": bool(found.inside), "share": found.share,
            "crops": [found.low, found.middle, found.high],
        }  # fmt: skip

    off = deviations(images, photographs)
    most = sorted(off, key=lambda name: -abs(off[name]))[:3]
    return {
        "images": len(images),
        "contrast": float(np.median(contrast(images))),
        "patches": told(judge_patches(images, photographs)),
        "spectra": told(judge_spectra(images, photographs)),
        "differ": {name: off[name] for name in most},
    }


def shown(rows: list[dict[str, Any]]) -> str:
    """The rows as a table."""

    def cells(found: dict[str, Any]) -> list[str]:
        where = "" if found["inside"] else " outside"
        return [
            f"{found['median']:.2f}", f"{found['percentile']:.0f}{where}",
            f"{100 * found['share']:.0f}",
        ]  # fmt: skip

    return table(
        (
            "layer", "field, px", "images", "of units", "contrast",
            "patches", "percentile", "% inside", "spectra", "percentile", "% inside",
            "differ most in",
        ),
        [
            [
                f"{row['model']}/{row['layer']}", str(row["field"]), row["source"],
                str(row["units"] or ""), f"{row['contrast']:.0f}",
                *cells(row["patches"]), *cells(row["spectra"]),
                ", ".join(f"{name} {z:+.1f}" for name, z in row["differ"].items()),
            ]
            for row in rows
        ],
    )  # fmt: skip


def rows_of(asked: argparse.Namespace, photographs: Photographs) -> Iterator[dict[str, Any]]:
    """Layer by layer, one row for each source of images."""
    for name in asked.networks.split(","):
        weights = asked.weights if name.startswith("vgg") else None
        for layer in asked.layers.split(","):
            address = f"{name}/{layer}/{asked.units}"
            about: dict[str, Any] = {"model": name, "layer": layer}
            size = (0, 0)
            for metric in asked.metrics.split(","):
                began = time.perf_counter()
                images, units = searched(address, weights, metric=metric)
                seconds = time.perf_counter() - began
                size = (images.shape[1], images.shape[2])
                about["field"] = size[0]
                yield (
                    about
                    | {"source": metric, "units": units, "seconds": seconds}
                    | judged(images, photographs)
                )
            first = int(asked.units.split("-")[0].split(",")[0])
            others = range(first, first + asked.others)
            if others:
                address = f"{name}/{layer}/{','.join(map(str, others))}"
                images, units = searched(address, weights, metric="pixels", objective="paper")
                told = {"source": "the paper's objective", "units": units}
                yield about | told | judged(images, photographs)
                images = by_lucent(name, layer, list(others), weights)
                told = {"source": "lucent", "units": len(others)}
                yield about | told | judged(images, photographs)
            for source, images in controls(*size, asked.photographs):
                yield about | {"source": source, "units": 0} | judged(images, photographs)


def rows_of_results(files: list[str], photographs: Photographs) -> Iterator[dict[str, Any]]:
    """Saved results: one row for the results of a layer in one metric."""
    groups: dict[tuple[str, str, str], list[Images]] = {}
    for ds in map(load, files):
        model, layer = str(ds.attrs["address"]).rsplit("/", 1)[0].split("/", 1)
        key = (model, layer, metric_name(ds.attrs))
        groups.setdefault(key, []).append(ds["images"].values)
    for (model, layer, source), sets in groups.items():
        images = np.concatenate(sets)
        about = {"model": model, "layer": layer, "source": source, "units": len(sets)}
        yield about | {"field": images.shape[1]} | judged(images, photographs)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--networks", default="minivgg")
    parser.add_argument("--weights", help="a file, for VGG-16")
    parser.add_argument("--layers", default="conv1_2,conv2_2,conv3_1")
    parser.add_argument("--units", default="0-7")
    parser.add_argument("--metrics", default="pixels,natural")
    parser.add_argument("--others", type=int, default=2, help="units for lucent and the paper")
    parser.add_argument("--photographs", action="append", default=[], help="a folder; repeatable")
    parser.add_argument("--results", nargs="+", default=[], help="judge these .nc files alone")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    photographs = Photographs(*asked.photographs)
    if asked.results:
        print(shown(list(rows_of_results(asked.results, photographs))))
        return
    rows = []
    for row in rows_of(asked, photographs):
        rows.append(row)
        print(json.dumps(harness.rounded(row)), flush=True)
        if asked.out:
            kept = harness.merged(asked.out, rows, ("model", "layer", "source"))
            about = {"photographs": [Path(one).name for one in photographs.names]}
            harness.write(asked.out, harness.machine() | about | {"rows": kept})
    print(shown(rows))


if __name__ == "__main__":
    main()
