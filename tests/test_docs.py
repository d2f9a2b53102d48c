"""What the documentation tells a reader to type exists, and its reference is complete."""

import importlib.util
import re
import shlex
from pathlib import Path

import click
import pytest

from invis.cli import cli
from invis.models.address import parse_address

ROOT = Path(__file__).parent.parent
PAGES = {str(path.relative_to(ROOT)): path for path in sorted((ROOT / "docs").rglob("*.md"))}
TEXTS = {name: path.read_text(encoding="utf-8") for name, path in PAGES.items()}
# Commands in indented and in fenced blocks, without their comments and continued lines.
COMMANDS = sorted(
    {
        (name, line.strip())
        for name, text in TEXTS.items()
        for line in re.findall(r"^ {4,8}invis (\S[^#\n|]*)", text, re.M)
        if not line.rstrip().endswith("\\")
    }
)
CODE = [
    pytest.param(code, id=f"{name}-{number}")
    for name, text in TEXTS.items()
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", text, re.S))
]
LINKS = sorted(
    {
        (name, link)
        for name, text in TEXTS.items()
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", text)
    }
)
# Made when the site is built.
REFERENCE = "reference/"


@pytest.fixture(scope="module")
def hooks():
    spec = importlib.util.spec_from_file_location("hooks", ROOT / "docs" / "hooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pages_were_found():
    assert len(PAGES) >= 17 and len(COMMANDS) >= 25 and len(CODE) >= 10 and len(LINKS) >= 30


@pytest.mark.parametrize("page, line", COMMANDS)
def test_commands_parse(page, line, tmp_path, monkeypatch, nothing_there):
    monkeypatch.chdir(tmp_path)  # where OUT and the like are no files
    name, *args = shlex.split(line.replace("--images DIR", "").replace("HOST:5006", "h:5006"))
    command = cli.commands[name]
    while isinstance(command, click.Group):
        name, *args = args
        command = command.commands[name]
    context = command.make_context(name, args)
    if name == "search":
        parse_address(context.params["address"])


@pytest.mark.parametrize("code", CODE)
def test_python_examples_name_what_exists(code):
    import invis

    lines = [line for line in code.splitlines() if not line.startswith("%")]
    compile("\n".join(lines), "docs", "exec")
    for name in re.findall(r"\binvis\.(\w+)\(", code):
        assert hasattr(invis, name)
    for line in lines:
        if line.startswith("from invis"):
            exec(line)


@pytest.mark.parametrize("page, link", LINKS)
def test_links_lead_somewhere(page, link):
    target = (PAGES[page].parent / link).resolve()
    made = REFERENCE in link and target.parent == (ROOT / "docs" / REFERENCE)
    assert made or target.exists()


@pytest.mark.parametrize(
    "target", sorted({m for t in TEXTS.values() for m in re.findall(r"^ +make ([a-z]+)", t, re.M)})
)
def test_make_targets_exist(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.M)


def test_every_page_has_its_place_in_the_menu():
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for path in PAGES.values():
        assert f": {path.relative_to(ROOT / 'docs').as_posix()}\n" in menu


def test_the_reference_has_every_command_and_option(hooks):
    page = hooks.cli_reference()
    for name, command in cli.commands.items():
        assert f"\n## invis {name}\n" in page
        for option in command.params:
            if isinstance(option, click.Option):
                assert option.opts[0] in page
    assert "### invis atlas verify" in page
    assert "MODEL\\[@WEIGHTS]" in page  # no link


def test_every_room_of_the_reference_names_its_modules(hooks):
    for room in hooks.ROOMS:
        page = hooks.room_reference(room)
        assert page.startswith(f"# invis.{room}\n")
        assert page.count(":::") >= 4 and "__" not in page


def test_the_face_of_the_reference_has_every_name(hooks):
    import invis

    page = hooks.face_reference()
    for name in set(invis.__all__) - {"__version__"}:
        assert f"`invis.{name}`" in page


def test_links_out_of_docs_lead_into_the_site(hooks):
    page = (
        "[a](../deploy/nginx.conf) [b](../../notebooks/x.ipynb) [c](../serve.md) [d](../docs/x.md)"
    )
    wanted = "[a](deploy/nginx.conf) [b](../notebooks/x.ipynb) [c](../serve.md) [d](../x.md)"
    assert hooks.on_page_markdown(page) == wanted


def test_formulas_become_mathml(hooks):
    pytest.importorskip("latex2mathml")
    html = r'<p>a <span class="arithmatex">\(x &lt; \alpha\)</span> b</p>'
    found = hooks.on_page_content(html)
    assert "<math" in found and "arithmatex" not in found and "\\" not in found


def test_pictures_are_small_and_taken_by_a_script():
    scripts = "".join(path.read_text("utf-8") for path in (ROOT / "docs").glob("*.py"))
    for path in (*(ROOT / "docs").glob("*.png"), *(ROOT / "docs").glob("*.webp")):
        assert path.stat().st_size <= 120_000
        assert path.name in scripts or f"def {path.stem}(" in scripts


def test_what_binder_installs_exists():
    text = (ROOT / "binder" / "postBuild").read_text(encoding="utf-8")
    for path in re.findall(r"deploy/\S+", text):
        assert (ROOT / path).exists()
    assert "\n.[all]\n" in (ROOT / "binder" / "requirements.txt").read_text(encoding="utf-8")
