"""`invis statistics`: a folder in, a file of numbers out."""

import json

import numpy as np
import pytest
from PIL import Image

from invis.search.statistics import read_statistics
from tests.cli.conftest import is_one_sentence
from tests.search.test_statistics import noise


@pytest.fixture
def pictures(tmp_path):
    rng = np.random.default_rng(0)
    for k in range(12):
        path = tmp_path / "mine" / f"class{k % 3}" / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise(rng, (64, 48), (1, 1, 1))).save(path)
    return tmp_path / "mine"


def test_a_file_that_can_be_read(invis, pictures):
    (pictures / "broken.jpg").write_bytes(b"no picture")
    Image.new("RGB", (4, 4)).save(pictures / "small.png")
    done = invis("statistics", pictures, "--out", "a/b.json", "--source", "noise", "--json")
    (told,) = json.loads(done.stdout)
    assert (told["images"], told["left_out"], told["source"]) == (12, 2, "noise")
    found = read_statistics(told["out"])
    assert found.channels == 3 and found.crops == told["crops"] >= 12
    assert found.about["command"] == "invis statistics mine"
    said = invis("statistics", pictures).stdout
    assert "12 pictures" in said and "2 left out" in said and "luminance" in said


@pytest.mark.parametrize("what", ["none", "empty", "broken"])
def test_a_folder_without_pictures(invis, tmp_path, what):
    if what != "none":
        (tmp_path / what).mkdir()
    if what == "broken":
        (tmp_path / what / "a.png").write_bytes(b"")
    assert is_one_sentence(invis("statistics", what))
    assert not (tmp_path / "out").exists()
