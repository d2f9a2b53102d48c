"""Verify, repair, merge and export: what is whole, what is taken, what a browser gets."""

import json

import pandas as pd
import pytest
import zarr
from PIL import Image

from invis.atlas import Atlas
from invis.atlas.merge import consolidated_copy, merge_steps
from invis.atlas.verify import verify
from invis.errors import InvisError
from invis.progress import until_done
from invis.search import Settings
from invis.views.atlas.site import STRIP, site_steps
from tests.atlas.conftest import FAST, chunk, kept


def merged(target, *sources):
    (last,) = until_done(merge_steps(Atlas(target, mode="a"), [Atlas(one) for one in sources]))
    return last


def test_a_whole_atlas_is_clean(filled, store):
    report = verify(Atlas(store))
    assert (report.total, report.done, report.layers, report.damaged) == (5, 5, 1, {})
    assert report.failed == {f"{filled.path}/4": "it was too dark"}


def test_damage_is_found_and_a_repair_lets_it_be_searched_again(filled, store, sets):
    chunk(store, filled, 1).unlink()
    chunk(store, filled, 2).write_bytes(b"nothing")
    report = verify(Atlas(store))
    assert sorted(report.damaged) == [f"{filled.path}/1", f"{filled.path}/2"]
    assert filled.done() == {0, 1, 2, 3, 5}
    verify(Atlas(store, mode="a"), repair=True)
    assert filled.done() == {0, 3, 5}
    for channel in (1, 2):
        filled.write(sets[channel])
    assert verify(Atlas(store)).damaged == {}


@pytest.mark.parametrize("how", ["gone", "empty", "text", "folder", "link"])
def test_a_layer_that_cannot_be_opened_is_named(filled, store, units, sets, tmp_path, how):
    folder = chunk(store, filled, 1).parent.parent
    told = folder / "zarr.json"
    if how == "gone":
        told.unlink()
    elif how == "empty":
        told.write_text(json.dumps(json.loads(told.read_text()) | {"attributes": {}}))
    elif how == "text":
        told.write_text("no JSON")
    elif how == "folder":
        folder.rename(tmp_path / "away")
    else:
        told.rename(tmp_path / "away.json")
        told.symlink_to(tmp_path / "away.json")
    report = verify(Atlas(store))
    assert list(report.damaged) == [filled.path] and report.layers == 0
    # No sweep writes over what may be saved.
    with pytest.raises(InvisError, match="is damaged"):
        Atlas(store, mode="a").plan(units, FAST)
    verify(Atlas(store, mode="r+"), repair=True)
    layer = Atlas(store, mode="a").plan(units, FAST)
    assert layer.done() == set()
    for ds in sets:
        layer.write(ds)
    assert verify(Atlas(store)).damaged == {}


@pytest.mark.parametrize("what", ["images", "done"])
def test_a_link_out_of_the_store_is_refused(filled, store, tmp_path, what):
    secret = tmp_path / "secret"
    secret.write_bytes(b"a password and more than enough of it")
    place = chunk(store, filled, 1)
    if what == "done":
        place = place.parent.parent / "done" / "1.json"
    place.unlink()
    place.symlink_to(secret)
    (why,) = verify(Atlas(store)).damaged.values()
    assert "link" in why and "password" not in why
    with pytest.raises(InvisError, match="link"):
        filled.read(1)


def test_a_damaged_unit_is_told_without_a_byte_of_it(filled, store):
    chunk(store, filled, 1).write_bytes(b"a password and more than enough of it")
    (why,) = verify(Atlas(store)).damaged.values()
    assert "cannot be read" in why and "b'" not in why


def test_an_array_that_is_gone_costs_its_units_only(filled, store):
    (chunk(store, filled, 1).parent / "zarr.json").unlink()
    damaged = verify(Atlas(store)).damaged
    assert len(damaged) == 5 and all("array of images" in why for why in damaged.values())


def test_a_record_under_another_channel_is_found(filled, store):
    record = (chunk(store, filled, 1).parent.parent / "done" / "1.json").read_bytes()
    (chunk(store, filled, 1).parent.parent / "done" / "7.json").write_bytes(record)
    (chunk(store, filled, 1).parent.parent / "done" / "99.json").write_bytes(record)
    chunk(store, filled, 7).write_bytes(chunk(store, filled, 1).read_bytes())
    damaged = verify(Atlas(store)).damaged
    assert damaged == {
        f"{filled.path}/7": "it is channel 1",
        f"{filled.path}/99": "the layer has 16 units",
    }


def test_a_merge_takes_what_is_missing_and_keeps_what_is_there(
    filled, store, units, sets, tmp_path
):
    other = Atlas(tmp_path / "other", mode="a")
    layer = other.plan(units, FAST)
    layer.write(sets[4])
    changed = sets[0].copy(deep=True)
    changed["images"][:] = 3
    layer.write(changed)
    layer.write(sets[1])
    layer.note(1, "probe", {"sentence": "it ignores hue"})
    other.plan(units, Settings(images=3))
    last = merged(store, tmp_path / "other")
    assert (last.taken, last.same, last.differing) == (1, 1, [f"{filled.path}/0"])
    assert filled.done() == set(range(6))
    assert filled.read(0).drop_attrs().equals(kept(sets[0]))
    assert filled.noted(1, "probe") == {"sentence": "it ignores hue"}
    assert len(Atlas(store).layers()) == 2
    assert verify(Atlas(store)).damaged == {}


def test_a_merge_into_nothing_is_a_copy(filled, store, tmp_path):
    assert merged(tmp_path / "copy", store).taken == 5
    first, second = (Atlas(place).table() for place in (store, tmp_path / "copy"))
    pd.testing.assert_frame_equal(first, second)


def test_a_copy_with_consolidated_metadata(filled, store, tmp_path):
    consolidated_copy(Atlas(store), str(tmp_path / "copy"))
    told = json.loads((tmp_path / "copy" / "zarr.json").read_text())
    assert f"{filled.path}/images" in told["consolidated_metadata"]["metadata"]
    opened = zarr.open_consolidated(str(tmp_path / "copy"))
    assert opened[f"{filled.path}/images"].shape[0] == 16
    assert verify(Atlas(tmp_path / "copy")).done == 5
    assert "consolidated_metadata" not in json.loads(
        chunk(store, filled, 0).parents[4].joinpath("zarr.json").read_text()
    )


def test_the_site_has_a_page_and_a_picture_a_unit_and_asks_for_nothing(filled, store, tmp_path):
    filled.note(1, "probe", {"sentence": "it ignores <hue>"})
    steps = site_steps(Atlas(store), tmp_path / "site")
    assert [(step.done, step.total) for step in steps] == [(k, 5) for k in range(1, 6)]
    site = tmp_path / "site"
    index = (site / "index.html").read_text()
    (page,) = (site / "layers").iterdir()
    layer = page.read_text()
    assert f'href="layers/{page.name}"' in index
    assert index.count("5 units") and "untrained, seed 0" in index
    assert "it ignores &lt;hue&gt;" in layer
    for channel in (0, 1, 2, 3, 5):
        (picture,) = (site / "units").glob(f"*-{channel}.png")
        # Two images and a reference of 3 px, at least twice as high as pages show them.
        with Image.open(picture) as shown:
            width, height = shown.size
        assert 3 * height < width < 3.5 * height and height % 3 == 0 and height >= 2 * STRIP - 3
        assert f'href="../units/{picture.stem}.html"' in layer
        assert (site / "units" / f"{picture.stem}.html").is_file()
    for text in (index, layer):
        assert "http://" not in text and "https://" not in text
    assert pd.read_csv(site / "units.csv")["channel"].tolist() == [0, 1, 2, 3, 5]


def test_an_atlas_without_units_has_no_site(store, units, tmp_path):
    Atlas(store, mode="a").plan(units, FAST)
    with pytest.raises(InvisError, match="no finished unit yet"):
        list(site_steps(Atlas(store), tmp_path / "site"))
