"""The lines of Python that repeat a search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from invis.search.settings import SETTINGS


def search_code(address: str, settings: Mapping[str, Any], own: bool = False) -> str:
    """Code that makes the same result; settings at their defaults are left out.

    With `own` the address is that of a network of the user's, which code cannot load: it then
    starts from the `units` that the explorer was made with.
    """
    defaults = {name: about.default for name, about in SETTINGS.items()}
    said = {k: v for k, v in settings.items() if v != defaults.get(k)}
    if own:
        lines = [
            "import invis",
            "",
            f"k = units.addresses.index({_quoted(address)})",
            f"(result,) = invis.search(units.only([k]){_arguments(said)})",
        ]
    else:
        lines = [
            "import invis",
            "",
            f"(result,) = invis.search({_quoted(address)}{_arguments(said)})",
        ]
    return "\n".join([*lines, "result"])


def _arguments(said: Mapping[str, Any]) -> str:
    return "".join(
        f", {key}={_quoted(value) if isinstance(value, str) else repr(value)}"
        for key, value in said.items()
    )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
