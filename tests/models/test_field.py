"""Windows are measured: the same function has the same one, however it is written."""

import pytest
import torch
from torch import Tensor, nn

import invis
from invis.models.axes import find_axes
from invis.models.field import measure_window
from invis.models.units import Units
from tests.models.pairs import STEMS, pairs, same_weights

SIZE = 32
NAMES = list(pairs(SIZE))
# What even a cone does not follow: the patch is on a canvas.
ON_CANVAS = {"values decide", "pixel unshuffle", "weight standardisation"}


def both(name: str, size: int = SIZE, channels: int = 1) -> list[Units]:
    nets = pairs(size)[name]
    same_weights(*nets)
    found = []
    for net in nets:
        outer = nn.Sequential(net).eval()
        mean = [0.5] * (4 if name == "zero channels" else 3)
        found.append(invis.unit(outer, "0", list(range(channels)), mean=mean, input_size=size))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_same_function_has_the_same_window_and_values(name: str) -> None:
    plain, other = both(name, channels=3)
    assert other.cone.window == plain.cone.window
    assert other.cone.receptive_field == plain.cone.receptive_field
    assert not plain.cone.whole and plain.cone.canvas is None
    assert (other.cone.stopped_by != "") == (name in ON_CANVAS)
    draw = torch.Generator().manual_seed(0)
    x = 30 * torch.randn(3, *plain.image_shape, generator=draw)
    who = torch.arange(3)
    torch.testing.assert_close(
        other.responses(x, who), plain.responses(x, who), rtol=1e-4, atol=1e-4
    )
    colours, height, width = plain.image_shape
    images = torch.randint(0, 256, (3, height, width, colours), generator=draw).byte()
    own = images.permute(0, 3, 1, 2).float() - plain.grey[:, None, None]
    for units in (plain, other):
        full = units.full_responses(images, who)
        torch.testing.assert_close(units.responses(own, who), full, rtol=1e-4, atol=1e-4)


def test_a_canvas_says_its_price() -> None:
    _, other = both("values decide")
    assert other.cone.remark == (
        "a cone cannot follow the forward of Sequential (values decide what runs): each patch of "
        "5 x 5 px is searched on a canvas of 32 x 32 px, about 41 times the work"
    )


# Every pair at 32 px; at 64, where a canvas costs four times as much, every sixth.
SEARCHED = [(name, 32) for name in NAMES] + [(name, 64) for name in list(NAMES)[::6]]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "size"), SEARCHED)
def test_the_same_function_has_the_same_index(name: str, size: int) -> None:
    plain, other = (invis.search(units, seed=0)[0] for units in both(name, size))
    assert other.attrs["index"] == pytest.approx(plain.attrs["index"], abs=0.03)
    assert other.attrs["window"] == plain.attrs["window"]


@pytest.mark.slow
@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("name", STEMS)
def test_linear_stems_show_no_invariance(name: str, size: int) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(STEMS[name]).eval()
    for part in net.modules():
        if isinstance(part, nn.Conv2d):
            part.reset_parameters()
            # A unit that no image raises above 0 would be dead.
            nn.init.constant_(part.bias, 0.1)
    (ds,) = invis.search(invis.unit(net, "0", 0, mean=[0.5] * 3, input_size=size))
    assert 0.97 <= ds.attrs["index"] <= 1.0005


def window(function, size: int = 24) -> tuple[int, int, int, int] | None:
    return measure_window(function, (1, size, size), torch.zeros(()))


@pytest.mark.parametrize("edges", [(3, 5, 9, 6), (0, 0, 24, 24), (0, 7, 1, 24), (23, 23, 24, 24)])
def test_the_window_is_the_pixels_that_are_read(edges: tuple[int, int, int, int]) -> None:
    top, left, bottom, right = edges

    def read(x: Tensor) -> Tensor:
        return x[:, 0, top:bottom, left:right].flatten(1).mean(1, keepdim=True)

    assert window(read) == edges


SWALLOWS = {
    "comparison": lambda x: torch.where(x > 0, x, 0.0),
    "nan_to_num": torch.nan_to_num,
    "sign": torch.sign,
}


@pytest.mark.parametrize("how", SWALLOWS)
def test_what_swallows_nan_is_found_by_large_values(how: str) -> None:
    def read(x: Tensor) -> Tensor:
        return SWALLOWS[how](x[:, 0, 4:11, 6:9]).flatten(1).sum(1, keepdim=True)

    assert window(read) == (4, 6, 11, 9)


def test_half_of_it_swallowed_is_found_too() -> None:
    def read(x: Tensor) -> Tensor:
        return x[:, 0, 10:12, 10:12].sum((1, 2))[:, None] + x[:, 0, 4, 20:].nan_to_num().sum(
            1, keepdim=True
        )

    assert window(read) == (4, 10, 12, 24)


def test_what_sees_nothing_has_no_window() -> None:
    assert window(lambda x: torch.ones(len(x), 1)) is None


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 2, 3, 1), (0, 3, 2, 1), (0, 2, 1, 3)])
def test_axes_are_found_wherever_they_are(order: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 10, 3), nn.ReLU(), nn.Conv2d(10, 10, 3, 2))
    found = find_axes(lambda x: net(x).permute(order), (3, 24, 24), torch.zeros(()))
    assert found == (order.index(2), order.index(3))


def test_a_vector_has_no_rows_and_columns() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 10, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4840, 50))
    assert find_axes(net, (3, 24, 24), torch.zeros(())) == (None, None)
