"""Whether this machine can run Invis: one finding a check, whatever is missing or broken.

Nothing heavy is imported before the check that is about it, and no check can stop the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from invis.doctor import data, machine, software
from invis.doctor.finding import Finding, first_line

CHECKS: dict[str, Callable[[], Finding]] = {
    "Python": software.python,
    "packages": software.packages,
    "PyTorch": software.pytorch,
    "device": software.device,
    "lucent": software.lucent,
    "JupyterLab": software.jupyterlab,
    "widgets": software.labextensions,
    "networks": data.networks,
    "atlas": data.atlas,
    "trajectories": data.trajectories,
    "port 8888": lambda: machine.port(8888, "JupyterLab", "invis lab"),
    "port 5006": lambda: machine.port(5006, "the dashboard", "invis serve"),
    "memory": machine.memory,
    "disk": machine.disk,
    "cache": machine.cache,
}


def examine() -> Iterator[tuple[str, Finding]]:
    """The name of each check and what it found, as soon as it is known."""
    for name, check in CHECKS.items():
        try:
            yield name, check()
        except Exception as error:
            missing = isinstance(error, ImportError)
            yield (
                name,
                Finding(
                    "warning" if missing else "problem",
                    f"could not be checked ({first_line(error)})",
                    "See to the problems above first."
                    if missing
                    else "Install Invis again, in a new environment.",
                ),
            )
