"""What is known to be wrong before anything is imported, by the name of a parameter.

A command that would begin by importing torch for seconds tells a wrong argument at once. Only what
is certain is refused here; the rest is checked by those who know it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from typing import Any

import click

from invis.cli.options import SettingOption
from invis.errors import InvisError
from invis.search.settings import SETTINGS

Check = Callable[[str, Any], None]

DEVICE = re.compile(r"cpu(:0)?|mps(:0)?|cuda(:[0-9]{1,3})?")
# torchvision's names, those of the embedded networks, and the first digits of a hash.
WEIGHTS = re.compile(r"[A-Z][A-Z0-9_]*|default|seed1|none|none:[0-9]{1,19}|[0-9a-f]{6,64}")
SCHEDULER = re.compile(r"[a-z+]+://\S+:[0-9]{1,5}|inproc://\S+")
ATLAS = "invis-atlas-1"
RESULT = "result.nc"


def watch(command: click.Command) -> None:
    """Let a command, and those below it, check its parameters as soon as they are read."""
    if isinstance(command, click.Group):
        for one in command.commands.values():
            watch(one)
        return
    for param in command.params:
        name = str(param.name)
        check = CHECKS.get(f"{command.name} {name}", CHECKS.get(name))
        if check is None and isinstance(param, SettingOption):
            check = _setting(name)
        if check is not None and param.callback is None:
            param.callback = _callback(check)


def _setting(key: str) -> Check:
    """What the definition of a setting says of its values; of a file only whether it is there."""
    about = SETTINGS[key]

    def check(_: str, value: Any) -> None:
        if about.other != "FILE" or value in about.choices:
            about.checked(key, value)
        elif not os.path.isfile(value):  # noqa: PTH113
            named = " or ".join(about.choices)
            raise InvisError(f"{key} {value!r} is no file: use {named}, or one that is there")

    return check


def _callback(check: Check) -> Callable[[click.Context, click.Parameter, Any], Any]:
    def callback(_: click.Context, param: click.Parameter, value: Any) -> Any:
        name = param.opts[0] if isinstance(param, click.Option) else str(param.name)
        for one in value if isinstance(value, tuple) else (value,):
            if one is not None:
                check(name, one)
        return value

    return callback


def address(name: str, text: str) -> None:
    """An address of units of a model that there is, or of another kind."""
    from invis.models.address import parse_address
    from invis.models.names import KINDS, check_model, kind_of

    if kind_of(text) not in KINDS:
        check_model(parse_address(text).model)


def layer(name: str, text: str) -> None:
    """A layer of a model that there is."""
    if text.count("/") != 1 or not text.partition("/")[2].strip():
        raise InvisError(f"{name} {text!r} is no layer: write it like vgg16/conv3_1")
    model(name, text)


def model(name: str, text: str) -> None:
    """A model that there is, with or without weights or layers after it."""
    from invis.models.names import check_model

    check_model(re.split("[@/]", text, maxsplit=1)[0])


def channels(name: str, text: str) -> None:
    """Channels such as 0-15,20."""
    from invis.models.address import parse_channels

    parse_channels(text)


def device(name: str, text: str) -> None:
    """The name of a device, whether this machine has it or not."""
    if not DEVICE.fullmatch(text):
        raise InvisError(f"{name} {text!r} is no device: use cpu, cuda, cuda:1 or mps")


def weights(name: str, text: str) -> None:
    """A name of weights, or a file."""
    if os.path.isdir(text):  # noqa: PTH112 (Path raises where a name is too long; here and below)
        raise InvisError(f"{name} {text!r} is a folder, not a file of weights")
    _no_pipe(name, text)
    if not os.path.isfile(text) and not WEIGHTS.fullmatch(text):  # noqa: PTH113
        raise InvisError(
            f"{name} {text!r} is neither a file nor a name of weights: use a .safetensors file, "
            "none, none:SEED, or a name such as IMAGENET1K_V1"
        )


def result(name: str, path: Any) -> None:
    """A file of a saved result."""
    text = str(path)
    _no_pipe(name, text)
    if not os.path.isfile(text):  # noqa: PTH113
        raise InvisError(f"{name} {text!r} is not a file: give a {RESULT} written by a search")
    from invis.files.containers import NETCDF

    with open(text, "rb") as file:  # noqa: PTH123
        if file.read(len(NETCDF.magic)) != NETCDF.magic:
            raise InvisError(
                f"{name} {text!r} is not a readable result: give a {RESULT} written by a search"
            )


def result_or_folder(name: str, path: Any) -> None:
    """A file of a saved result, or a folder, which may hold some."""
    text = str(path)
    if os.path.isdir(text):  # noqa: PTH112
        return
    if not os.path.exists(text):  # noqa: PTH110
        raise InvisError(
            f"{name} {text!r} is neither a file nor a folder; `invis search` writes such files"
        )
    result(name, text)


def result_or_address(name: str, text: str) -> None:
    """A file of a saved result or its folder, or an address."""
    if os.path.exists(text) or text.endswith(".nc"):  # noqa: PTH110
        if not os.path.isdir(text):  # noqa: PTH112
            result(name, text)
    else:
        address(name, text)


def target(name: str, text: str) -> None:
    """A file of a saved result by its ending, else an address."""
    (result if text.endswith(".nc") else address)(name, text)


def folder(name: str, path: Any) -> None:
    """A folder that is there."""
    text = str(path)
    if not os.path.isdir(text):  # noqa: PTH112
        what = "is no folder" if os.path.exists(text) else "does not exist"  # noqa: PTH110
        raise InvisError(f"{name} {text!r} {what}: give a folder of pictures")


def images(name: str, text: str) -> None:
    """`digits`, or a folder."""
    if text != "digits" and not os.path.isdir(text):  # noqa: PTH112
        raise InvisError(f"{name} {text!r} is neither 'digits' nor a folder of images")


def run(name: str, path: Any) -> None:
    """A trajectory that is there, or ships."""
    text = str(path)
    _no_pipe(name, text)
    if text not in ("minivgg", "miniresnet") and not os.path.exists(text):  # noqa: PTH110
        raise InvisError(
            f"{name} {text!r} does not exist: give a folder of checkpoints, a gram.npz, or minivgg "
            "or miniresnet, whose runs ship"
        )


def atlas(name: str, url: str) -> None:
    """An atlas, where it is on a disk."""
    if "://" in url:
        return
    made = "give a folder that `invis sweep` made"
    if os.path.isfile(url):  # noqa: PTH113
        raise InvisError(f"store {url!r} is a file: {made}")
    names = os.listdir(url) if os.path.isdir(url) else []  # noqa: PTH112, PTH208
    if not names:
        raise InvisError(f"store {url!r} does not exist or is empty: {made}")
    if "zarr.json" not in names:
        raise InvisError(
            f"store {url!r} is not an atlas: it holds {min(names)!r} but no zarr.json; {made}"
        )
    try:
        with open(os.path.join(url, "zarr.json"), "rb") as file:  # noqa: PTH118, PTH123
            told = json.load(file)["attributes"]["format"]
    except (OSError, ValueError, KeyError, TypeError):
        told = None
    if told != ATLAS:
        raise InvisError(f"store {url!r} is a zarr group but not an atlas: {made}")


def folder_to_be(name: str, path: Any) -> None:
    """A folder that results can go to."""
    if os.path.exists(path) and not os.path.isdir(path):  # noqa: PTH110, PTH112
        raise InvisError(f"cannot write {str(path)!r}: it is a file")


def file_to_be(name: str, path: Any) -> None:
    """The name of a file."""
    if os.path.isdir(path):  # noqa: PTH112
        raise InvisError(f"{name} {str(path)!r} is a folder: give the name of a file")


def floors(name: str, text: str) -> None:
    """Floors such as 0.8,0.9."""
    from invis.cli.profile import parse_floors
    from invis.search.settings import checked_floors

    checked_floors(parse_floors(text))


def page_to_be(name: str, path: Any) -> None:
    """The name of a page."""
    if not str(path).lower().endswith(".html"):
        raise InvisError(f"{name} {str(path)!r} is no page: give a name that ends in .html")


def scheduler(name: str, text: str) -> None:
    """The address of a scheduler."""
    if not SCHEDULER.fullmatch(text):
        raise InvisError(f"{name} {text!r} is no address: write it like tcp://node1:8786")


def arch(name: str, text: str) -> None:
    """A network that can be trained."""
    from invis.models.names import EMBEDDED

    if text not in EMBEDDED:
        raise InvisError(f"{name} {text!r} cannot be trained: use {' or '.join(EMBEDDED)}")


def between(low: int, high: int) -> Check:
    """A whole number from `low` to `high`."""

    def check(name: str, value: int) -> None:
        if not low <= value <= high:
            raise InvisError(f"{name} {value} is out of range: use {low} to {high}")

    return check


def _no_pipe(name: str, text: str) -> None:
    """A pipe would be waited for, and a device has no end."""
    there = os.path.exists(text)  # noqa: PTH110
    if there and not os.path.isfile(text) and not os.path.isdir(text):  # noqa: PTH112, PTH113
        raise InvisError(f"{name} {text!r} is no file but a pipe or a device")


# By the name of a parameter; of one command only, where its name comes first.
CHECKS: dict[str, Check] = {
    "address": address,
    "directions address": layer,
    "serve address": lambda name, text: None,
    "model": model,
    "pattern": model,
    "sweep units": channels,
    "device": device,
    "weights": weights,
    "results": result_or_folder,
    "compare first": result_or_folder,
    "compare second": result_or_folder,
    "morph result": result_or_address,
    "result": result,
    "target": target,
    "merge target": lambda name, text: None,
    "data": folder,
    "stitch data": images,
    "folder": folder,
    "lab folder": lambda name, path: None,
    "path": run,
    "store": atlas,
    "sweep store": lambda name, text: None,
    "sources": atlas,
    "out": folder_to_be,
    "directions out": file_to_be,
    "show out": page_to_be,
    "compare out": page_to_be,
    "statistics out": file_to_be,
    "profile alpha": floors,
    "scheduler": scheduler,
    "arch": arch,
    # Of the random numbers of torch and numpy.
    "seed": between(0, 2**63 - 1),
    "search images": between(2, 100_000),
    "profile images": between(2, 100_000),
    "sweep images": between(2, 100_000),
    "count": between(1, 10_000),
    "frames": between(2, 10_000),
    "epochs": between(1, 100_000),
    "workers": between(1, 1024),
    "anchors": between(2, 1_000_000),
    "seeds": between(1, 1000),
    "width": between(1, 65_536),
    "limit": between(1, 2**40),
}
