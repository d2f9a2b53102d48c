"""Change a figure to what it should show by what differs only.

Plotly checks every property that an update names, changed or not, which takes longer than drawing a
set. So that live figures keep up, only the differences are handed on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go


def apply(figure: go.Figure, data: Sequence[Mapping[str, Any]], layout: Mapping[str, Any]) -> None:
    """Give the traces of a figure, and its layout, new values in one batch.

    Values are plain (no arrays), and properties that `data` and `layout` do not name stay.
    """
    with figure.batch_update():
        for trace, new in zip(figure.data, data, strict=True):
            differing = changes(new, trace.to_plotly_json())
            if differing:
                trace.update(differing)
        present = {key: _plain(figure.layout[key]) for key in layout if key in figure.layout}
        figure.layout.update(changes(layout, present))


def changes(new: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """What of `new` differs from `old`; an empty dictionary stands where a list's part is equal."""
    found: dict[str, Any] = {}
    for key, value in new.items():
        present = old.get(key)
        if isinstance(value, Mapping) and isinstance(present, Mapping) and key != "meta":
            inner = changes(value, present)
            if inner:
                found[key] = inner
        elif len(_parts(value)) == len(_parts(present)) > 0:
            several = [changes(*pair) for pair in zip(_parts(value), _parts(present), strict=True)]
            if any(several):
                found[key] = several
        elif not _equal(value, present):
            found[key] = value
    return found


def _parts(value: Any) -> Sequence[Mapping[str, Any]]:
    """The parts of a list of compound ones, such as annotations; none of anything else."""
    if isinstance(value, list | tuple) and all(isinstance(part, Mapping) for part in value):
        return value
    return ()


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.array_equal(a, b)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return list(a) == list(b)
    return bool(a == b) and (type(a) is type(b) or (_number(a) and _number(b)))


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _plain(value: Any) -> Any:
    if hasattr(value, "to_plotly_json"):
        return value.to_plotly_json()
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value
