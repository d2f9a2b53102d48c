"""The store: what was written is read, half of something is never seen, damage is told."""

import contextlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from invis.atlas import Atlas
from invis.atlas.record import content_hash
from invis.atlas.store import existing, settings_hash
from invis.errors import InvisError
from invis.models.unit import units_at
from invis.search import Settings, search
from invis.search.again import problem_of, vectors_of
from tests.atlas.conftest import ADDRESS, FAST, chunk, kept


def test_a_unit_is_read_as_the_search_gave_it_but_for_the_vectors(filled, sets):
    for channel in (0, 1, 2, 3, 5):
        found, ds = filled.read(channel), sets[channel]
        xr.testing.assert_identical(found.drop_attrs(), kept(ds))
        for key, value in ds.attrs.items():
            np.testing.assert_equal(found.attrs[key], value)


def test_a_result_can_be_searched_again_from_what_the_store_knows(filled):
    attrs = filled.read(1).attrs
    (again,) = search(
        attrs["address"],
        images=attrs["images"],
        alpha=attrs["alpha"],
        contrast=attrs["contrast"],
        seed=attrs["seed"],
        device="cpu",
    )
    assert again.attrs["weights_hash"] == attrs["weights_hash"]
    assert again.attrs["index"] == pytest.approx(attrs["index"], abs=0.01)


def test_only_finished_units_are_seen(filled, store):
    assert filled.done() == {0, 1, 2, 3, 5}
    assert filled.failed() == {4: "it was too dark"}
    with pytest.raises(InvisError, match=r"channel 4 of .* is not finished"):
        filled.read(4)
    (Path(store) / filled.path / "done" / "3.json").unlink()
    assert 3 not in filled.done()
    assert Atlas(store).layers()[0].done() == {0, 1, 2, 5}


def test_a_failed_unit_that_is_searched_later_is_no_failure(filled, sets):
    filled.write(sets[4])
    assert filled.failed() == {}


def test_a_finished_unit_stays_as_it_is(filled, sets):
    other = sets[0].copy(deep=True)
    other["images"][:] = 7
    filled.write(other)
    assert filled.read(0).equals(kept(sets[0]))


@pytest.mark.parametrize("change", [{"alpha": 0.8}, {"seed": 1}, {"images": 3}, {"contrast": 9.0}])
def test_other_settings_or_weights_never_overwrite(store, units, change):
    atlas = Atlas(store, mode="a")
    layer = atlas.plan(units, FAST)
    other = atlas.plan(units, Settings(**({"images": 2} | change)))
    third = atlas.plan(units_at("minivgg@none:1/conv1_1/0", device="cpu"), FAST)
    assert len({layer.path, other.path, third.path}) == 3
    assert {one.path for one in atlas.layers()} == {layer.path, other.path, third.path}
    assert atlas.plan(units, FAST).path == layer.path


def test_xarray_and_zarr_read_it_without_us(filled, store, sets):
    opened = filled.opened()
    assert opened["done"].values.tolist() == [k in (0, 1, 2, 3, 5) for k in range(16)]
    assert opened["images"].dims == ("channel", "image", "row", "column", "colour")
    plain = zarr.open_group(store, mode="r")[filled.path]["images"]
    np.testing.assert_array_equal(plain[2, 1:], sets[2]["images"].values)
    assert plain.chunks == (1, *plain.shape[1:])


def test_a_store_in_memory_behind_a_url(units, sets):
    atlas = Atlas("memory://atlas-of-a-test", mode="a")
    layer = atlas.plan(units, FAST)
    layer.write(sets[3])
    found = Atlas("memory://atlas-of-a-test").layers()[0]
    assert found.done() == {3}
    xr.testing.assert_equal(found.read(3), kept(sets[3]))


def test_thumbnails_are_the_reference_and_the_set(filled, sets):
    found = filled.thumbnails([5, 1])
    np.testing.assert_array_equal(found[0, 0], sets[5]["reference_image"].values)
    np.testing.assert_array_equal(found[1, 1:], sets[1]["images"].values)


def test_notes_belong_to_the_result_that_they_were_made_of(filled, store):
    filled.note(1, "probe", {"sentence": "it ignores hue", "hue": 0.8})
    assert filled.noted(1, "probe") == {"sentence": "it ignores hue", "hue": 0.8}
    assert filled.noted(2, "probe") is None
    assert filled.notes() == ["probe"]
    table = Atlas(store).table(notes=["probe"])
    assert table.set_index("channel").loc[1, "probe_sentence"] == "it ignores hue"
    record = Path(store) / filled.path / "done" / "1.json"
    changed = json.loads(record.read_text()) | {"hash": "another"}
    record.write_text(json.dumps(changed))
    assert filled.noted(1, "probe") is None
    for name in ("done", "../etc", "", "A"):
        with pytest.raises(InvisError, match="cannot be a note's"):
            filled.note(2, name, {})


def test_what_units_share_is_kept_once_and_damage_to_it_is_told(filled, store, sets):
    (file,) = (Path(store) / filled.path / "shared").iterdir()
    assert file.read_text() == sets[0].attrs["metric_statistics"]
    record = Path(store) / filled.path / "done" / "1.json"
    assert "basis" in file.read_text() and "basis" not in record.read_text()
    file.write_text(file.read_text()[:-1])
    with pytest.raises(InvisError, match=r"channel 1 of .* is damaged: what it shares"):
        Atlas(store).at(filled.path).read(1)
    again = Atlas(store, mode="a").at(filled.path)
    again.write(sets[4])
    assert again.read(1).attrs["metric_statistics"] == sets[1].attrs["metric_statistics"]


def test_a_unit_of_an_atlas_is_the_same_problem_as_its_result(filled, sets):
    ds, found = sets[1], filled.read(1)
    problem = problem_of(found)
    whole, rounded = vectors_of(ds, problem), vectors_of(found, problem)
    assert whole.shape == rounded.shape
    # Rounding to 8 bits moves an image by less than a tenth of its norm.
    assert float((whole - rounded).norm(dim=1).max()) < 0.1


def test_the_table_has_a_row_a_unit_and_all_measures(filled, store, sets):
    table = Atlas(store).table()
    assert table["channel"].tolist() == [0, 1, 2, 3, 5]
    assert table["address"].tolist() == [sets[k].attrs["address"] for k in (0, 1, 2, 3, 5)]
    np.testing.assert_array_equal(table["index"], [sets[k].attrs["index"] for k in (0, 1, 2, 3, 5)])
    assert {"spread", "fraction_min", "seed", "weights_hash", "path"} <= set(table.columns)


def test_a_truncated_chunk_is_told_and_the_rest_is_read(filled, store):
    file = chunk(store, filled, 2)
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(InvisError, match=r"channel 2 of .* is damaged"):
        filled.read(2)
    assert filled.read(3).attrs["channel"] == "3"


def test_a_chunk_of_another_unit_is_told(filled, store):
    chunk(store, filled, 2).write_bytes(chunk(store, filled, 3).read_bytes())
    with pytest.raises(InvisError, match="it is not what was written"):
        filled.read(2)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"attrs": {}}', "null"])
def test_a_damaged_record_is_told(filled, store, text):
    (Path(store) / filled.path / "done" / "2.json").write_text(text)
    with pytest.raises(InvisError, match=r"channel 2 of .* is damaged"):
        filled.read(2)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 53), st.integers(1, 255))
def test_the_hash_sees_every_change(place, change):
    pixels = np.arange(54, dtype=np.uint8).reshape(2, 3, 3, 3)
    other = pixels.copy()
    other.reshape(-1)[place] ^= change
    assert content_hash(pixels, {"a": 1}) != content_hash(other, {"a": 1})
    assert content_hash(pixels, {"a": 1}) != content_hash(pixels, {"a": 1 + change})


def test_what_is_no_atlas(tmp_path):
    with pytest.raises(InvisError, match="does not exist or is empty"):
        Atlas(tmp_path / "nothing")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notes.txt").write_text("mine")
    for mode in ("r", "a"):
        with pytest.raises(InvisError, match=r"not an atlas: it holds 'notes\.txt'"):
            Atlas(tmp_path / "folder", mode=mode)
    assert [one.name for one in (tmp_path / "folder").iterdir()] == ["notes.txt"]
    with pytest.raises(InvisError, match="is a file"):
        Atlas(tmp_path / "folder" / "notes.txt")
    zarr.create_group(str(tmp_path / "foreign"), zarr_format=3).create_array(
        "x", shape=(2,), dtype="f4"
    )
    with pytest.raises(InvisError, match="a zarr group but not an atlas"):
        Atlas(tmp_path / "foreign", mode="a")
    (tmp_path / "foreign" / "zarr.json").write_text("{")
    with pytest.raises(InvisError, match="cannot be opened"):
        Atlas(tmp_path / "foreign")
    with pytest.raises(InvisError, match="cannot be reached"):
        Atlas("nosuchkind://x")
    assert existing(str(tmp_path / "nothing")) is None


def test_a_layer_that_was_not_planned_to_the_end_is_not_there(filled, store, units):
    path = Path(store) / filled.path / "zarr.json"
    told = json.loads(path.read_text())
    Atlas(store, mode="r+").forget(filled.path)
    path.write_text(json.dumps(told | {"attributes": {}}))
    assert Atlas(store).layers() == [] and Atlas(store).damaged() == {}
    again = Atlas(store, mode="a").plan(units, FAST)
    assert again.path == filled.path


def test_readers_see_whole_units_while_a_writer_writes(store, units, sets):
    layer = Atlas(store, mode="a").plan(units, FAST)
    seen, ended = [], threading.Event()

    def read():
        reader = Atlas(store).layers()[0]
        while not ended.is_set():
            for channel in reader.done():
                try:
                    seen.append(reader.read(channel)["images"].equals(sets[channel]["images"]))
                except InvisError as error:
                    # The writer drops units; half of one it never shows.
                    seen.append("is not finished" in str(error))

    thread = threading.Thread(target=read)
    thread.start()
    for _ in range(5):
        for ds in sets:
            layer.write(ds)
        for channel in range(6):
            layer.drop(channel)
            layer.write(sets[channel])
    ended.set()
    thread.join()
    assert seen and all(seen)


def test_two_processes_write_one_layer(store, units, sets, tmp_path):
    Atlas(store, mode="a").plan(units, FAST)
    program = f"""
import sys
from invis import search
from invis.atlas import Atlas
layer = Atlas({store!r}, mode="a").layers()[0]
for ds in search("minivgg@none:0/conv1_1/" + sys.argv[1], images=2, device="cpu"):
    layer.write(ds)
"""
    runs = [
        subprocess.Popen([sys.executable, "-c", program, channels], env=os.environ)
        for channels in ("0-3", "2-5")
    ]
    assert [run.wait() for run in runs] == [0, 0]
    layer = Atlas(store).layers()[0]
    assert layer.done() == set(range(6))
    for channel in range(6):
        assert layer.read(channel).attrs["fraction_min"] > 0.89


def test_settings_have_names_that_stay():
    assert settings_hash(Settings(metric="pixels")) == "b2300b59"
    assert settings_hash(Settings()) == "7954d3d7"
    assert settings_hash(Settings(seed=1)) != settings_hash(Settings())


def test_a_wrong_result_is_refused(filled):
    (ds,) = search(ADDRESS.replace("0-5", "9"), images=3, device="cpu")
    with pytest.raises(InvisError, match="ds is channel 9 with pixels"):
        filled.write(ds)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounts need root")
class TestDisks:
    """On disks of their own: one that is full, one that can only be read."""

    @pytest.fixture
    def disk(self, tmp_path):
        place = tmp_path / "disk"
        place.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
        if subprocess.run(mount, capture_output=True).returncode:
            pytest.skip("this machine mounts nothing")
        yield place
        subprocess.run(["umount", str(place)], check=True)

    def test_a_full_disk_is_one_sentence_and_nothing_finished_is_lost(self, disk, units, sets):
        store = str(disk / "atlas")
        layer = Atlas(store, mode="a").plan(units, FAST)
        layer.write(sets[0])
        with contextlib.suppress(OSError), (disk / "rest").open("wb", buffering=0) as rest:
            while rest.write(bytes(512)):
                pass
        with pytest.raises(InvisError, match="cannot be written: No space left on device"):
            for ds in sets[1:]:
                layer.write(ds)
        kept = Atlas(store).layers()[0]
        assert 0 in kept.done() and all(kept.read(channel) for channel in kept.done())
        assert not list(disk.rglob("*.part"))
        (disk / "rest").unlink()
        for ds in sets:
            layer.write(ds)
        assert kept.done() == set(range(6))

    def test_a_disk_that_can_only_be_read(self, disk, units, sets):
        store = str(disk / "atlas")
        layer = Atlas(store, mode="a").plan(units, FAST)
        layer.write(sets[0])
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(InvisError, match="cannot be written: Read-only file system"):
            layer.write(sets[1])
        with pytest.raises(InvisError, match="Read-only file system"):
            Atlas(str(disk / "new"), mode="a")
        assert Atlas(store).layers()[0].read(0).attrs["channel"] == "0"
