"""Addresses read back as they were written."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invis.errors import InvisError
from invis.models.address import Address, format_channels, parse_address, parse_channels

names = st.from_regex(r"[a-z][a-z0-9_.]{0,12}", fullmatch=True)
weights = st.none() | names | st.from_regex(r"none(:[0-9]{1,4})?|[0-9a-f]{12}", fullmatch=True)
channels = st.lists(st.integers(0, 3000), min_size=1, max_size=20, unique=True).map(tuple)


@settings(deadline=None)
@given(st.builds(Address, names, weights, names, channels, st.booleans()))
def test_addresses_round_trip(address: Address) -> None:
    assert parse_address(str(address)) == address


def test_every_part_is_read() -> None:
    assert parse_address("vgg16@none:0/conv3_1/0-3,20") == Address(
        "vgg16", "none:0", "conv3_1", (0, 1, 2, 3, 20)
    )
    assert parse_address(" resnet50/layer1.0.conv2:raw/5 ") == Address(
        "resnet50", None, "layer1.0.conv2", (5,), raw=True
    )


@settings(deadline=None)
@given(channels)
def test_channels_round_trip_shortly(numbers: tuple[int, ...]) -> None:
    text = format_channels(numbers)
    assert parse_channels(text) == numbers
    assert len(text) <= len(",".join(map(str, numbers)))


def test_repeated_channels_count_once() -> None:
    assert parse_channels("3,1-4,3") == (3, 1, 2, 4)


@pytest.mark.parametrize(
    "text",
    ["", "vgg16", "vgg16/conv3_1", "vgg16//3", "/conv1/3", "a/b/c/3", "vgg16@/conv1/3", "a/:raw/1"],
)
def test_what_is_no_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvisError, match=r"is not model\[@weights\]/layer/channels.*vgg16@none:0"):
        parse_address(text)


@pytest.mark.parametrize("part", ["", "a", "5-2", "-3", "1,,2", "1-", "1.5", "0-99999999", "²"])
def test_wrong_channels_are_refused_by_name(part: str) -> None:
    with pytest.raises(InvisError, match=r"channels .* are wrong at") as error:
        parse_address(f"vgg16/conv3_1/{part}")
    assert repr(part) in str(error.value)


def test_addresses_need_no_torch() -> None:
    code = "import sys, invis.models.address; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
