"""What a unit ignores: response curves under known transformations, beside the linear null."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from invis.models.unit import Units
from invis.probe.claims import Evidence, claims, sentence
from invis.probe.curves import Curve, curve, null_sets
from invis.probe.families import FAMILIES
from invis.probe.gratings import Tuning, tune
from invis.probe.searched import only_one, searched
from invis.progress import Step, told
from invis.search.again import problem_of, vectors_of


@dataclass(frozen=True, eq=False)
class Probes:
    """What the probes found about one unit.

    Attributes:
        address: of the unit.
        curves: family -> its curve, in the families' order; see `invis.probe.families`.
        tuning: to gratings.
        names: of what the unit ignores; see `invis.probe.claims`.
        sentence: the names and the best grating in one line.
    """

    address: str
    curves: dict[str, Curve]
    tuning: Tuning
    names: tuple[str, ...]
    sentence: str

    @property
    def f1_f0(self) -> float:
        """Modulation of the response by the phase of the best grating."""
        return self.tuning.f1_f0

    def shares(self) -> list[tuple[str, Curve]]:
        """Families that can reach images of a set, the one that explains most of it first."""
        reaching = [one for one in self.curves.items() if one[1].family.keeps_norm]
        return sorted(reaching, key=lambda item: -item[1].explained)

    def summary(self) -> dict[str, Any]:
        """A record for JSON and for the notes of an atlas, without the curves."""
        return {
            "address": self.address,
            "sentence": self.sentence,
            "names": list(self.names),
            "f1_f0": _known(self.tuning.f1_f0),
            "frequency": round(self.tuning.frequency, 4),
            "orientation": round(self.tuning.orientation, 1),
            "grating_share": _known(self.tuning.share),
            "explained": {
                name: [_known(one.explained), _known(float(one.explained_null.mean()))]
                for name, one in self.curves.items()
            },
        }


@dataclass(frozen=True)
class ProbeSnapshot(Step[Probes]):
    """Attributes:
    skipped: address -> why a unit has no probes.
    """

    skipped: dict[str, str] = field(default_factory=dict)


def probe_steps(
    source: xr.Dataset | Sequence[xr.Dataset] | str,
    units: Units | None = None,
    *,
    weights: str | None = None,
    seed: int = 0,
    device: str | None = None,
) -> Iterator[ProbeSnapshot]:
    """Probe results, or the units at an address, which are searched first.

    Args:
        source: one or several results, or an address such as `minivgg/conv2_2/0-7`.
        units: of the results, in their order; found by their addresses when left out.
        weights: a name or file for the model.
        seed: of the search and of the linear unit's sets.
        device: where to compute.

    Raises:
        InvisError: no result, or one whose unit is not there. Dead units are skipped and told.
    """
    results, units = yield from told(
        searched(source, units, weights, seed, device),
        lambda step: ProbeSnapshot(0.5 * step.fraction_done, step.summary),
    )
    begin = 0.5 if isinstance(source, str) else 0.0
    for k, ds in enumerate(results):
        address = str(ds.attrs["address"])
        found, skipped = [], {}
        if ds.attrs["dead"]:
            skipped[address] = "the unit is dead: there is nothing to probe"
        else:
            one = None if units is None else units.only([k])
            found.append(_probe(ds, one, weights, seed, device))
        done = begin + (1 - begin) * (k + 1) / len(results)
        yield ProbeSnapshot(done, f"probed {address}", found, skipped)


def probe(source: xr.Dataset | str, units: Units | None = None, **settings: Any) -> Probes:
    """Probe one unit; settings as for `probe_steps`.

    Raises:
        InvisError: if the address names several units, or the unit is dead.
    """
    found: Probes = only_one(probe_steps, source, units, settings)
    return found


def _probe(
    ds: xr.Dataset, units: Units | None, weights: str | None, seed: int, device: str | None
) -> Probes:
    problem = problem_of(ds, units, weights, device)
    grey = np.asarray(ds.attrs["grey"], np.float32)
    *vectors, first = vectors_of(ds, problem)
    reference = problem.image(first[None])[0].cpu()
    images = problem.image(torch.stack(vectors)).cpu()
    bottom, top = float(ds.attrs["grey_response"]), float(ds.attrs["reference"])
    level = torch.as_tensor(grey)[:, None, None]

    def respond(x: Tensor) -> Tensor:
        """Responses (B,) to 8-bit images, above grey, as a share of the reference's."""
        shown = ((x + level).round().clamp(0, 255) - level).to(problem.device)
        who = torch.zeros(len(x), dtype=torch.long, device=problem.device)
        return (problem.image_value(shown, who).float().cpu() - bottom) / (top - bottom)

    def place(x: Tensor) -> Tensor:
        return problem.metric.vectors(x.to(problem.device)).cpu()

    tuning = tune(respond, reference)
    beta = float(np.clip(ds.attrs["beta"], 0.0, 1.0))
    origin, points = place(reference[None])[0], place(images)
    nulls = null_sets(origin, len(images), beta, seed)
    curves: dict[str, Curve] = {}
    for name, family in FAMILIES.items():
        members = family.of(reference, tuning.wave, place=place)
        if members is not None:
            coarse = (family.of(one, tuning.wave, False, place) for one in images)
            shown = [one for one in coarse if one is not None]
            curves[name] = curve(family, members, shown, respond, place, origin, points, nulls)
    names = claims(Evidence(curves, tuning, reference))
    said = sentence(names, tuning, {name: one.explained for name, one in curves.items()})
    return Probes(str(ds.attrs["address"]), curves, tuning, names, said)


def _known(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None
