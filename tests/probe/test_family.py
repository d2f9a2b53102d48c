"""A family of transformations is one object: another kind needs no change anywhere else."""

import pytest
import torch
from torch import nn

import invis
from invis.atlas import Atlas
from invis.dashboard.atlas import AtlasPage
from invis.dashboard.store import Store
from invis.errors import InvisError
from invis.models.truth import SIZE, Filters, Strongest, orthonormal
from invis.probe.families import FAMILIES, register
from invis.probe.family import Family, Members
from invis.probe.probe import probe
from invis.views.probe.curves import curves_figure, explained_figure

MIRROR = Family(
    "mirror",
    "side",
    lambda image, wave, fine: Members(
        torch.tensor([0.0, 1.0, 2.0]), torch.stack([image, image.flip(2), image.flip(1)])
    ),
)


@pytest.fixture
def mirror():
    """The family, known for the length of a test."""
    register(MIRROR)
    yield MIRROR
    del FAMILIES["mirror"]


def spot(row, column, sigma=2.0):
    """(24, 24) a light centre with a dark surround at a place in pixels."""
    axis = torch.arange(SIZE)
    squared = ((axis[:, None] - row) ** 2 + (axis[None] - column) ** 2) / (2 * sigma**2)
    return (1 - squared) * torch.exp(-squared)


def mirrored_unit():
    """f = max(w.x, m.x), m the mirror image of w, which no rotation or shift makes of w."""
    left = spot(6, 5) + 0.6 * spot(6, 11) - 0.8 * spot(17, 7)
    pair = torch.stack([one.expand(3, -1, -1) for one in (left, left.flip(1))])
    cell = nn.Sequential(Filters(orthonormal(pair)), Strongest())
    return invis.unit(nn.Sequential(cell), "0", 0, input_size=SIZE, mean=(0.5,) * 3, name="own")


def test_another_family_is_claimed_shown_saved_and_found_again(mirror, tmp_path):
    units = mirrored_unit()
    (ds,) = invis.search(units, device="cpu", metric="pixels")
    found = probe(ds, units)
    assert found.names == ("mirror",)
    assert found.sentence.startswith("mirror-invariant")
    assert found.curves["mirror"].explained > 0.8
    assert "mirror" in explained_figure(found).data[0].y
    assert "mirror" in [note.text for note in curves_figure(found).layout.annotations]
    layer = Atlas(str(tmp_path / "atlas"), mode="a").plan(units, invis.search.Settings())
    layer.write(ds)
    layer.note(0, "probe", found.summary())
    page = AtlasPage(Store(str(tmp_path / "atlas")))
    page.layer, page.named = layer.layer, "mirror"
    assert [row["channel"] for row in page.rows()] == [0]
    page.named = "scale"
    assert page.rows() == []
    page.close()


def test_two_families_of_one_name_are_refused(mirror):
    with pytest.raises(InvisError, match="family 'mirror' is registered already"):
        register(mirror)
