"""Every setting of a search is there wherever a search can be asked for, from one definition."""

import inspect
import json
from dataclasses import replace

import param
import pytest

from invis.atlas.store import settings_hash
from invis.atlas.sweep import sweep_steps
from invis.cli.search import search as search_command
from invis.cli.sweep import sweep as sweep_command
from invis.dashboard.search import SearchPage
from invis.errors import InvisError
from invis.search import Settings, search, search_steps
from invis.search.again import settings_of
from invis.search.settings import SETTINGS, by_name, from_stored
from invis.widgets.settings import SettingsControls

# Another value of every setting: one that is missing here fails the tests below.
OTHER = {
    "images": 3,
    "alpha": 0.8,
    "contrast": 9.5,
    "band": (1.0, 2.5),
    "objective": "paper",
    "distance": "conv1_1",
    "seed": 7,
    "metric": "pixels",
}
TYPED = OTHER | {"band": "1:2.5", "contrast": "9.5"}


@pytest.mark.parametrize("command", [search_command, sweep_command])
def test_every_setting_is_an_option_with_its_default_and_help(command):
    options = {one.name: one for one in command.params}
    for name, about in SETTINGS.items():
        assert options[name].opts == [f"--{one}" for one in (name, *about.aliases)]
        assert options[name].help == about.help and options[name].default == about.default


@pytest.mark.parametrize("command", [search_command, sweep_command])
@pytest.mark.parametrize("name", SETTINGS)
def test_what_an_option_is_given_is_the_setting(command, name):
    words = ["minivgg/conv2_2/0", f"--{name}", str(TYPED[name])]
    context = command.make_context(
        "x", [*words, "--store", "a"] if command.name == "sweep" else words
    )
    asked = {k: v for k, v in context.params.items() if k in SETTINGS}
    assert Settings.of(**asked) == Settings(**{name: OTHER[name]})


@pytest.mark.parametrize("function", [search_steps, search, sweep_steps])
def test_every_setting_is_a_keyword_with_its_default(function):
    told = inspect.signature(function).parameters
    assert {k: told[k].default for k in SETTINGS} == {k: v.default for k, v in SETTINGS.items()}


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_a_control_that_searches_with_it(name):
    controls = SettingsControls()
    controls.offer_distances(["conv1_1"])
    assert controls.values() == vars(Settings()) | {"device": None}
    controls._controls[name].value = TYPED[name]
    assert controls.values() == vars(Settings(**{name: OTHER[name]})) | {"device": None}
    again = SettingsControls()
    again.offer_distances(["conv1_1"])
    again.take({name: OTHER[name]})
    assert again.values() == controls.values()


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_in_the_hash_of_a_sweep(name):
    assert settings_hash(replace(Settings(), **{name: OTHER[name]})) != settings_hash(Settings())


def test_the_hash_of_the_default_of_version_0_1_stays():
    old = Settings(**{k: v.before for k, v in SETTINGS.items() if isinstance(v.before, str)})
    assert settings_hash(old) == "b2300b59"
    assert settings_hash(replace(old, contrast=12)) == "b2300b59"


def test_stored_settings_are_read_under_the_names_of_today():
    stored = json.loads(json.dumps(Settings(alpha=0.8).identity()))
    assert stored["activation"] == 0.8
    assert from_stored(stored)["alpha"] == 0.8 and set(from_stored(stored)) == set(SETTINGS)


def test_an_older_value_is_read_and_leaves_hashes_as_they_were():
    assert Settings(distance="pixels") == Settings() and Settings().distance == "images"
    assert Settings().identity()["distance"] == "pixels"
    assert from_stored(Settings().identity())["distance"] == "images"
    controls = SettingsControls()
    controls.take({"distance": "pixels"})
    assert controls.distance == "images"


def test_an_older_name_is_the_same_setting_everywhere():
    assert Settings.of(activation=0.8) == Settings(alpha=0.8)
    controls = SettingsControls()
    controls.activation = 0.8
    assert controls.alpha == controls.values()["alpha"] == 0.8
    with pytest.raises(InvisError, match="give it once"):
        by_name({"alpha": 0.8, "activation": 0.7})
    with pytest.raises(InvisError, match="'floor' is unknown: use images, alpha, contrast, band"):
        by_name({"floor": 0.8})


def test_a_result_tells_the_settings_that_it_was_searched_with():
    for asked in (Settings(images=2), Settings(**(OTHER | {"objective": "set", "images": 2}))):
        (ds,) = search("minivgg@none:0/conv1_2/0", asked, device="cpu")
        assert settings_of(ds) == asked


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_a_choice_of_a_visitor_and_none_names_a_file(name):
    page = SearchPage()
    kind = page.param[name]
    assert name in page.linked and page.asked() == Settings()
    if isinstance(kind, param.Integer):
        setattr(page, name, kind.bounds[1])
    else:
        assert set(kind.objects) - {*SETTINGS[name].choices, *SETTINGS[name].usual} <= {
            "conv1_1", "conv1_2", "conv2_1",
        }  # fmt: skip
        setattr(page, name, next(one for one in kind.objects if one not in (kind.default, "")))
    assert page.asked() != Settings()
