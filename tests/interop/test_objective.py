"""An Invis unit as a lucent objective: its value is the pre-activation, and nothing is left."""

import warnings
from typing import Any

import pytest
import torch
from lucent.optvis import objectives, param, render
from torch import Tensor, nn

import invis
from invis.errors import InvisError
from invis.interop.objective import lucent_model, lucent_objective
from tests.interop.conftest import SIZE, WHERE, hooks, network, normalised

QUIET: dict[str, Any] = {
    "preprocess": False,
    "progress": False,
    "show_image": False,
    "transforms": [],
    "fixed_image_size": SIZE,
    "thresholds": (32,),
}


def pixels(count: int = 3) -> Tensor:
    return torch.rand(count, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


def value(units: invis.Units, images: Tensor, **settings: Any) -> float:
    """What lucent's own hooks make of the objective."""
    with lucent_model(units) as model:
        layers = render.hook_model(model, lambda: images)
        model(images)
        return float(lucent_objective(units, **settings)(layers))


def oracle(net: nn.Sequential, layer: str, x: Tensor) -> Tensor:
    """(B, C, H, W) the pre-activations that `layer` means, by running the parts one by one."""
    upto = {"0:raw": 1, "0": 2, "3": 4, "5": 5, "7": 8}[layer]
    for part in net[:upto]:
        x = part(x.clone())
    return net[5].conv(x) + x if layer == "5" else x


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("layer", ["0:raw", "0", "3", "5"])
@torch.no_grad()
def test_the_value_is_the_full_models_pre_activation(layer: str, inplace: bool) -> None:
    net, images = network(inplace), pixels()
    units = invis.unit(net, layer, 2, **WHERE)
    maps = oracle(net, layer, normalised(images))[:, 2]
    row, column = units.cone.position
    assert value(units, images) == pytest.approx(-float(maps[:, row, column].mean()), rel=1e-5)
    assert value(units, images, batch=1) == pytest.approx(-float(maps[1, row, column]), rel=1e-5)
    everywhere = value(units, images, positions="all")
    assert everywhere == pytest.approx(-float(maps.mean()), rel=1e-5)


@torch.no_grad()
def test_units_behind_a_flattened_map_and_combinations() -> None:
    net, images = network(), pixels()
    answers = oracle(net, "7", normalised(images))
    units = invis.unit(net, "7", [3, 1], **WHERE)
    assert value(units, images, which=1) == pytest.approx(-float(answers[:, 1].mean()), rel=1e-5)
    both = invis.unit(net, "7", {0: 1.0, 2: -0.5}, **WHERE)
    expected = -float((answers[:, 0] - 0.5 * answers[:, 2]).mean())
    assert value(both, images) == pytest.approx(expected, rel=1e-5)


@torch.no_grad()
def test_it_agrees_with_lucent_where_lucent_sees_the_pre_activation_and_not_elsewhere() -> None:
    images = pixels()
    for inplace in (False, True):
        net = network(inplace)
        units = invis.unit(net, "3", 2, **WHERE)
        with lucent_model(net) as model:
            layers = render.hook_model(model, lambda: images)
            model(normalised(images))
            neuron = float(objectives.neuron("3", 2)(layers))
            channel = float(objectives.channel("3", 2)(layers))
        agree = value(units, images, positions="all") == pytest.approx(channel, rel=1e-5)
        assert agree != inplace
        if not inplace:
            assert units.cone.position == (5, 5)  # of 10 rows, as lucent's centre
            assert value(units, images) == pytest.approx(neuron, rel=1e-5)


def test_the_full_model_says_the_same_of_a_patch() -> None:
    units = invis.units_at("minivgg@none:0/conv2_2/3")
    top, left, bottom, right = units.cone.window
    canvas = units.grey.to(torch.uint8)[:, None, None].repeat(1, *units.cone.input_size)[None]
    patch = torch.randint(256, (bottom - top, right - left, 3), dtype=torch.uint8)
    canvas[0, :, top:bottom, left:right] = patch.permute(2, 0, 1)
    expected = float(units.full_responses(patch[None], [0])[0])
    assert value(units, canvas / 255) == pytest.approx(-expected, rel=1e-4)


def test_lucent_raises_the_unit_and_leaves_no_hook() -> None:
    units = invis.unit(network(True), "3", 2, **WHERE)
    torch.manual_seed(0)
    with lucent_model(units) as model:
        objective = 2 * lucent_objective(units) + objectives.channel("0", 1)
        (after,) = render.render_vis(model, objective, lambda: param.image(SIZE), **QUIET)
        assert hooks(model) > 0  # lucent's leak
    assert hooks(model) == hooks(units.full) == 0
    images = torch.tensor(after).permute(0, 3, 1, 2)
    assert value(units, images) < value(units, torch.full_like(images, 0.5)) - 0.5


class StopHereError(Exception):
    pass


def test_your_own_network_is_given_back_as_it_was_even_after_an_exception() -> None:
    net = network().train()
    net[4].eval()
    net[0].register_forward_hook(lambda *_: None)
    net[0].bias.requires_grad_(False)
    before = {key: tensor.clone() for key, tensor in net.state_dict().items()}

    def failing(layers: Any) -> Tensor:
        raise StopHereError

    for objective in (failing, "3:2"):
        try:
            with lucent_model(net) as model:
                render.render_vis(model, objective, lambda: param.image(SIZE), **QUIET)
        except StopHereError:
            assert objective is failing
        assert hooks(net) == 1 and "forward" not in vars(net)
    assert [part.training for part in net] == [k != 4 for k in range(8)]
    assert [p.requires_grad for p in net[0].parameters()] == [True, False]
    assert all(p.grad is None for p in net.parameters())
    assert all(torch.equal(net.state_dict()[key], old) for key, old in before.items())


def test_a_failing_forward_is_an_error_and_no_silence() -> None:
    net = network()
    with pytest.raises(InvisError, match=r"Sequential fails on images of 20 x 20 .* fixed_image"):  # noqa: SIM117
        with lucent_model(net) as model, warnings.catch_warnings():
            warnings.simplefilter("error")
            settings = QUIET | {"fixed_image_size": 20}
            render.render_vis(model, "7:2", lambda: param.image(SIZE), **settings)
    assert hooks(net) == 0


def test_what_would_be_wrong_silently_is_refused() -> None:
    net = network()
    units = invis.unit(net, "3", [1, 2], **WHERE)
    with pytest.raises(InvisError, match="which is missing: units are 2"):
        lucent_objective(units)
    with pytest.raises(InvisError, match="which 2 is wrong: the units are 0 to 1"):
        lucent_objective(units, 2)
    with pytest.raises(InvisError, match="positions 'middle' is wrong"):
        lucent_objective(units, 0, positions="middle")  # type: ignore[arg-type]
    with pytest.raises(InvisError, match="batch 3 is wrong: the images are 0 to 2"):
        value(units, pixels(3), which=0, batch=3)
    with pytest.raises(InvisError, match="units is a str"):
        lucent_objective("vgg16/conv3_1/3")  # type: ignore[arg-type]
    with pytest.raises(InvisError, match="source is a str"), lucent_model("vgg16"):  # type: ignore[arg-type]
        pass
    with lucent_model(units) as model, pytest.raises(InvisError, match="preprocess=False"):
        model(normalised(pixels()))
    with lucent_model(net) as other, pytest.raises(InvisError, match="does not offer Sequential/3"):
        render.render_vis(other, lucent_objective(units, 0), lambda: param.image(SIZE), **QUIET)


@torch.no_grad()
def test_on_images_of_another_size_the_position_stays_in_the_middle() -> None:
    net = network()
    units = invis.unit(net, "3", 2, **WHERE)
    images = torch.rand(1, 3, 21, 31, generator=torch.Generator().manual_seed(1))
    maps = oracle(net, "3", normalised(images))[0, 2]
    assert value(units, images) == pytest.approx(-float(maps[15 // 2, 25 // 2]), rel=1e-5)
