"""What mkdocs does beyond its plugins: formulas as MathML, pages of reference that are written from
the code, and the files beside docs/ that pages link to."""

from __future__ import annotations

import inspect
import re
import sys
from html import escape, unescape
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).resolve().parents[1]
# Shown as files of the site: pages link to them as they lie in a clone.
BESIDE = ("deploy", "notebooks", "binder")
ABOVE = ("ARCHITECTURE.md", "CONTRIBUTING.md")
ROOMS = (
    "files", "models", "search", "probe", "trajectory", "stitching", "atlas", "views", "widgets",
)  # fmt: skip
WORKER = "https://unpkg.com/iframe-worker/shim"
INLINE = re.compile(r'<span class="arithmatex">\\\((.*?)\\\)</span>', re.S)
DISPLAY = re.compile(r'<div class="arithmatex">\s*\\\[(.*?)\\\]\s*</div>', re.S)


def on_files(files: Any, config: Any) -> Any:
    """Add the pages of reference, and the files that pages link to."""
    from mkdocs.structure.files import File

    sys.path.insert(0, str(ROOT))
    pages = {"cli": cli_reference(), "invis": face_reference()}
    pages |= {room: room_reference(room) for room in ROOMS}
    pages["workshop"] = "# invis.workshop\n\n::: invis.workshop\n"
    for name, content in pages.items():
        files.append(File.generated(config, f"reference/{name}.md", content=content))
    for folder in (*BESIDE, "notebooks/solutions"):
        for path in sorted(filter(Path.is_file, (ROOT / folder).iterdir())):
            name = path.relative_to(ROOT).as_posix()
            files.append(File.generated(config, name, abs_src_path=str(path)))
    for name in ABOVE:
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Links out of docs/ lead to the copies in the site, and those of the copies into it."""
    markdown = markdown.replace("](../docs/", "](../").replace("](docs/", "](")
    for name in ABOVE:
        markdown = markdown.replace(f"](../{name}", f"]({name}")
    for folder in BESIDE:
        markdown = re.sub(rf"\]\((\.\./)+{folder}/", lambda m, f=folder: _inside(m[0], f), markdown)
    return markdown


def _inside(link: str, folder: str) -> str:
    """The same link with one step less upwards: docs/ is the root of the site."""
    return "](" + "../" * (link.count("../") - 1) + f"{folder}/"


def on_page_content(html: str, **_: Any) -> str:
    """Formulas become MathML, which browsers draw themselves: no script, no font, no request."""
    html = DISPLAY.sub(lambda m: f'<div class="formula">{_mathml(m[1], "block")}</div>', html)
    return INLINE.sub(lambda m: _mathml(m[1], "inline"), html)


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """The theme's offline search would fetch its worker for pages that are opened as files."""
    return output.replace(WORKER, "../" * page.url.count("/") + "assets/worker.js")


def on_post_template(output_content: str, **_: Any) -> str:
    """The same of the page for what does not exist."""
    return output_content.replace(WORKER, "/assets/worker.js")


def _mathml(tex: str, display: str) -> str:
    from latex2mathml.converter import convert

    return convert(unescape(tex).strip(), display=display)


def room_reference(room: str) -> str:
    """Markdown: every module of a room, and of its subjects, for mkdocstrings."""
    modules = sorted((ROOT / "invis" / room).rglob("[!_]*.py"))
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in modules]
    parts = [f"# invis.{room}", *(f"::: {name}" for name in names)]
    if re.search("^def [a-z]", (ROOT / "invis" / room / "__init__.py").read_text("utf-8"), re.M):
        parts.insert(1, f"::: invis.{room}")
    return "\n\n".join(parts) + "\n"


def face_reference() -> str:
    """Markdown: what `import invis` offers, each name with its first line and its home."""
    import invis

    rows = []
    for name in sorted(set(invis.__all__) - {"__version__"}, key=str.lower):
        it = getattr(invis, name)
        first = (inspect.getdoc(it) or "").partition("\n")[0]
        home = f"invis.{name}.{name}" if inspect.ismodule(it) else f"{it.__module__}.{name}"
        linked = home.split(".")[1] in ROOMS and not inspect.ismodule(it)
        rows.append(
            f"| [`invis.{name}`][{home}] | {_cell(first)} |"
            if linked
            else f"| `invis.{name}` | {_cell(first)} |"
        )
    return "\n".join(
        [
            "# The public face",
            "",
            "Names are imported when they are first used: `import invis` costs neither PyTorch nor "
            "a user interface.",
            "",
            "| name | |",
            "| --- | --- |",
            *rows,
            "",
        ]
    )


def cli_reference() -> str:
    """Markdown: every command with its arguments and options, as click knows them."""
    from invis.cli import cli

    parts = [
        "# Command line",
        "Written from the commands themselves when this site was built; `invis COMMAND --help` "
        "prints the same.",
        _prose(cli.help or ""),
    ]
    for name, command in cli.commands.items():
        parts += _command(f"invis {name}", command, 2)
    return "\n\n".join(parts) + "\n"


def _command(name: str, command: click.Command, level: int) -> list[str]:
    with click.Context(command, info_name=name) as context:
        usage = " ".join([name, *command.collect_usage_pieces(context)])
        parts = [f"{'#' * level} {name}", f"```text\n{usage}\n```", _prose(command.help or "")]
        rows = [
            record
            for parameter in command.params
            if isinstance(parameter, click.Option)
            and not parameter.hidden
            and (record := parameter.get_help_record(context))
        ]
    if rows:
        lines = [f"| `{' '.join(option.split())}` | {_cell(text)} |" for option, text in rows]
        parts.append("\n".join(["| option | |", "| --- | --- |", *lines]))
    if isinstance(command, click.Group):
        for sub, inner in command.commands.items():
            parts += _command(f"{name} {sub}", inner, level + 1)
    return parts


def _prose(text: str) -> str:
    """Help as Markdown; click's \\b marks what keeps its lines."""
    blocks = text.strip().split("\n\n")
    return "\n\n".join(
        f"```text\n{block.removeprefix(chr(8)).strip()}\n```"
        if block[:1] == "\b"
        else escape(block)
        for block in blocks
    )


def _cell(text: str) -> str:
    return _plain(" ".join(text.split())).replace("|", "\\|")


def _plain(text: str) -> str:
    """Text that Markdown takes as it is: MODEL[@WEIGHTS] is no link."""
    return escape(text).replace("[", "\\[")
