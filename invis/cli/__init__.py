"""The command line: `invis COMMAND`. Importing it loads click and nothing heavy."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from invis.cli.atlas import atlas
from invis.cli.check import check
from invis.cli.demo import demo
from invis.cli.directions import directions
from invis.cli.doctor import doctor
from invis.cli.early import watch
from invis.cli.exemplars import exemplars
from invis.cli.explain import explain
from invis.cli.lab import lab
from invis.cli.models import models, units
from invis.cli.morph import morph
from invis.cli.probe import probe
from invis.cli.profile import profile
from invis.cli.search import search
from invis.cli.serve import serve
from invis.cli.show import compare, show
from invis.cli.statistics import statistics
from invis.cli.stitch import stitch
from invis.cli.sweep import sweep
from invis.cli.train import evaluate, train
from invis.cli.trajectory import trajectory
from invis.errors import InvisError
from invis.shipped import __version__

BAD_INPUT = 2
INTERRUPTED = 130
# Characters of a message.
LONGEST = 800


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="invis")
def cli() -> None:
    """Invis shows what a neural network ignores.

    A unit has an address, MODEL[@WEIGHTS]/LAYER/CHANNEL, such as vgg19/conv3_1/12,
    minivgg/conv2_2/0-7 or resnet50@none:1/layer1.0.conv2/5. `invis models` lists the models and
    `invis units MODEL` the layers of one.
    """


for _command in (
    search, profile, show, compare, check, models, units, train, evaluate, demo, lab, stitch,
    trajectory, morph, exemplars, directions, sweep, probe, explain, atlas, statistics, serve,
    doctor,
):  # fmt: skip
    cli.add_command(_command)
watch(cli)


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code: 2 for bad input, 130 for Ctrl-C."""
    code = 0
    try:
        # Not click's own main, which turns a closed pipe into exit 1.
        with cli.make_context("invis", list(sys.argv[1:] if args is None else args)) as context:
            cli.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as leaving:
        code = leaving.exit_code
    except InvisError as error:
        click.echo(f"invis: {_cut(str(error)).rstrip('.')}", err=True)
        code = BAD_INPUT
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = BAD_INPUT
    except click.ClickException as error:
        click.echo(f"invis: {_told(error)}", err=True)
        code = BAD_INPUT
    except (click.Abort, KeyboardInterrupt):
        click.echo("\ninvis: interrupted", err=True)
        code = INTERRUPTED
    except BrokenPipeError:
        code = _leave_closed_pipe()
    except OSError as error:
        where = f"{str(error.filename)!r}: " if error.filename else ""
        click.echo(f"invis: {where}{error.strerror or error}", err=True)
        code = BAD_INPUT
    sys.exit(code)


def _told(error: click.ClickException) -> str:
    """What click says of a wrong argument, in one line, and where the right ones are told."""
    said = _cut(" ".join(error.format_message().split())).rstrip(".")
    said = said[:1].lower() + said[1:] if said[1:2].islower() else said
    context = getattr(error, "ctx", None)
    return f"{said}; see `{context.command_path} --help`" if context is not None else said


def _cut(text: str) -> str:
    """A text without its middle where somebody's argument makes it too long to read."""
    half = LONGEST // 2
    return text if len(text) <= LONGEST else f"{text[:half]}...{text[-half:]}"


def _leave_closed_pipe() -> int:
    """The reader (`| head -1`) has seen enough: that is no failure, and nobody is left to tell."""
    # Python flushes stdout once more while it exits; let it flush into nothing.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
