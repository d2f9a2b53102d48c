"""What a search is asked for: every setting's name, default, help and check, in this place alone.

The command line, Python, sweeps, widgets and the dashboard make their options, keywords and
controls from SETTINGS, so a new field here is a new setting everywhere. Free of torch: the command
line tells its options without it.
"""

from __future__ import annotations

import inspect
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from invis.errors import InvisError

F = TypeVar("F", bound=Callable[..., Any])

OBJECTIVES = ("set", "paper")
NAMED_METRICS = ("natural", "pixels")
FROM_THE_START = object()
KINDS: dict[type, Callable[[Any], Any]] = {int: operator.index, float: float, str: str}


@dataclass(frozen=True)
class About:
    """What is known of one setting beside its name.

    Attributes:
        default: where nothing is said.
        help: a sentence, as `--help` has it.
        label: of its control.
        kind: int, float or str; of what is typed.
        read: makes a value of what is given; raises InvisError where there is none.
        allowed: whether a value of this kind makes sense.
        rule: what would be right, for the message.
        choices: all values, or where `other` is not empty those with a name.
        other: what else it may be, LAYER or FILE.
        range: lowest and highest value and step of its control; a search may take more.
        usual: values of a list to choose from, where there is no room for a range.
        main: its control is always in sight.
        aliases: other names of it.
        attr: where saved results tell it; "" for its own name.
        stored: its name in the hashes of atlases; "" for its own name.
        before: the value that everything had before there was this setting: it leaves hashes as
            they were then.
        former: what the default was once called: still read, and what hashes go on to say.
    """

    default: Any
    help: str
    label: str
    kind: type = str
    read: Callable[[Any], Any] | None = None
    allowed: Callable[[Any], bool] = lambda _: True
    rule: str = ""
    choices: tuple[str, ...] = ()
    other: str = ""
    range: tuple[float, float, float] | None = None
    usual: tuple[Any, ...] = ()
    main: bool = False
    aliases: tuple[str, ...] = ()
    attr: str = ""
    stored: str = ""
    before: Any = FROM_THE_START
    former: str = ""

    def checked(self, name: str, given: Any) -> Any:
        """The value that is meant.

        Raises:
            InvisError: if there is none.
        """
        given = self.of_today(given)
        if self.choices and not self.other and given not in self.choices:
            raise InvisError(f"{name} {given!r} is unknown: use {' or '.join(self.choices)}")
        read = self.read or KINDS[self.kind]
        try:
            value = read(given)
        except InvisError:
            raise
        except (TypeError, ValueError):
            raise InvisError(f"{name} is {given!r}: {self.rule or self.help}") from None
        if not self.allowed(value):
            shown = f"{value:g}" if self.kind is float else value
            raise InvisError(f"{name} is {shown}: {self.rule}")
        return value

    def of_today(self, given: Any) -> Any:
        """The default under its name of today; anything else as it is."""
        return self.default if self.former and given == self.former else given

    def as_ever(self, value: Any) -> Any:
        """The default under the name that it had first; anything else as it is."""
        return self.former if self.former and value == self.default else value


def setting(default: Any, help: str, label: str, **more: Any) -> Any:
    """A field of Settings; arguments as for `About`."""
    return field(default=default, metadata={"about": About(default, help, label, **more)})


def parse_band(text: str) -> tuple[float, float | None]:
    """`LOW:HIGH` in cycles per image; an empty end is unlimited, and `all` is everything.

    Raises:
        InvisError: if the text is anything else.
    """
    if text == "all":
        return 0.0, None
    low, colon, high = text.partition(":")
    try:
        if not colon:
            raise ValueError
        band = (float(low or 0), float(high) if high else None)
    except ValueError:
        band = (math.nan, None)
    if not (0 <= band[0] < math.inf and (band[1] is None or band[0] <= band[1] < math.inf)):
        raise InvisError(
            f"band {text!r} is not LOW:HIGH with 0 <= LOW <= HIGH in cycles per image, such as "
            "0:8; `all` lifts the limit"
        )
    return band


def checked_floors(alphas: Sequence[float]) -> tuple[float, ...]:
    """The floors, the lowest first.

    Raises:
        InvisError: if there are fewer than two, or one is no fraction.
    """
    floors = tuple(sorted({float(alpha) for alpha in alphas}))
    for alpha in floors:
        if not 0 < alpha < 1:
            raise InvisError(f"alpha is {alpha:g}: use fractions between 0 and 1, such as 0.8,0.9")
    if len(floors) < 2:
        given = ", ".join(f"{alpha:g}" for alpha in floors) or "empty"
        raise InvisError(f"alpha is {given}: a profile needs at least two floors, such as 0.8,0.9")
    return floors


def _read_band(given: Any) -> tuple[float, float | None] | None:
    """Text as for `parse_band`, (low, high) with None for no limit, or None or "" for the usual."""
    if given is None or given == "":
        return None
    if isinstance(given, str):
        return parse_band(given)
    low, high = given
    return parse_band(f"{low}:{'' if high is None else high}")


def _read_metric(given: Any) -> str:
    """The name of a metric, or a file of statistics; also what a result calls such a file."""
    if str(given).partition(":")[0] in NAMED_METRICS:
        return str(given)
    # Whoever asks for another one pays for importing torch.
    from invis.search.metric import METRICS
    from invis.search.statistics import read_statistics

    if given not in METRICS:
        read_statistics(given)
    return str(given)


@dataclass(frozen=True)
class Settings:
    """The settings of a search; each field tells its meaning, and checks what it is given.

    Raises:
        InvisError: for a value that makes no sense.
    """

    images: int = setting(
        8,
        "Images of the set, at least 2.",
        "images in the set (N)",
        kind=int,
        allowed=lambda n: n >= 2,
        rule="a set needs at least 2",
        range=(2, 32, 1),
        main=True,
    )
    alpha: float = setting(
        0.9,
        "Every image keeps at least this fraction of the reference's response above grey.",
        "activation every image keeps (alpha)",
        kind=float,
        allowed=lambda alpha: 0 < alpha < 1,
        rule="use a fraction between 0 and 1, such as 0.9",
        range=(0.5, 0.98, 0.01),
        usual=(0.5, 0.6, 0.7, 0.8, 0.9, 0.95),
        main=True,
        aliases=("activation",),
        stored="activation",
    )
    contrast: float | None = setting(
        None,
        "RMS deviation from grey, in grey levels of 255, over all images of the search's norm; by "
        "the metric and the size of the field when left out.",
        "RMS contrast, of 255 grey levels",
        kind=float,
        read=lambda given: None if given is None or given == "" else float(given),
        allowed=lambda contrast: contrast is None or 0 < contrast <= 128,
        rule="use an RMS contrast between 0 and 128 grey levels, such as 12",
        usual=("", 4.0, 8.0, 12.0, 16.0, 24.0, 32.0),
    )
    band: tuple[float, float | None] | str | None = setting(
        None,
        "Spatial frequencies in cycles per image, LOW:HIGH; `all` for no limit; by the size of the "
        "field when left out.",
        "band, LOW:HIGH cycles per image",
        read=_read_band,
        rule="use LOW:HIGH in cycles per image, such as 0:8",
        usual=("", "0:4", "0:8", "all"),
    )
    objective: str = setting(
        "set",
        "Largest distance above the floor, or the weighted sum of Cadena et al. (2018).",
        "objective",
        choices=OBJECTIVES,
    )
    distance: str = setting(
        "images",
        "Between `images`, in the metric, or between their features in an earlier LAYER.",
        "images differ in",
        choices=("images",),
        other="LAYER",
        attr="distance_space",
        former="pixels",
    )
    seed: int = setting(
        0,
        "Of the random starts.",
        "seed",
        kind=int,
        allowed=lambda seed: 0 <= seed < 2**63,
        rule="use a whole number from 0 to 2^63 - 1",
        range=(0, 2**31 - 1, 1),
    )

    metric: str = setting(
        "natural",
        "What distance means: `natural` (as photographs vary), `pixels`, or a FILE of `invis "
        "statistics`.",
        "metric",
        read=_read_metric,
        choices=NAMED_METRICS,
        other="FILE",
        before="pixels",
    )

    def __post_init__(self) -> None:
        for name, about in SETTINGS.items():
            object.__setattr__(self, name, about.checked(name, getattr(self, name)))

    @classmethod
    def of(cls, settings: Settings | None = None, /, **named: Any) -> Settings:
        """Settings with some changed, by any of their names; None leaves one as it is.

        Raises:
            InvisError: for a name that is none, or a value that makes no sense.
        """
        return replace(settings or cls(), **by_name(named))

    def identity(self) -> dict[str, Any]:
        """What tells these settings from others, under names and in a form that never change."""
        from invis.search.pixels import CONTRAST

        asked = self
        if self.metric == "pixels" and self.contrast is None:
            asked = replace(self, contrast=CONTRAST)
        return {
            about.stored or name: about.as_ever(getattr(asked, name))
            for name, about in SETTINGS.items()
            if getattr(asked, name) != about.before
        }

    def band_for(self, shape: tuple[int, int, int]) -> tuple[float, float]:
        """The band in cycles per image for images of this shape (C, h, w)."""
        from invis.search.band import default_band, full_band

        if self.band is None:
            return default_band(shape)
        assert not isinstance(self.band, str)
        low, high = self.band
        return low, full_band(shape) if high is None else high


SETTINGS: dict[str, About] = {one.name: one.metadata["about"] for one in fields(Settings)}
NAMES = {alias: name for name, about in SETTINGS.items() for alias in (name, *about.aliases)}


def by_name(named: Mapping[str, Any]) -> dict[str, Any]:
    """What is given, without None, under the names of today.

    Raises:
        InvisError: for a name that is none, or two of the same setting.
    """
    found: dict[str, Any] = {}
    for given, value in named.items():
        if given not in NAMES:
            raise InvisError(f"setting {given!r} is unknown: use {', '.join(SETTINGS)}")
        if value is None:
            continue
        if NAMES[given] in found:
            raise InvisError(f"{NAMES[given]} and {given} are one setting: give it once")
        found[NAMES[given]] = SETTINGS[NAMES[given]].of_today(value)
    return found


def from_stored(stored: Mapping[str, Any]) -> dict[str, Any]:
    """What an atlas tells of its settings, under the names of today, with those added since."""
    since = {
        name: about.before for name, about in SETTINGS.items() if about.before is not FROM_THE_START
    }
    told = since | {NAMES.get(name, name): value for name, value in stored.items()}
    return {
        name: SETTINGS[name].of_today(value) if name in SETTINGS else value
        for name, value in told.items()
    }


def takes_settings(function: F) -> F:
    """Tell every setting in the signature of a function that takes them by name."""
    told: Any = function
    own = inspect.signature(function)
    keyword = inspect.Parameter.KEYWORD_ONLY
    told.__signature__ = own.replace(
        parameters=[
            *(one for one in own.parameters.values() if one.kind is not one.VAR_KEYWORD),
            *(
                inspect.Parameter(name, keyword, default=about.default)
                for name, about in SETTINGS.items()
            ),
        ]
    )
    return function
