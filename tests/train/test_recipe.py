import numpy as np
import pytest

from invis.models.mini import INPUT_SIZE
from invis.train.data import SMALLEST_CROP
from invis.train.recipe import RECIPES
from invis.train.record import log_steps


@pytest.mark.parametrize("arch", RECIPES)
def test_rate_rises_to_its_peak_once_and_falls_to_zero(arch):
    recipe = RECIPES[arch]
    rates = np.array([recipe.rate(step, 1000) for step in range(1000)])
    top = int(rates.argmax())
    assert rates[top] == pytest.approx(recipe.peak_rate, rel=0.02)
    assert (np.diff(rates[:top]) > 0).all() and (np.diff(rates[top:]) < 0).all()
    assert rates[-1] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("arch", RECIPES)
@pytest.mark.parametrize("epochs", [1, 2, 3, 10, 19, 40])
def test_images_never_shrink_and_the_last_epoch_crops_without_resizing(arch, epochs):
    sizes = [RECIPES[arch].size(epoch, epochs) for epoch in range(epochs)]
    assert sizes == sorted(sizes)
    assert sizes[-1] >= SMALLEST_CROP * INPUT_SIZE[0]


def test_average_forgets_the_start_quickly_and_is_long_later():
    recipe = RECIPES["minivgg"]
    assert recipe.averaging(0) == pytest.approx(0.1)
    assert recipe.averaging(10**6) == recipe.average


def test_recorded_steps_double_every_two_records():
    assert sorted(log_steps(16)) == [0, 1, 2, 3, 4, 6, 8, 11, 16]
