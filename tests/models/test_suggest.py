"""Addresses completed part by part."""

from hypothesis import given, settings
from hypothesis import strategies as st

from invis.models.address import parse_address
from invis.models.suggest import layers_of, suggest
from invis.models.zoo import model_names


def test_each_part_is_completed_in_its_turn():
    assert suggest("miniv") == ["minivgg/"]
    assert suggest("minivgg/conv3") == ["minivgg/conv3_1/", "minivgg/conv3_2/"]
    assert suggest("minivgg@none:1/conv3_1/4")[:3] == [
        "minivgg@none:1/conv3_1/4",
        "minivgg@none:1/conv3_1/40",
        "minivgg@none:1/conv3_1/41",
    ]


def test_what_begins_with_the_text_comes_before_what_contains_it():
    found = suggest("resnet18", limit=80)
    assert found[0] == "resnet18/"
    assert "resnet50/" in suggest("50")
    assert suggest("VGG19")[0] == "vgg19/"


def test_nothing_fits_what_does_not_exist():
    for text in ("nosuch/", "minivgg/nosuch/", "minivgg/conv1_1/99", "a/b/c/d", "minivgg/nosuch/1"):
        assert suggest(text) == []


@settings(deadline=None)  # the first use of a model traces it
@given(st.sampled_from(["minivgg", "miniresnet", "truth"]), st.data())
def test_every_whole_address_is_its_own_suggestion(model, data):
    layer = data.draw(st.sampled_from(layers_of(model)))
    channel = data.draw(st.integers(0, layer.channels - 1))
    address = f"{model}/{layer.layer}/{channel}"
    assert suggest(address)[0] == address
    parse_address(address)


@settings(deadline=None)
@given(st.text(max_size=20))
def test_any_text_is_taken(text):
    assert len(suggest(text)) <= 40


def test_all_models_are_offered():
    assert len(suggest("", limit=1000)) == len(model_names())
