"""The strongest crops of a folder: the same as running the unit on every crop by itself."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch
from PIL import Image

import invis
from invis.errors import InvisError
from invis.probe.exemplars import exemplars, exemplars_steps
from invis.probe.exemplars_result import load_exemplars
from invis.probe.pictures import list_pictures
from invis.probe.scan import Strongest, grid_of, response_maps

UNIT = "minivgg/conv2_2/31"


@pytest.fixture(scope="module")
def units():
    return invis.units_at(UNIT, device="cpu")


@pytest.fixture(scope="module")
def sets(units):
    return invis.search(units, metric="pixels")


def write(folder, **pictures):
    """Pictures by name as PNG files."""
    folder.mkdir(exist_ok=True)
    for name, pixels in pictures.items():
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return folder


def noise(seed, height=64, width=64):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def grey(units, height=64, width=64):
    return np.broadcast_to(np.uint8(units.model.grey), (height, width, 3)).copy()


@pytest.mark.parametrize("address", [UNIT, "miniresnet/layer1.0.conv2/3,4", "minivgg/conv1_1/0-3"])
def test_maps_are_the_cone_on_every_crop(address):
    units = invis.units_at(address, device="cpu")
    grid = grid_of(units)
    canvas = noise(3)
    maps = response_maps(units, grid, canvas[None])[0]
    assert maps.shape == (len(units), len(grid.tops), len(grid.lefts))
    height, width = grid.crop
    assert grid.tops[0] < units.cone.stride and grid.tops[-1] + height > 64 - units.cone.stride
    crops = np.stack([canvas[r : r + height, c : c + width] for r in grid.tops for c in grid.lefts])
    x = torch.tensor(crops).permute(0, 3, 1, 2).float() - units.grey[:, None, None]
    for k in range(len(units)):
        alone = units.responses(x, torch.full((len(x),), k)).detach().numpy()
        np.testing.assert_allclose(maps[k].ravel(), alone, rtol=1e-3, atol=1e-4)


def test_strongest_crops_of_pictures_of_all_sizes_by_brute_force(units, sets, tmp_path):
    pictures = {
        "a": noise(0),
        "b": noise(1, 64, 150),
        "c": noise(2, 40, 50),
        "d": noise(4, 200, 64),
    }
    write(tmp_path / "p", **pictures)
    (found,) = exemplars(units, tmp_path / "p", count=6, each=1, results=sets)
    side, best = 14, {}
    for name, picture in pictures.items():
        corners = [
            (r, c)
            for r in range(picture.shape[0] - side + 1)
            for c in range(picture.shape[1] - side + 1)
        ]
        crops = np.stack([picture[r : r + side, c : c + side] for r, c in corners])
        x = torch.tensor(crops).permute(0, 3, 1, 2).float() - units.grey[:, None, None]
        with torch.no_grad():
            f = units.responses(x, torch.zeros(len(x), dtype=torch.long)).numpy()
        # The layer's stride is 2: from each corner of a canvas every second crop is seen.
        best[name] = {corner: value for corner, value in zip(corners, f, strict=True)}
    assert sorted(found["path"].values) == ["a.png", "b.png", "c.png", "d.png"]
    order = found["response"].values
    assert np.all(np.diff(order) <= 0)
    for k in range(4):
        name = str(found["path"].values[k])[0]
        at = int(found["top"].values[k]), int(found["left"].values[k])
        crop = pictures[name][at[0] : at[0] + side, at[1] : at[1] + side]
        np.testing.assert_array_equal(found["crops"].values[k], crop)
        assert order[k] == pytest.approx(best[name][at], rel=1e-3)
        even = max(v for (r, c), v in best[name].items() if r % 2 == 0 and c % 2 == 0)
        assert order[k] >= even - 1e-3 * abs(even)
    span = sets[0].attrs["reference"] - sets[0].attrs["grey_response"]
    share = (order - sets[0].attrs["grey_response"]) / span
    np.testing.assert_allclose(found["fraction"].values, share, rtol=1e-5)
    assert found.attrs["pictures"] == 4


def test_the_reference_hidden_in_a_picture_is_found_and_counts_as_one(units, sets, tmp_path):
    reference = sets[0]["reference_image"].values
    hidden = grey(units, 64, 300)
    hidden[30:44, 216:230] = reference
    write(tmp_path / "p", hidden=hidden, empty=grey(units))
    (found,) = exemplars(units, tmp_path / "p", count=1, results=sets)
    assert found["path"].values.tolist() == ["hidden.png"]
    assert (int(found["top"][0]), int(found["left"][0])) == (30, 216)
    assert float(found["fraction"][0]) == pytest.approx(1, abs=1e-4)
    assert float(found["equal_fraction"][0]) == pytest.approx(1, abs=0.02)
    assert float(found["contrast"][0]) == pytest.approx(12, abs=0.2)
    # Random crops of these pictures are grey: they have the response to grey.
    assert abs(float(np.median(found["random_fraction"].values))) < 0.1


def test_higher_contrast_counts_as_it_is_but_not_at_equal_contrast(units, sets, tmp_path):
    reference = sets[0]["reference_image"].values.astype(float)
    level = np.array(units.model.grey)
    strong = np.clip(np.round(level + 2 * (reference - level)), 0, 255).astype(np.uint8)
    picture = grey(units)
    picture[10:24, 20:34] = strong
    write(tmp_path / "p", picture=picture)
    (found,) = exemplars(units, tmp_path / "p", count=1, results=sets)
    assert float(found["fraction"][0]) > 1.2
    assert float(found["equal_fraction"][0]) == pytest.approx(1, abs=0.02)


def test_of_overlapping_crops_the_strongest_stays(units, sets, tmp_path):
    picture = grey(units, 64, 100)
    for column in (4, 40, 80):
        picture[20:34, column : column + 14] = sets[0]["reference_image"].values
    write(tmp_path / "p", picture=picture)
    (many,) = exemplars(units, tmp_path / "p", count=3, each=8, results=sets)
    assert sorted(many["left"].values.tolist()) == [4, 40, 80]
    assert set(many["top"].values.tolist()) == {20}
    (two,) = exemplars(units, tmp_path / "p", count=8, each=2, results=sets)
    assert two.sizes["exemplar"] == 2


def test_what_cannot_be_used_is_left_out_and_told(units, sets, tmp_path):
    folder = write(tmp_path / "p", good=noise(0), tiny=noise(1, 9, 40))
    (folder / "text.jpg").write_text("no picture")
    (folder / "nothing.png").write_bytes(b"")
    whole = (folder / "good.png").read_bytes()
    (folder / "half.png").write_bytes(whole[: len(whole) // 2])
    Image.new("1", (20_000, 20_000)).save(folder / "bomb.png")
    (folder / "script.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nquit\n")
    (folder / "notes.txt").write_text("not looked at")
    (found,) = exemplars(units, folder, results=sets)
    assert set(found["path"].values) == {"good.png"}
    assert (found.attrs["pictures"], found.attrs["left_out"]) == (1, 6)
    told = dict(line.split(": ", 1) for line in found.attrs["skipped"].split("\n"))
    assert set(told) == {f"{n}" for n in ("tiny.png", "text.jpg", "nothing.png", "half.png",
                                          "bomb.png", "script.png")}  # fmt: skip
    assert "14 x 14" in told["tiny.png"]
    assert "too large" in told["bomb.png"]
    assert told["script.png"] == told["text.jpg"] == "it is no picture"
    (folder / "good.png").unlink()
    with pytest.raises(InvisError, match="no picture that can be used"):
        exemplars(units, folder, results=sets)


def test_pictures_are_turned_upright_shrunk_and_laid_on_white(units, sets, tmp_path):
    picture = grey(units, 128, 256)
    picture[40:68, 100:128] = sets[0]["reference_image"].values.repeat(2, 0).repeat(2, 1)
    folder = tmp_path / "p" / "below"
    folder.mkdir(parents=True)
    turned = Image.fromarray(np.rot90(picture))
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(folder / "phone.png", exif=exif)
    Image.new("RGBA", (64, 64), (0, 0, 0, 0)).save(folder / "clear.png")
    (found,) = exemplars(units, tmp_path / "p", count=8, each=1, results=sets)
    at = found["path"].values.tolist().index("below/phone.png")
    assert (int(found["top"][at]), int(found["left"][at])) == (20, 50)
    assert float(found["scale"][at]) == 0.5
    assert float(found["fraction"][at]) > 0.5
    clear = found["path"].values.tolist().index("below/clear.png")
    assert np.all(found["crops"].values[clear] == 255)


def test_unit_that_sees_the_whole_input(tmp_path):
    ds = invis.search("truth/complex_cell/0")[0]
    images = {f"image{k}": image for k, image in enumerate(ds["images"].values)}
    write(tmp_path / "p", **images)
    (found,) = exemplars("truth/complex_cell/0", tmp_path / "p", results=[ds])
    by_path = dict(zip(found["path"].values, found["fraction"].values, strict=True))
    for k, share in enumerate(ds["fraction"].values):
        assert by_path[f"image{k}.png"] == pytest.approx(share, abs=1e-4)


def test_grey_networks_of_your_own_and_dead_units(tmp_path):
    torch.manual_seed(3)
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 5, padding=2), torch.nn.ReLU())
    with torch.no_grad():
        net[0].weight[3], net[0].bias[3] = 0, -1
    units = invis.unit(net, "0", [0, 3], input_size=32)
    write(tmp_path / "p", a=noise(0, 40, 60))
    alive, dead = exemplars(units, tmp_path / "p", results=invis.search(units))
    assert alive["crops"].shape[1:] == (5, 5, 1)
    # f = w.x + b with x = pixels / 255: the crops tell the response by themselves.
    weight = net[0].weight[0].detach().numpy()
    f = (alive["crops"].values[..., 0] / 255 * weight).sum((1, 2)) + float(net[0].bias[0].detach())
    np.testing.assert_allclose(alive["response"].values, f, rtol=1e-4)
    assert dead.attrs["dead"]
    assert np.isnan(dead["fraction"].values).all()


def test_memory_is_bounded_by_what_is_kept():
    kept = Strongest(4, 2, np.random.default_rng(0))
    from invis.probe.scan import SAMPLE, Crop

    for k in range(SAMPLE + 500):
        kept.draw(np.float32([[k]]))
        kept.keep([Crop(float(k % 97), f"{k}", 0, 0, 1.0, np.zeros((2, 2, 3), np.uint8))], (2, 2))
    assert [crop.response for crop in kept.crops] == [96.0] * 4
    assert len(kept.sample) == SAMPLE
    # All of them are equally likely to be remembered: the mean is near the middle.
    assert abs(kept.sample.mean() / (SAMPLE + 500) - 0.5) < 0.02


def test_streaming_can_be_watched_and_left(units, sets, tmp_path):
    write(tmp_path / "p", **{f"p{k:03d}": noise(k) for k in range(130)})
    steps = exemplars_steps(units, tmp_path / "p", results=sets)
    seen = []
    for snapshot in steps:
        seen.append(snapshot.fraction_done)
        if snapshot.step:
            (so_far,) = snapshot.current()
            assert 0 < so_far.attrs["pictures"] < 130
            assert so_far.sizes["exemplar"] == 8
            break
    steps.close()
    assert seen == sorted(seen)
    (first,), (again,) = (exemplars(units, tmp_path / "p", results=sets) for _ in range(2))
    assert first.drop_attrs().equals(again.drop_attrs())
    invis.save(first, tmp_path / "e.nc")
    back = load_exemplars(tmp_path / "e.nc")
    assert back.attrs == first.attrs
    np.testing.assert_array_equal(back["path"].values, first["path"].values)
    np.testing.assert_array_equal(back["crops"].values, first["crops"].values)
    with pytest.raises(InvisError, match=r"none\.nc"):
        load_exemplars(tmp_path / "none.nc")


def test_bad_input_is_told_in_a_sentence(units, sets, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    for folder, said in (
        ("empty", "holds no pictures"),
        ("file", "is a file"),
        ("no", "not exist"),
    ):
        with pytest.raises(InvisError, match=said):
            exemplars(units, tmp_path / folder, results=sets)
    write(tmp_path / "p", a=noise(0))
    for asked, said in (({"count": 0}, "count is 0"), ({"each": 0}, "each is 0")):
        with pytest.raises(InvisError, match=said):
            exemplars(units, tmp_path / "p", results=sets, **asked)
    with pytest.raises(InvisError, match="lack the set of minivgg/conv2_2/30"):
        exemplars("minivgg/conv2_2/30", tmp_path / "p", results=sets)


def test_a_pipe_among_pictures_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "f.png")
    with pytest.raises(InvisError, match="holds no pictures"):
        list_pictures(tmp_path)
