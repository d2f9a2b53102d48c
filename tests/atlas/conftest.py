"""A small real atlas, and synthetic results of any number."""

from pathlib import Path

import pytest

from invis import search
from invis.atlas import Atlas
from invis.models.unit import units_at
from invis.search import Settings

ADDRESS = "minivgg@none:0/conv1_1/0-5"
FAST = Settings(images=2)


@pytest.fixture(scope="session")
def sets():
    """Six real results of two images each."""
    return search(ADDRESS, images=2, device="cpu")


@pytest.fixture(scope="session")
def units():
    return units_at(ADDRESS, device="cpu")


@pytest.fixture
def store(tmp_path):
    return str(tmp_path / "atlas")


@pytest.fixture
def filled(store, units, sets):
    """An atlas with five of six results, channel 4 failed."""
    layer = Atlas(store, mode="a").plan(units, FAST)
    for ds in sets:
        if ds.attrs["channel"] != "4":
            layer.write(ds)
    layer.fail(4, "it was too dark")
    return layer


def kept(ds):
    """What an atlas keeps of a result besides attributes: all but the vectors."""
    return ds.drop_attrs().drop_vars(["vectors", "reference_vector"])


def chunk(store, layer, channel):
    """The file of a unit's pixels."""
    return Path(store) / layer.path / "images" / f"c.{channel}.0.0.0.0"
