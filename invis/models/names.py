"""Which models there are, as far as that can be said without torch."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from invis.errors import InvisError
from invis.shipped import data_path

TRUTH = "truth"
EMBEDDED = ("minivgg", "miniresnet")
# Kinds of units that ship, and where: their modules are loaded when they are asked for.
KINDS = {"directions": ("invis.models.directions", "open_directions")}
# How many layers torchvision's models have.
COUNTS = "layers.json"


def no_such_model(name: str, known: Sequence[str]) -> InvisError:
    """The error that names the nearest ones."""
    near = get_close_matches(name.lower(), known, n=3, cutoff=0.6)
    told = f"the nearest are {', '.join(near)}" if near else "vgg16, resnet50 and minivgg do"
    return InvisError(f"model {name!r} does not exist: {told}")


def kind_of(address: str) -> str:
    """The first part of an address, which a kind of units may have for a name."""
    return address.strip().partition("/")[0]


def check_model(name: str) -> None:
    """Raise InvisError where there is certainly no such model; costs no import of torch."""
    known = [TRUTH, *EMBEDDED, *_counted()]
    if name not in known and not _in_torchvision(name):
        raise no_such_model(name, known)


@cache
def _counted() -> tuple[str, ...]:
    return tuple(json.loads(data_path(COUNTS).read_text(encoding="utf-8")))


def _in_torchvision(name: str) -> bool:
    """Whether torchvision defines a function of this name among its models."""
    spec = find_spec("torchvision")
    if spec is None or spec.origin is None or not name.isidentifier():
        return spec is None
    begins = re.compile(rf"^def {name}\(", re.MULTILINE)
    files = (Path(spec.origin).parent / "models").rglob("*.py")
    return any(begins.search(file.read_text(encoding="utf-8")) for file in files)
