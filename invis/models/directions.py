"""Directions in a layer as units: a set of them in a file, each with an address of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from invis.errors import InvisError
from invis.files.saved import Kind, load, register
from invis.models.address import format_channels, parse_channels
from invis.models.units import Units

FORMAT = "invis-directions-1"
KIND = "directions"


def directions(
    vectors: NDArray[np.floating[Any]] | torch.Tensor,
    layer: str,
    bias: NDArray[np.floating[Any]] | torch.Tensor | None = None,
    **attrs: Any,
) -> xr.Dataset:
    """A set of directions: PCA or NMF of activations, the decoder of a sparse autoencoder.

        ds = invis.directions(sae.decoder.weight.T, "vgg16/conv3_1")
        invis.save(ds, "features.nc")
        invis.search("directions/features.nc/17")

    Args:
        vectors: (K, C) one direction a row, over the layer's channels.
        layer: address of the layer, `model[@weights]/layer`.
        bias: (K,) what is added to each response.
        attrs: what else is to be remembered.

    Raises:
        InvisError: if the vectors are not finite rows, or the layer is no address of one.
    """
    rows = np.asarray(torch.as_tensor(vectors).detach().cpu(), dtype=np.float32)
    if rows.ndim != 2 or not len(rows) or not np.isfinite(rows).all() or not rows.any(1).all():
        raise InvisError(
            f"vectors of shape {rows.shape} are wrong: give finite rows (K, C), none of them 0"
        )
    if layer.count("/") != 1:
        raise InvisError(f"layer {layer!r} is wrong: give model/layer, e.g. vgg16/conv3_1")
    found = xr.Dataset({"vectors": (("direction", "channel"), rows)})
    if bias is not None:
        shift = np.asarray(torch.as_tensor(bias).detach().cpu(), dtype=np.float32)
        found["bias"] = ("direction", np.broadcast_to(shift, len(rows)).copy())
    return found.assign_attrs(format=FORMAT, layer=layer, **attrs)


def open_directions(address: str, weights: str | None, device: str | torch.device | None) -> Units:
    """The units of `directions/FILE/17` or `directions/FILE/0-7[@place]`.

    Raises:
        InvisError: if there is no such file or direction, or the layer has other channels.
    """
    from invis.models.unit import units_at

    rest, _, chosen = address.strip().partition("/")[2].rpartition("/")
    numbers, mark, place = chosen.partition("@")
    if not rest:
        raise InvisError(
            f"address {address!r} names no directions: write it like {KIND}/pca.nc/0-7"
        )
    ds = load(rest, FORMAT)
    picked = parse_channels(numbers, address)
    rows, count = ds["vectors"].values, ds.sizes["direction"]
    if max(picked) >= count:
        raise InvisError(
            f"direction {max(picked)} does not exist: {rest} has directions 0 to {count - 1}"
        )
    one = units_at(f"{ds.attrs['layer']}/0{mark}{place}", weights, device)
    return _towards(one, ds, rows, picked, f"{KIND}/{rest}", f"{mark}{place}")


def _towards(
    one: Units,
    ds: xr.Dataset,
    rows: NDArray[np.float32],
    picked: tuple[int, ...],
    head: str,
    place: str,
) -> Units:
    if rows.shape[1] != one.readout.shape[1]:
        raise InvisError(
            f"vectors have {rows.shape[1]} channels, {ds.attrs['layer']} has "
            f"{one.readout.shape[1]}: give directions of this layer"
        )
    readout = torch.as_tensor(rows[list(picked)]).to(one.readout)
    bias = None
    if "bias" in ds:
        bias = torch.as_tensor(ds["bias"].values[list(picked)]).to(one.readout)
    labels = tuple(f"{format_channels([k])}{place}" for k in picked)
    return replace(one, readout=readout, bias=bias, labels=labels, head=head)


register(Kind(FORMAT, "set of directions", "one that `invis directions` wrote"))
