"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        state: `problem` where something that Invis promises cannot work here.
        found: what was found.
        advice: what to do, in one sentence; empty where nothing needs to be done.
    """

    state: Literal["ok", "warning", "problem"]
    found: str
    advice: str = ""


def first_line(error: BaseException) -> str:
    """The first line of an error, or its type where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
