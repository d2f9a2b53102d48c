"""The charts of a gallery as HTML: measures against the null, and the course of the search.

Positions are percentages and text is HTML, so that type keeps its size at every width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray
from xarray import Dataset

from invis.views.base import words


def axis_top(results: Sequence[Dataset]) -> float:
    """The end of the common axis: at least 2, in halves, beyond every index and spread."""
    keys = ("index", "spread", "feature_index")
    values = [words.number(ds.attrs, key) or 0.0 for ds in results for key in keys]
    return max(2.0, math.ceil(2 * (max(values, default=0.0) + 0.1)) / 2)


def scale(ds: Dataset, top: float) -> str:
    """Index and spread of one result on the axis 0..top, with the null at 1."""
    measures = [("index", "index", "dot"), ("spread", "spread", "diamond")]
    if words.number(ds.attrs, "feature_index") is not None:
        measures.append(("feature_index", f"in {words.differ_in(ds.attrs)}", "dot"))
    rows = ""
    for key, name, shape in measures:
        value = words.number(ds.attrs, key)
        track = _track([(shape, value, f"{name} {words.figure(value)}")], top)
        rows += (
            f'<div class="row"><span class="name">{escape(name)}</span>{track}'
            f'<span class="value">{words.figure(value)}</span></div>'
        )
    return f'<div class="scale">{rows}{_axis(top)}</div>'


def overview(rows: Sequence[tuple[str, str, Dataset]], top: float) -> str:
    """Many results on one axis; each row is (anchor, name, result)."""
    lines = []
    for anchor, name, ds in rows:
        index, spread = (words.number(ds.attrs, key) for key in ("index", "spread"))
        marks = [
            ("diamond", spread, f"spread {words.figure(spread)}"),
            ("dot", index, f"index {words.figure(index)}"),
        ]
        note = " dead" if ds.attrs.get("dead") else ""
        lines.append(
            f'<div class="row"><span class="name"><a href="#{anchor}">{escape(name)}</a></span>'
            f'{_track(marks, top)}<span class="value"><b>{words.figure(index)}</b> '
            f"<s>{words.figure(spread)}</s>{note}</span></div>"
        )
    return (
        '<p class="key"><span><i class="dot"></i>index</span>'
        '<span><i class="diamond"></i>spread</span>'
        '<span><i class="block"></i>what a linear unit would allow</span></p>'
        f'<div class="scale overview">{"".join(lines)}{_axis(top)}</div>'
    )


def _track(marks: Sequence[tuple[str, float | None, str]], top: float) -> str:
    shapes = "".join(
        f'<i class="{shape}" style="left:{_at(value, top)}" role="img" '
        f'aria-label="{escape(label)}"></i>'
        for shape, value, label in marks
        if value is not None
    )
    one = _at(1, top)
    return (
        f'<div class="track"><div class="band" style="width:{one}"></div>'
        f'<div class="axis-line"></div><div class="one" style="left:{one}"></div>{shapes}</div>'
    )


def _axis(top: float) -> str:
    step = 0.5 if top <= 4 else 1.0
    ticks = "".join(
        f'<span style="left:{_at(tick, top)}">{tick:g}</span>'
        for tick in np.arange(0, top + 0.01, step)
    )
    null = f'<span class="null" style="left:{_at(1, top)}">a linear unit</span>'
    return (
        f'<div class="row axis"><span></span><div class="track">{ticks}{null}</div>'
        "<span></span></div>"
    )


def _at(value: float, top: float) -> str:
    return f"{100 * min(max(value / top, 0), 1):.2f}%"


def courses(ds: Dataset) -> str:
    """Over the steps of the search: distance against the null, and the weakest image's fraction.

    Draws what the result carries; empty where it carries no course.
    """
    if ds.sizes.get("step", 0) < 2:
        return ""
    steps = ds["step"].values.astype(float)
    drawn = ""
    if "course_distance" in ds:
        distance = ds["course_distance"].values.astype(float)
        null = words.number(ds.attrs, "null_distance")
        unit, mark = ("against the null", 1.0) if null else ("in units of R", None)
        drawn += _course("Nearest-neighbour distance", unit, steps, distance / (null or 1), mark)
    if "course_fraction_min" in ds:
        least = ds["course_fraction_min"].values.astype(float)
        alpha = words.number(ds.attrs, "alpha")
        drawn += _course("Weakest image", "fraction of the reference", steps, least, alpha)
    return f'<div class="courses">{drawn}</div>'


def _course(
    name: str,
    unit: str,
    steps: NDArray[np.float64],
    values: NDArray[np.float64],
    mark: float | None,
) -> str:
    known = np.isfinite(values)
    if known.sum() < 2:
        return ""
    x, y = steps[known], values[known]
    low = min(0.0, float(y.min()))
    high = max(float(y.max()), mark or 0.0) * 1.12 or 1.0
    span = x[-1] - x[0] or 1.0

    def height(value: float) -> float:
        return 100 * (1 - (value - low) / (high - low))

    points = " ".join(
        f"{100 * (a - x[0]) / span:.2f},{height(b):.2f}" for a, b in zip(x, y, strict=True)
    )
    line, label = "", ""
    if mark is not None:
        line = f'<line x1="0" x2="100" y1="{height(mark):.2f}" y2="{height(mark):.2f}"/>'
        label = f'<span class="mark" style="top:{height(mark):.2f}%">{mark:g}</span>'
    summary = f"{name}, {unit}: from {y[0]:.2f} to {y[-1]:.2f} over {x[-1] - x[0]:.0f} steps"
    return (
        f'<div class="course"><h3>{name} <span class="hint">{unit}</span></h3><div class="plot">'
        f'<div class="ys">{label}<span style="top:{height(low):.2f}%">{low:g}</span></div>'
        f'<svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label="{summary}">'
        f'{line}<polyline points="{points}"/></svg>'
        f'<div class="xs"><span>{x[0]:.0f}</span><span>steps</span><span>{x[-1]:.0f}</span></div>'
        "</div></div>"
    )
