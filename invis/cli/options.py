"""Options that several commands share; those of a search are made from its settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from invis.search.settings import SETTINGS, About

F = TypeVar("F", bound=Callable[..., Any])

weights = click.option("--weights", help="A weights name, a file, `none` or `none:SEED`.")
device = click.option("--device", help="cpu, cuda, cuda:1, mps; chosen for you when left out.")
out = click.option("--out", type=click.Path(path_type=Path), help="Folder of the results.")
as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print a JSON list and nothing else."
)


class SettingOption(click.Option):
    """An option that is a setting of a search: `invis.cli.early` checks its value at once."""


def search_options(*names: str) -> Callable[[F], F]:
    """Options for some settings of a search, or for all of them: keywords of `Settings.of`."""

    def decorate(command: F) -> F:
        for name in reversed(names or tuple(SETTINGS)):
            command = _option(name, SETTINGS[name])(command)
        return command

    return decorate


def _option(name: str, about: About) -> Callable[[F], F]:
    closed = about.choices and not about.other
    return click.option(
        *(f"--{one.replace('_', '-')}" for one in (name, *about.aliases)),
        name,
        cls=SettingOption,
        type=click.Choice(about.choices) if closed else about.kind,
        metavar="|".join([*about.choices, about.other]) if about.other else None,
        default=about.default,
        show_default=about.default is not None,
        help=about.help,
    )
