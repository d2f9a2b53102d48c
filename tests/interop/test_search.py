"""A lucent objective in an Invis search: lucent's own value, found by searching."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from lucent.optvis import objectives, render
from torch import Tensor, nn

import invis
from invis.errors import InvisError
from invis.interop.objective import lucent_model
from invis.interop.search import from_lucent
from invis.models.truth import INPUT_SIZE, GroundTruth
from invis.models.truth import MEAN as TRUTH_MEAN
from invis.views.base import words
from tests.interop.conftest import SIZE, WHERE, hooks, network, normalised


def by_lucent(net: nn.Module, objective: Any, images: Tensor) -> float:
    """What lucent makes of one image (1, C, H, W) of pixels in [0, 1]."""
    with lucent_model(net) as model, torch.no_grad():
        layers = render.hook_model(model, lambda: images)
        model(normalised(images))
        return -float(objectives.as_objective(objective)(layers))


def test_a_result_says_what_lucent_says() -> None:
    net = network(inplace=True)
    units = from_lucent(objectives.channel("3", 2), net, **WHERE)
    assert units.addresses == ("Sequential/lucent/Channel[3,2]",)
    (ds,) = invis.search(units, images=3, band=(0, 4))
    assert ds.attrs["fraction_min"] >= 0.89 and not ds.attrs["dead"]
    assert ds.sizes["row"] == ds.sizes["column"] == SIZE
    for image, activation in zip(ds.images.values, ds.activation.values, strict=True):
        pixels = torch.as_tensor(image / 255).float().permute(2, 0, 1)[None]
        assert float(activation) == pytest.approx(
            by_lucent(net, objectives.channel("3", 2), pixels), rel=1e-4
        )
    assert hooks(net) == 0
    assert ds.attrs["address"] == "Sequential/lucent/Channel[3,2]"
    assert words.title(ds) == "Channel[3,2] of lucent in Sequential"


OBJECTIVES = {
    "string": "7:2",
    "neuron": objectives.neuron("5_conv", 1, x=2, y=3),
    "sum": objectives.channel("0", 1) - 0.5 * objectives.channel("3", 4) + 2,
    "direction": objectives.direction("3", torch.arange(6.0)),
    "input": objectives.channel("3", 2) - 0.01 * objectives.blur_input_each_step(),
    "values": lambda layers: -(layers("3") * float(layers("3").abs().amax() > 0))[:, 1].mean(),
    "labels": lambda layers: -layers("labels")[:, 3].square().mean(),
}


@pytest.mark.parametrize("kind", [kind for kind in OBJECTIVES if kind != "string"])
def test_every_objective_has_lucents_value(kind: str) -> None:
    objective, net = OBJECTIVES[kind], network()
    images = torch.rand(3, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(2))
    units = from_lucent(objective, net, **WHERE)
    top, left, bottom, right = units.cone.window
    x = (255 * images - units.grey[:, None, None])[..., top:bottom, left:right]
    found = units.responses(x, torch.zeros(3, dtype=torch.long))
    expected = [by_lucent(net, objective, image[None]) for image in images]
    assert found.tolist() == pytest.approx(expected, rel=1e-4)
    assert len({round(one, 6) for one in expected}) == 3


def test_one_neuron_is_the_unit_of_invis() -> None:
    net = network()
    units, same = (
        from_lucent(objectives.neuron("3", 2), net, **WHERE),
        invis.unit(net, "3", 2, **WHERE),
    )
    top, left, bottom, right = same.cone.window
    x = 40 * torch.randn(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(3))
    index = torch.zeros(2, dtype=torch.long)
    assert units.cone.window == same.cone.window
    x = x[..., top:bottom, left:right]
    inside = same.responses(x, index)
    assert units.responses(x, index).tolist() == pytest.approx(inside.tolist(), rel=1e-4)


@pytest.mark.parametrize(("cell", "index"), [("simple_cell", 1.0), ("complex_cell", 1.46)])
def test_known_invariances_are_found_through_lucent(cell: str, index: float) -> None:
    units = from_lucent(
        objectives.channel(cell, 0), GroundTruth(), mean=TRUTH_MEAN, input_size=INPUT_SIZE
    )
    (ds,) = invis.search(units)
    assert ds.attrs["index"] == pytest.approx(index, abs=0.03)


REFUSED = {
    "compares the images": objectives.channel("3", 2) - objectives.diversity("3"),
    "compares the images of a batch": objectives.alignment("3") + objectives.channel("3", 2),
    "no value for a single image": objectives.channel("3", 2, batch=1),
    "single image .nan.": objectives.channel_interpolate("3", 1, "3", 2),
    "layer 'conv3' holds no tensor here: the nearest are 5_conv": "conv3:2",
    "IndexError: index 99": objectives.channel("3", 99),
    "objective '3:2:1' is none of lucent's": "3:2:1",
    "objective 7 is none": 7,
}


@pytest.mark.parametrize("told_in", REFUSED)
def test_what_has_no_value_of_one_image_is_refused(told_in: str) -> None:
    net = network()
    with warnings.catch_warnings(), pytest.raises(InvisError, match=told_in) as told:
        warnings.simplefilter("ignore")
        from_lucent(REFUSED[told_in], net, **WHERE)
    assert "\n" not in str(told.value)
    assert hooks(net) == 0


def test_a_failing_forward_is_told_and_leaves_no_hook() -> None:
    net = network()
    with pytest.raises(InvisError, match=r"3.* fails on Sequential with images of 20 x 20"):
        from_lucent("3:2", net, **{**WHERE, "input_size": 20})
    assert hooks(net) == 0


def test_batches_are_sized_by_the_network_and_not_by_its_one_node() -> None:
    net = nn.Sequential(*(nn.Conv2d(3, 3, 3, padding=1) for _ in range(30)))
    units = from_lucent("29:0", net, input_size=64, label="very/deep")
    assert units.addresses == ("Sequential/lucent/very-deep",)
    assert units.model.weights_hash == invis.unit(net, "29", 0, input_size=64).model.weights_hash
    assert units.cone.numbers > 30 * 3 * 64 * 64
    assert units.cone.cpu_batch < from_lucent("0:0", net[:1], input_size=64).cone.cpu_batch


def test_threads_that_share_a_unit_do_not_see_each_others_images() -> None:
    units = from_lucent("5:1", network(), **WHERE)
    index = torch.zeros(4, dtype=torch.long)
    sets = [30 * torch.randn(4, 3, SIZE, SIZE) for _ in range(3)]
    alone = [units.responses(x, index).detach() for x in sets]

    def answers(k: int) -> bool:
        return all(torch.equal(units.responses(sets[k], index), alone[k]) for _ in range(60))

    with ThreadPoolExecutor(3) as pool:
        assert all(pool.map(answers, range(3)))
