"""Numbers that there is no memory for are refused before any of it is taken."""

import numpy as np
import psutil
import pytest
import torch
from PIL import Image

from invis.atlas.sweep import sweep_steps
from invis.errors import InvisError
from invis.models import memory
from invis.models.unit import units_at
from invis.probe.components import components_steps
from invis.probe.exemplars import exemplars_steps
from invis.search.profile import profile_steps
from invis.search.room import check_frames
from invis.search.run import search_steps
from invis.stitching.study import study_steps
from invis.train.loop import train_steps
from invis.trajectory.nulls import walk
from invis.trajectory.simulate import simulate, spectra

UNIT = "minivgg@none:0/conv1_2/0"


@pytest.fixture
def pictures(tmp_path):
    """Two folders of one picture each, as a training and other commands take them."""
    for name in "ab":
        (tmp_path / "pictures" / name).mkdir(parents=True)
        pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "pictures" / name / "one.png")
    return tmp_path / "pictures"


def test_what_is_free_is_what_the_system_says():
    free = memory.free_memory(torch.device("cpu"))
    assert 0 < free <= psutil.virtual_memory().total
    memory.check_memory(1000, "this needs", "ask for less")
    with pytest.raises(InvisError, match=r"^this needs about 1000000000.0 GB, and cpu has .* GB"):
        memory.check_memory(1e18, "this needs", "ask for less")


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (lambda _: search_steps(UNIT, images=10**7), "images 10000000 of 1 units need"),
        (lambda _: profile_steps(UNIT, images=10**7), "of 1 units at 4 floors need"),
        (lambda _: profile_steps(UNIT, most=10**7), "images 10000000 of 1 units at 4 floors"),
        (lambda at: sweep_steps("minivgg@none:0/conv1_2", str(at / "s"), "0", images=10**7),
         "images 10000000 of 1 units need"),
        (lambda at: sweep_steps("minivgg@none:0/conv1_2", str(at / "s"), "0", workers=10**6),
         "workers 1000000 need"),
        (lambda at: train_steps("minivgg", at, at / "out", epochs=10**12), "epochs 1000000000000"),
        (lambda _: study_steps(seeds=10**7), "seeds 10000000 of 6 encoders need"),
        (lambda _: study_steps(width=10**9), "width 1000000000 and seeds 1"),
        (lambda _: iter([simulate(10**7, 10**7)]), "steps 10000000 in dimension 10000000 need"),
        (lambda _: iter([spectra(walk(range(9)), 9, samples=10**13)]), "samples 10000000000000"),
    ],
)  # fmt: skip
def test_no_machine_has_so_much(steps, told, pictures):
    used = psutil.Process().memory_info().rss
    with pytest.raises(InvisError, match=f"{told}.* GB free"):
        list(steps(pictures))
    assert psutil.Process().memory_info().rss - used < 500e6
    assert {path.name for path in pictures.iterdir()} <= {"a", "b", "s"}


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (lambda at: exemplars_steps(UNIT, at, 256), "count 256 of 1 units needs"),
        (lambda at: components_steps("minivgg@none:0/conv1_2", at, count=8), "count 8 needs"),
        (lambda _: study_steps(), "anchors 128, width 32 and seeds 1 of 6 encoders need"),
        (lambda _: iter([check_frames(units_at(UNIT), 129, 33)]), "frames 33 need"),
    ],
)
def test_a_machine_with_a_kilobyte_left(steps, told, pictures, monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda _: 1000)
    with pytest.raises(InvisError, match=f"{told} about .* GB, and cpu has 0.0 GB free"):
        list(steps(pictures))
