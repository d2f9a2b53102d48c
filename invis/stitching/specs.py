"""Encoders by name, as the command line has them."""

from __future__ import annotations

from collections.abc import Sequence

from invis.errors import InvisError
from invis.stitching.encoder import Encoder
from invis.stitching.networks import DEFAULT, SMALL

# The embedded networks that images of any folder can be stitched with.
EMBEDDED = ("minivgg", "minivgg@seed1", "miniresnet", "miniresnet@seed1")


def parse_encoders(
    names: Sequence[str], data: str = "digits", width: int | None = None
) -> list[str | Encoder]:
    """Small encoders stay names; `MODEL[@WEIGHTS][/LAYER]` becomes an encoder of the zoo.

    Args:
        names: left empty: six small ones for digits, the embedded networks for other images; `all`:
            every small one.
        data: what they will encode.
        width: see `Encoder.width`; for encoders of the zoo.

    Raises:
        InvisError: neither a small encoder nor a model of the zoo, or weights that are not there.
    """
    if not names:
        names = DEFAULT if data == "digits" else EMBEDDED
    elif list(names) == ["all"]:
        names = SMALL
    return [name if name in SMALL else zoo_encoder(name, width) for name in names]


def zoo_encoder(name: str, width: int | None = None) -> Encoder:
    """`MODEL[@WEIGHTS][/LAYER]`; the penultimate features where no layer is named."""
    from invis.models.catalogue import catalogue
    from invis.models.layers import find_layer
    from invis.models.zoo import load_model

    address, _, layer = name.partition("/")
    model_name, _, weights = address.partition("@")
    known = [str(row["name"]) for row in catalogue()]
    if model_name not in known:
        raise InvisError(
            f"encoder {name!r} is neither one of {', '.join(SMALL)} nor a model of `invis models`."
        )
    model = load_model(model_name, weights or None)
    where: str | None = None
    if layer:
        modules = dict(model.module.named_modules())
        where = layer if layer in modules else find_layer(model, layer).layer
    return Encoder(
        name, model.module, where, model.mean, model.std, model.input_size, model.channels, width
    )
