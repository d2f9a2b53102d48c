"""What a sweep is asked for, and how it is cut into batches."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invis.atlas.batches import MOST_ON_CPU, Place, batch_size, split, unit_bytes
from invis.atlas.pattern import parse_pattern
from invis.errors import InvisError
from invis.models.suggest import layers_of

GIB = 1 << 30

MINIVGG = [layer.layer for layer in layers_of("minivgg")]


def names(pattern, units=None):
    return [part.layer for part in parse_pattern(pattern, units)]


@given(st.lists(st.integers(0, 5000), unique=True, max_size=400), st.integers(1, 200))
def test_every_unit_is_in_exactly_one_batch(channels, size):
    batches = split(channels, size)
    assert [one for batch in batches for one in batch] == channels
    assert all(1 <= len(batch) <= size for batch in batches)
    if batches:
        assert max(map(len, batches)) - min(map(len, batches)) <= 1
        assert len(batches) == -(-len(channels) // size)


@settings(deadline=None)  # the first use of a model traces it
@given(st.integers(0, len(MINIVGG) - 1), st.integers(0, len(MINIVGG) - 1))
def test_a_range_is_what_the_list_of_units_has_between_its_ends(a, b):
    pattern = f"minivgg/{MINIVGG[a]}..{MINIVGG[b]}"
    if a <= b:
        assert names(pattern) == MINIVGG[a : b + 1]
    else:
        with pytest.raises(InvisError, match="backwards"):
            parse_pattern(pattern)


def test_the_range_of_the_paper():
    wanted = [f"conv{s}_{k}" for s, count in ((1, 2), (2, 2), (3, 4), (4, 4))
              for k in range(1, count + 1)]  # fmt: skip
    assert names("vgg19/conv1_1..conv4_4") == wanted
    assert names("vgg19/features.0..features.25") == wanted


def test_a_layer_a_list_and_a_whole_model():
    assert names("minivgg/conv2_1") == ["conv2_1"]
    assert names("minivgg/conv2_1,conv1_1..conv1_2,conv2_1") == ["conv2_1", "conv1_1", "conv1_2"]
    assert names("minivgg") == names("minivgg/") == MINIVGG
    (part,) = parse_pattern("minivgg@none:3/conv2_1/5,0-2")
    assert str(part.address()) == "minivgg@none:3/conv2_1/0-2,5"
    (raw,) = parse_pattern("miniresnet/conv1:raw", "0")
    assert str(raw.address()) == "miniresnet/conv1:raw/0"


def test_units_are_those_that_a_layer_has():
    parts = parse_pattern("minivgg/conv1_2..conv2_1", "10-20")
    assert [part.channels for part in parts] == [tuple(range(10, 16)), tuple(range(10, 21))]
    assert names("minivgg/conv1_2..conv2_1", "20") == ["conv2_1"]


@pytest.mark.parametrize(
    "pattern, units, word",
    [
        ("nosuch", None, "nosuch"),
        ("minivgg/conv9_9", None, "conv9_9"),
        ("minivgg/conv1_1..conv9_9", None, "conv9_9"),
        ("minivgg/conv1_1..", None, "''"),
        ("minivgg/conv1_1", "16", "0 to 15"),
        ("minivgg/conv1_1", "0-63", "0 to 15"),
        ("minivgg/conv1_1", "x", "'x'"),
        ("minivgg/conv1_1/0", "0", "channels"),
        ("minivgg/conv1_1/0/0", None, "MODEL"),
        ("", None, "address"),
    ],
)
def test_what_does_not_exist_is_named(pattern, units, word):
    with pytest.raises(InvisError) as refused:
        parse_pattern(pattern, units)
    assert word in str(refused.value)


def test_batches_fit_device_and_memory():
    patch = (3, 32, 32)
    cpu = batch_size(patch, 8, Place("cpu", 64 * GIB), 1000)
    cuda = batch_size(patch, 8, Place("cuda:0", 64 * GIB), 1000)
    assert 1 < cpu < cuda
    whole = (3, 224, 224)
    for memory in (GIB, 4 * GIB, 16 * GIB):
        size = batch_size(whole, 8, Place("cuda:0", memory), 1000)
        assert size * unit_bytes(whole, 8) <= memory
    assert batch_size(whole, 8, Place("cpu", 1), 1000) == 1


@given(st.integers(1, 4000), st.integers(2, 64))
def test_no_worker_is_idle_for_want_of_batches(units, workers):
    size = batch_size((3, 8, 8), 8, Place("cpu", 1 << 40, workers), units)
    assert len(split(range(units), size)) >= min(units, workers) // 2 + 1
    if units >= 64 * workers:
        assert size == MOST_ON_CPU
