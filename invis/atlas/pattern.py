"""Which units a sweep is asked for: `vgg19/conv1_1..conv4_4`, a list of layers, a whole model."""

from __future__ import annotations

from dataclasses import dataclass

from invis.errors import InvisError
from invis.models.address import Address, parse_address, parse_channels
from invis.models.layers import find_layer
from invis.models.suggest import layers_of, listed_layer
from invis.models.zoo import architecture

EXAMPLE = "vgg19/conv1_1..conv4_4"
_DUMMY = "x/0"


@dataclass(frozen=True)
class Part:
    """The units of one layer that are asked for.

    Attributes:
        model: name of the network.
        weights: as in an address, or None.
        layer: name of the layer in addresses, with `:raw` where the convolution's own is meant.
        channels: which of its units, in ascending order.
    """

    model: str
    weights: str | None
    layer: str
    channels: tuple[int, ...]

    def address(self, channels: tuple[int, ...] | None = None) -> Address:
        """The address of these units, or of some of them."""
        name = self.layer.removesuffix(":raw")
        chosen = self.channels if channels is None else channels
        return Address(self.model, self.weights, name, chosen, self.layer.endswith(":raw"))


def parse_pattern(text: str, units: str | None = None) -> list[Part]:
    """Read `MODEL[@WEIGHTS][/LAYERS[/CHANNELS]]`.

    LAYERS are names and ranges `A..B`, with commas between them; a range holds all layers from A to
    B in the order of `invis units MODEL`. Without LAYERS the whole model is meant.

    Args:
        text: the pattern.
        units: channels of every layer, such as `0-63`; a layer with fewer gives those that it has.

    Raises:
        InvisError: for a model, layer or channel that does not exist.
    """
    head, *rest = text.strip().split("/")
    if len(rest) > 2 or (len(rest) == 2 and units is not None):
        raise InvisError(
            f"pattern {text!r} is not MODEL[@WEIGHTS]/LAYERS: write it like {EXAMPLE}, and name "
            "channels once"
        )
    # An address's own parser knows what a model's name may look like.
    where = parse_address(f"{head}/{_DUMMY}")
    chosen = rest[1] if len(rest) == 2 else units
    wanted = None if chosen is None else sorted(parse_channels(chosen))
    counts = _layers(where.model, rest[0] if rest else "", text)
    most = max(counts.values())
    if wanted is not None and wanted[-1] >= most:
        raise InvisError(
            f"units {chosen!r} do not all exist: the layers of {text!r} have channels 0 to "
            f"{most - 1}"
        )
    parts = [
        Part(where.model, where.weights, name, tuple(k for k in wanted or range(n) if k < n))
        for name, n in counts.items()
    ]
    return [part for part in parts if part.channels]


def _layers(model: str, text: str, pattern: str) -> dict[str, int]:
    """Name -> channels of every layer that is meant, in the order asked for."""
    listed = {one.layer: one.channels for one in layers_of(model)}
    if not text:
        return listed
    found: dict[str, int] = {}
    for part in text.split(","):
        first, dots, last = (name.strip() for name in part.partition(".."))
        if not dots:
            found |= dict([_single(model, first)])
            continue
        names = list(listed)
        begin, end = (names.index(_listed(model, name, pattern)) for name in (first, last))
        if begin > end:
            raise InvisError(
                f"pattern {pattern!r} runs backwards: {last} comes before {first}, so write "
                f"{last}..{first}"
            )
        found |= {name: listed[name] for name in names[begin : end + 1]}
    return found


def _single(model: str, name: str) -> tuple[str, int]:
    """The name in addresses and the channels of one layer, any that an address may name."""
    raw = name.endswith(":raw")
    plain = name.removesuffix(":raw")
    layer = None if raw else listed_layer(model, plain)
    if layer is None:
        layer = find_layer(architecture(model), plain, raw)
    return layer.layer + (":raw" if raw else ""), layer.channels


def _listed(model: str, name: str, pattern: str) -> str:
    """The listed name of an end of a range."""
    layer = listed_layer(model, name)
    if layer is None:
        # Says which names are near, where there is no such layer at all.
        find_layer(architecture(model), name)
        raise InvisError(
            f"layer {name!r} of pattern {pattern!r} ends no range: take one that "
            f"`invis units {model}` lists"
        )
    return layer.layer
