"""Unit addresses: `model[@weights]/layer[:raw]/channels[@place]`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from invis.errors import InvisError

EXAMPLE = "vgg16@none:0/conv3_1/0-15,20"
_MODEL = re.compile(r"(?P<model>[^@/\s]+)(?:@(?P<weights>[^@/\s]+))?")
_RANGE = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?", re.ASCII)
_PLACE = re.compile(r"cls|\d{1,9},\d{1,9}", re.ASCII)
_MOST = 1 << 20

CLASS_TOKEN = "cls"
Position = str | tuple[int, int]
"""(row, column) of a map or a grid of tokens, "cls", or "center"."""


@dataclass(frozen=True)
class Address:
    """Where one or several units of a layer live.

    Attributes:
        model: name of the network, e.g. `vgg16`.
        weights: name of the weights, `none:SEED` for an untrained control, the first digits of a
            weights hash, or None for the model's default.
        layer: the paper's name (`conv3_1`) or the module's dotted name (`layer1.0.conv2`).
        channels: the units, in the order asked for.
        raw: the convolution's own output is meant where batch norm follows it.
        place: where in the layer's map: `7,7` for row and column, `cls` for the class token of a
            transformer, or "" for the position at the centre.
    """

    model: str
    weights: str | None
    layer: str
    channels: tuple[int, ...]
    raw: bool = False
    place: str = ""

    @property
    def position(self) -> "Position":
        """The place as `invis.unit` takes it."""
        if not self.place:
            return "center"
        if self.place == CLASS_TOKEN:
            return CLASS_TOKEN
        row, column = self.place.split(",")
        return int(row), int(column)

    def __str__(self) -> str:
        weights = f"@{self.weights}" if self.weights else ""
        raw = ":raw" if self.raw else ""
        place = f"@{self.place}" if self.place else ""
        return f"{self.model}{weights}/{self.layer}{raw}/{format_channels(self.channels)}{place}"


def format_channels(channels: Sequence[int]) -> str:
    """Write channels shortly: (0, 1, 2, 5) becomes `0-2,5`."""
    runs: list[list[int]] = []
    for channel in channels:
        if runs and channel == runs[-1][1] + 1:
            runs[-1][1] = channel
        else:
            runs.append([channel, channel])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def parse_channels(text: str, within: str | None = None) -> tuple[int, ...]:
    """Read `0-15,20`; repeated channels count once.

    Raises:
        InvisError: if a part is neither a channel nor a range `first-last`.
    """
    where = f" of address {within!r}" if within else ""
    channels: dict[int, None] = {}
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last or last >= _MOST:
            raise InvisError(
                f"channels {text!r}{where} are wrong at {part!r}: "
                "give numbers and ranges, e.g. 12 or 0-15,20"
            )
        channels.update(dict.fromkeys(range(first, last + 1)))
    return tuple(channels)


def parse_address(text: str) -> Address:
    """Read an address; `str()` of the result reads back as the same address.

    Raises:
        InvisError: if the text is not `model[@weights]/layer[:raw]/channels[@place]`.
    """
    parts = text.strip().split("/")
    head = _MODEL.fullmatch(parts[0])
    if len(parts) != 3 or head is None or not parts[1].removesuffix(":raw").strip():
        raise InvisError(
            f"address {text!r} is not model[@weights]/layer/channels: write it like {EXAMPLE}"
        )
    layer = parts[1].strip()
    channels, mark, place = parts[2].partition("@")
    if mark and not _PLACE.fullmatch(place.strip()):
        raise InvisError(
            f"place {place!r} of address {text!r} is wrong: give row and column as in 17@7,7, or "
            "cls for the class token"
        )
    return Address(
        model=head["model"],
        weights=head["weights"],
        layer=layer.removesuffix(":raw"),
        channels=parse_channels(channels, text),
        raw=layer.endswith(":raw"),
        place=place.strip(),
    )
