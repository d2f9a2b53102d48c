"""Error rates of what is claimed: on units with no invariance, and on units with planted ones.

    python benchmarks/claims.py [--linear 200] [--planted 60] [--seed 0] [--device cpu]
        [--out benchmarks/results/claims.json]

The linear units, a half of them rectified, are Gabor patches, noise, and the filters of the first
layer of minivgg; whatever is claimed of them is false. The planted units are maxima over templates
under one, two or three families within random ranges: a family that is claimed and was not planted
is false, too, unless it is one that the planted ones contain. A run that was stopped goes on where
it stood, unit by unit, where --out names a file.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import harness
from planted import FAMILIES, linear, planted

from invis.models.unit import Units, units_at
from invis.probe.explain.explanation import explain
from invis.search import search

KINDS = ("gabor", "rectified gabor", "noise", "rectified noise", "minivgg/conv1_1")
# The same change under another name: a hue that turns half way is the other colour's polarity, all
# colour matrices contain the hue, and a bend contains what is small of the affine families.
CONTAINED = {
    "hue": {"colour", "colour of parts", "saturation"},
    "polarity": {"polarity of parts", "colour", "phase"},
    "phase": {"polarity", "shift", "bend"},
    "shift": {"phase", "bend"},
    "rotation": {"bend", "shear"},
    "scale": {"bend", "blur"},
    "bend": {"shift", "shear", "rotation", "scale"},
}


def main() -> None:
    """Measure, print the rates, and write them where asked."""
    asked = _arguments()
    path: Path | None = asked.out
    known: dict[str, dict[str, Any]] = {}
    if path is not None and path.exists():
        known = {row["unit"]: row for row in json.loads(path.read_text(encoding="utf-8"))["rows"]}
    for name, build, planted_names in units(asked.linear, asked.planted, asked.seed):
        if name in known:
            continue
        known[name] = row(name, build(), planted_names, asked.device)
        print(
            f"{name}: planted {planted_names or 'nothing'}, {known[name]['sentence']}", flush=True
        )
        if path is not None:
            rows = list(known.values())
            harness.write(path, harness.machine() | {"rates": rates(rows), "rows": rows})
    print(json.dumps(harness.rounded(rates(list(known.values()))), indent=1))


def units(count: int, planted_count: int, seed: int) -> Iterator[tuple[str, Any, list[str]]]:
    """Name, how to build it, and what it ignores, of every unit."""
    for k in range(count):
        kind = KINDS[k % len(KINDS)]
        if "/" in kind:
            address = f"{kind}/{k // len(KINDS)}"
            yield address, lambda a=address: units_at(a), []
        else:
            yield f"{kind} {k}", lambda kind=kind, k=k: linear(kind, seed + k), []
    for k in range(planted_count):
        one = planted(1 + k % 3, seed + k)
        yield f"planted {k}", lambda one=one: one.units, list(one.names)


def row(name: str, found: Units, planted_names: list[str], device: str | None) -> dict[str, Any]:
    """What is claimed of one unit."""
    began = time.perf_counter()
    (ds,) = search(found, device=device)
    searched = time.perf_counter() - began
    about = {"unit": name, "planted": planted_names, "search_seconds": searched}
    if ds.attrs["dead"]:
        return about | {"claimed": [], "sentence": "dead"}
    said = explain(ds, found, device=device, photographs=False)
    held = said.held
    return about | {
        "claimed": list(said.names),
        "sentence": said.sentence,
        "explained": said.explained,
        "explained_null": said.explained_null,
        "kept": None if held is None else held.kept,
        "holds": None if held is None else held.holds,
        "seconds": said.seconds,
    }


def rates(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """False names on linear units; recall and precision of every family on planted ones."""
    null = [one for one in rows if not one["planted"] and one["sentence"] != "dead"]
    real = [one for one in rows if one["planted"]]
    families = {}
    for family in FAMILIES:
        having = [one for one in real if family in one["planted"]]
        claiming = [one for one in real if family in one["claimed"]]
        right = [one for one in claiming if family in one["planted"]]
        allowed = [
            one
            for one in claiming
            if any(family in CONTAINED.get(name, set()) for name in one["planted"])
        ]
        families[family] = {
            "planted": len(having),
            "recall": len(right) / len(having) if having else None,
            "precision": len(right) / len(claiming) if claiming else None,
            "precision_with_contained": (
                len({id(one) for one in right + allowed}) / len(claiming) if claiming else None
            ),
        }
    return {
        "linear_units": len(null),
        "linear_named": sum(bool(one["claimed"]) for one in null) / max(len(null), 1),
        "planted_units": len(real),
        "families": families,
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--linear", type=int, default=200)
    parser.add_argument("--planted", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
