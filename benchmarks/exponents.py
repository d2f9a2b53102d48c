"""Why the metric of natural images is their covariance itself: other exponents, judged.

    python benchmarks/exponents.py [--powers 0.5,0.7,0.85,1] [--lowest 1] [--weights FILE]
        [--units minivgg/conv2_2/0-7,minivgg/conv3_1/0-7] [--photographs DIR ...] [--out FILE]

Amplitudes count with a power within each colour (1 is the metric that ships, 0 would be pixels in
colours of their own), and stop rising below `--lowest` cycles an image. Searches the units in each
metric with the default settings and prints, beside that of pixels: median index, contrast in grey
levels, share with beta >= 0.85, and for the judges of patches and of spectra the median score of
all images (* inside the central 95 % of crops of photographs), with how far the crops reach.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from statistics import mean, median
from typing import Any

import harness
import numpy as np
import torch
from judges import Photographs, judge_patches, judge_spectra

from invis.models.unit import units_at
from invis.search import search
from invis.search.band import Band
from invis.search.metric import METRICS
from invis.search.natural import Natural
from invis.search.statistics import Statistics

KEYS = ("units", "metric")


class Powered(Natural):
    """Natural images with a power of their amplitudes; settings call it `power:P:LOWEST`."""

    def __init__(self, band: Band, contrast: float, statistics: Statistics, name: str) -> None:
        super().__init__(band, contrast, statistics, name)
        _, power, lowest = name.split(":")
        channels, *sides = band.shape
        each = band.cycles_per_pixel.view(channels, -1)[0].double().numpy()
        whole = statistics.amplitude(np.maximum(each, float(lowest) / max(sides)))
        spread = whole ** float(power)
        # Colours keep their shares.
        spread *= np.sqrt((whole**2).mean(1) / (spread**2).mean(1))[:, None]
        spread *= contrast * math.sqrt(math.prod(band.shape)) / math.sqrt(np.mean(spread**2))
        self._scale = torch.from_numpy(spread.flatten()).float()

    @classmethod
    def build(cls, band: Band, contrast: float | None, source: str) -> Powered:
        usual = Natural.build(band, contrast, "natural")
        return cls(band, usual.contrast, usual.statistics, source)


def measured(units: str, metric: str, weights: str | None, photographs: Photographs) -> Any:
    """The figures of one row."""
    found = search(units_at(units, weights if units.startswith("vgg") else None), metric=metric)
    live = [ds for ds in found if not ds.attrs["dead"]]
    images = np.concatenate([ds.images.values for ds in live])
    row: dict[str, Any] = {
        "units": units,
        "metric": metric,
        "index": median(ds.attrs["index"] for ds in live),
        "contrast": median(ds.attrs["pixel_contrast"] for ds in live),
        "beta": mean(ds.attrs["beta"] >= 0.85 for ds in live),
    }
    for name, judge in (("patches", judge_patches), ("spectra", judge_spectra)):
        judged = judge(images, photographs)
        row[name] = {
            "median": judged.median, "inside": judged.inside, "low": judged.low,
            "high": judged.high,
        }  # fmt: skip
    return row


def line(row: dict[str, Any]) -> str:
    judged = "  ".join(
        f"{one['median']:5.2f}{'*' if one['inside'] else ' '} ({one['low']:.2f}, {one['high']:.2f})"
        for one in (row["patches"], row["spectra"])
    )
    return (
        f"{row['units']:28s} {row['metric']:12s} {row['index']:5.2f}  {row['contrast']:8.1f}  "
        f"{row['beta']:4.2f}  {judged}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--powers", default="0.5,0.7,0.85,1")
    parser.add_argument("--lowest", default="1")
    parser.add_argument("--units", default="minivgg/conv2_2/0-7,minivgg/conv3_1/0-7")
    parser.add_argument("--weights")
    parser.add_argument("--photographs", action="append", default=[])
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    photographs = Photographs(*options.photographs)
    names = ["pixels"] + [
        f"power:{power}:{lowest}"
        for lowest in options.lowest.split(",")
        for power in options.powers.split(",")
    ]
    METRICS["power"] = Powered
    METRICS.update(dict.fromkeys(names[1:], Powered))
    print("units                        metric       index  contrast  beta  patches  spectra")
    for units in options.units.split(","):
        for name in names:
            row = measured(units, name, options.weights, photographs)
            print(line(row), flush=True)
            if options.out:
                harness.keep(options.out, row, KEYS)


if __name__ == "__main__":
    main()
