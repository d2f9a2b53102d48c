"""What the README tells a reader to type exists."""

import re
import shlex
from pathlib import Path

import click
import pytest

from invis.cli import cli
from invis.models.address import parse_address

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^ {4}invis (\S[^#\n]*)", README, re.M)
COMMANDS += re.findall(r"`invis ((?:search|check|models|units)\b[^`]*)`", README)


def test_commands_were_found():
    assert len(COMMANDS) >= 9


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_parse(line, nothing_there):
    name, *args = shlex.split(line)
    command = cli.commands[name]
    context = command.make_context(name, args)
    if name == "search":
        parse_address(context.params["address"])
    assert isinstance(context, click.Context)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`?make ([a-z]+)\b", README))))
def test_make_targets_exist(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.M)


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", README, re.S))
def test_python_examples_name_what_exists(code):
    import invis

    compile(code, "README.md", "exec")
    for name in re.findall(r"\binvis\.(\w+)", code):
        assert hasattr(invis, name)


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)#:]+)\)", README))
def test_links_lead_somewhere(path):
    assert (ROOT / path).exists()
