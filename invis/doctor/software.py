"""Python, PyTorch and the other packages, and what JupyterLab loads into the browser."""

from __future__ import annotations

import json
import platform
import shutil
import sys
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from invis.doctor.finding import Finding, first_line

OLDEST, TESTED = (3, 11), (3, 13)
# Modules whose names are not those of their distributions.
MODULES = {"lazy-loader": "lazy_loader", "pillow": "PIL", "scikit-learn": "sklearn"}
# Checks of their own tell of these.
APART = ("torch", "torch-lucent", "jupyterlab")
EXTENSIONS = {
    "@jupyter-widgets/jupyterlab-manager": "ipywidgets",
    "anywidget": "anywidget",
    "jupyterlab-plotly": "plotly",
}


def python() -> Finding:
    """The version of Python."""
    found = f"{platform.python_version()}, {platform.system()} {platform.machine()}"
    version = sys.version_info[:2]
    if version < OLDEST:
        return Finding("problem", found, "Install Python 3.11 or newer, and Invis in it.")
    if version > TESTED:
        advice = "Should anything fail, use Python 3.13, the newest that Invis was tested with."
        return Finding("warning", found, advice)
    return Finding("ok", found)


def packages() -> Finding:
    """Whether everything that Invis asks for is there, fits, and can be imported."""
    from packaging.requirements import Requirement

    try:
        asked = [Requirement(line) for line in metadata.requires("invis") or []]
    except metadata.PackageNotFoundError:
        return Finding("warning", "Invis runs without being installed", "Run `pip install -e .`.")
    asked = [one for one in asked if one.marker is None or one.marker.evaluate({"extra": ""})]
    wrong, unusable = [], []
    for one in asked:
        try:
            version = metadata.version(one.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{one.name} is missing")
            unusable.append(one)
            continue
        if not one.specifier.contains(version, prereleases=True):
            wrong.append(f"{one.name} is {version}, not {one.specifier}")
            unusable.append(one)
        elif one.name not in APART:
            reason = _import_fails(MODULES.get(one.name, one.name))
            if reason:
                wrong.append(f"{one.name} cannot be imported ({reason})")
                unusable.append(one)
    if [one.name for one in unusable] == ["torchvision"]:
        # Of another release or build than torch: to upgrade it alone does not help.
        both = "`pip install --force-reinstall torch torchvision`"
        return Finding("problem", wrong[0], f"Run {both}, so that both are of one build.")
    if wrong:
        names = " ".join(f"'{one.name}{one.specifier}'" for one in unusable)
        return Finding("problem", "; ".join(wrong), f"Run `pip install --upgrade {names}`.")
    return Finding("ok", f"{len(asked)} packages, all in versions that fit")


def _import_fails(module: str) -> str:
    """Why a module cannot be imported; empty where it can."""
    try:
        import_module(module)
    except Exception as error:  # a broken extension module raises whatever it likes
        return first_line(error)
    return ""


def pytorch() -> Finding:
    """Whether PyTorch is there and computes."""
    try:
        import torch

        ones = torch.ones(1, 1, 3, 3)
        nine = float(torch.nn.functional.conv2d(ones, ones))
    except ImportError as error:
        return Finding("problem", f"missing or broken ({first_line(error)})", _install_torch())
    except Exception as error:
        return Finding("problem", f"broken ({first_line(error)})", _install_torch())
    found = f"{torch.__version__}, {_build(torch)}, {torch.get_num_threads()} threads"
    if nine != 9:
        found += f", a sum of nine ones gives {nine:g}"
        return Finding("problem", found, _install_torch())
    return Finding("ok", found)


def _install_torch() -> str:
    return "Install PyTorch as https://pytorch.org/get-started says: `pip install torch`."


def _build(torch: Any) -> str:
    if torch.version.cuda:
        return f"built for CUDA {torch.version.cuda}"
    if getattr(torch.version, "hip", None):
        return f"built for ROCm {torch.version.hip}"
    return "built with MPS" if torch.backends.mps.is_built() else "built for CPUs"


def device() -> Finding:
    """The device that Invis would choose, and whether it computes."""
    import torch

    from invis.models.devices import pick_device

    chosen = pick_device()
    found = str(chosen)
    if chosen.type == "cuda":
        found += f" ({torch.cuda.get_device_name(chosen)})"
    try:
        ones = torch.ones(1, 1, 3, 3, device=chosen)
        torch.nn.functional.conv2d(ones, ones).cpu()
    except RuntimeError as error:
        advice = "Give `--device cpu`, or update the driver of the graphics card."
        return Finding("warning", f"{found} does not compute ({first_line(error)})", advice)
    if chosen.type == "cpu" and shutil.which("nvidia-smi"):
        found += ", though there is an NVIDIA driver"
        advice = "For searches on the GPU install PyTorch's CUDA build, or update the driver."
        return Finding("warning", found, advice)
    return Finding("ok", found)


def lucent() -> Finding:
    """Whether torch-lucent and the kornia that it needs work; only full images need them."""
    import torch  # noqa: F401  # without it the reason would be torch, not lucent

    from invis.errors import InvisError
    from invis.interop.require import lucent as modules

    try:
        modules()
    except InvisError as error:
        reason, _, advice = str(error).partition("): ")
        return Finding("warning", f"{reason})", f"For full images run `{advice}`.")
    versions = [f"{name} {metadata.version(name)}" for name in ("torch-lucent", "kornia")]
    return Finding("ok", ", ".join(versions))


def jupyterlab() -> Finding:
    """The version of JupyterLab."""
    reason = _import_fails("jupyterlab")
    if reason:
        advice = "Run `pip install 'jupyterlab>=4.2,<5'`; all but the notebooks works without it."
        return Finding("problem", f"cannot be imported ({reason})", advice)
    return Finding("ok", metadata.version("jupyterlab"))


def labextensions() -> Finding:
    """Whether JupyterLab would load what draws the explorers, read from disk."""
    from jupyter_core.paths import jupyter_path

    roots = [Path(root) for root in jupyter_path("labextensions")]
    versions = {name: _extension(roots, name) for name in EXTENSIONS}
    missing = [name for name, version in versions.items() if not version]
    if missing:
        packages = " ".join(EXTENSIONS[name] for name in missing)
        advice = f"Run `pip install --force-reinstall --no-deps {packages}`"
        advice += " jupyterlab-widgets" if "ipywidgets" in packages else ""
        return Finding(
            "problem",
            f"JupyterLab lacks {' and '.join(missing)}",
            f"{advice}, in the environment of JupyterLab, and start it again.",
        )
    return Finding("ok", ", ".join(f"{name} {version}" for name, version in versions.items()))


def _extension(roots: list[Path], name: str) -> str:
    """The version of a prebuilt extension; empty where there is none."""
    for root in roots:
        try:
            return str(json.loads((root / name / "package.json").read_text("utf-8"))["version"])
        except (OSError, ValueError, KeyError):
            continue
    return ""
