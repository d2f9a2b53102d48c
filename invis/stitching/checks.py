"""What every function of this room asks of its arrays."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from invis.errors import InvisError

Matrix = NDArray[np.floating[Any]]


def matrix(name: str, values: ArrayLike, width: int | None = None) -> Matrix:
    """`values` as a finite (N, d) array of floats, N and d at least 1; float32 stays float32.

    Args:
        name: what the caller's argument is called, for the message.
        values: anything that numpy takes.
        width: the d that is required, if one is.

    Raises:
        InvisError: it is not such an array.
    """
    try:
        array = np.asarray(values)
        if array.dtype != np.float32:
            array = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InvisError(
            f"{name} is no array of numbers ({error}); give one of shape (N, d)."
        ) from error
    if array.ndim != 2 or 0 in array.shape:
        raise InvisError(f"{name} has shape {array.shape}; it must be (N, d), one row per input.")
    if width is not None and array.shape[1] != width:
        raise InvisError(f"{name} has {array.shape[1]} columns; {width} are needed here.")
    if not np.isfinite(array).all():
        raise InvisError(f"{name} holds NaN or infinity; every value must be finite.")
    return array


def pair(name_x: str, x: ArrayLike, name_y: str, y: ArrayLike) -> tuple[Matrix, Matrix]:
    """Two matrices whose rows belong to the same inputs.

    Raises:
        InvisError: the numbers of rows differ, or either is no matrix.
    """
    left, right = matrix(name_x, x), matrix(name_y, y)
    if len(left) != len(right):
        raise InvisError(
            f"{name_x} has {len(left)} rows and {name_y} has {len(right)}; "
            "the rows of both must belong to the same inputs."
        )
    return left, right


def choice(name: str, value: Any, known: Iterable[str]) -> str:
    """`value` if it is one of `known`.

    Raises:
        InvisError: it is not; the sentence names the nearest one.
    """
    names = list(known)
    if isinstance(value, str) and value in names:
        return value
    near = difflib.get_close_matches(str(value), names, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    raise InvisError(f"{name} {value!r} is not one of {', '.join(names)}{hint}.")
