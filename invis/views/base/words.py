"""What a result means, in words. Pure functions of a result's attributes, no markup."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from statistics import median as middle
from typing import Any

from xarray import Dataset

from invis.search.settings import SETTINGS

# An affine unit cannot exceed 1; the margin is the rounding of images to 8 bits.
LINEAR_LIMIT = 1.0005
# Rounding to 8 bits and a finite search may leave an image this far below alpha.
FRACTION_TOLERANCE = 0.01
SATURATED_LIMIT = 0.02
ERROR_LIMIT = 0.02
RANGE_LIMIT = 0.9
# From here on a linear unit leaves so little room that any distance divides by almost nothing.
BETA_LIMIT = 0.98
# Smooth maxima and linear units stay within this of kappa 0 at the usual floors.
SMOOTH_KAPPA = 0.05
# A weight and its channel in the name of a combination, such as "0.5x3-1e-05x8".
TERM = re.compile(r"([+-]?[^x]+?)x(\d+)(?=[+-]|$)")
# A title that names more weights, or more channels, is longer than a page is wide.
MOST_WEIGHTS, MOST_TERMS = 2, 6


def number(attrs: Mapping[str, Any], key: str) -> float | None:
    """The attribute as a float, or None where it is missing, empty or not a number."""
    value = attrs.get(key)
    if value is None or isinstance(value, str):
        return None
    value = float(value)
    return value if math.isfinite(value) else None


def median(values: Iterable[float | None]) -> float | None:
    """The middle of the finite values, between the two middle ones of an even number of them.

    None where there is no finite value.
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    return middle(known) if known else None


def percent(share: float | None, digits: int = 0) -> str:
    """`0.93` as "93 %"; a dash where there is no number."""
    return "–" if share is None else f"{100 * share:.{digits}f} %"


def bars(alpha: float | None) -> str:
    """What the bars under the images of a set are, with their floor where it is known."""
    floor = f"; the mark is the floor, {percent(alpha)}" if alpha is not None else ""
    return f"Bars: share of a*, the reference’s activation{floor}."


def figure(value: float | None, digits: int = 2) -> str:
    """A number for display; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "\u2212")


def title(ds: Dataset) -> str:
    """The unit's address in plain words: "Channel 12 of conv3_1 in vgg19"."""
    a = ds.attrs
    layer, model = str(a.get("layer", "")), str(a.get("model", ""))
    if not layer or not model:
        return str(a.get("address", "A unit"))
    channel = str(a.get("channel", ""))
    if model == "truth":
        return f"Ground truth: {layer.replace('_', ' ')}, unit {channel}"
    return f"{_channels(channel)} of {layer} in {model}"


def _channels(name: str) -> str:
    """Of a unit's name: "Channel 12", or a combination: "Channels 3, 8 (weights 1, −1)"."""
    terms = TERM.findall(name)
    if not name or "".join(f"{weight}x{channel}" for weight, channel in terms) != name:
        return f"Channel {name}" if name.isdigit() else name
    if len(terms) > MOST_TERMS:
        return f"A combination of {len(terms)} channels"
    weights, channels = (", ".join(part) for part in zip(*terms, strict=True))
    if len(terms) > MOST_WEIGHTS:
        return f"Channels {channels}, weighted,"
    many = "s" if len(terms) > 1 else ""
    weights = weights.replace("+", "").replace("-", "−")
    return f"Channel{many} {channels} (weight{many} {weights})"


def weights(ds: Dataset) -> str:
    """Where the weights come from: "weights IMAGENET1K_V1", "untrained control, seed 0"."""
    name = str(ds.attrs.get("weights", ""))
    if ds.attrs.get("model") == "truth":
        return "a unit whose invariance is known exactly"
    if name == "none" or name.startswith("none:"):
        seed = name.partition(":")[2]
        return f"untrained control, seed {seed}" if seed else "untrained control"
    if name and name == ds.attrs.get("weights_hash"):
        return f"weights from a file, sha256 {name}"
    return f"weights {name}" if name else "weights as given"


def metric_name(attrs: Mapping[str, Any]) -> str:
    """The metric of a result; those of a version that knew no other are in that of pixels."""
    return str(attrs.get("metric") or SETTINGS["metric"].before)


def metric(attrs: Mapping[str, Any]) -> str:
    """The metric in words: "the metric of natural images", "the metric of pixels"."""
    name = metric_name(attrs)
    kind, colon, own = name.partition(":")
    if name == "natural":
        return "the metric of natural images"
    return f"the metric of {own if colon and kind == 'natural' else name}"


def differ_in(attrs: Mapping[str, Any]) -> str:
    """The layer in whose features images were made to differ; "" for the images themselves."""
    about = SETTINGS["distance"]
    space = str(about.of_today(attrs.get(about.attr, about.default)))
    return "" if space == about.default else space


def contrast_asked(attrs: Mapping[str, Any]) -> str:
    """The contrast of the question, which in the metric of pixels is that of every image."""
    told = f"RMS contrast {figure(number(attrs, 'contrast'), 1)} of 255"
    if metric_name(attrs) == "pixels":
        return told
    return f"{told} over all images of the same norm"


def contrast_found(attrs: Mapping[str, Any]) -> str:
    """The mean contrast that the images of a set have; empty where each has the one asked for."""
    found = None if metric_name(attrs) == "pixels" else number(attrs, "pixel_contrast")
    return "" if found is None else f"RMS contrast of these images: {found:.0f} grey levels"


def settings(ds: Dataset) -> list[str]:
    """The question that was asked: number of images, activation floor, metric, contrast, band..."""
    a = ds.attrs
    parts = [
        f"{int(a.get('images', ds.sizes['image']))} images",
        f"each at least {percent(number(a, 'alpha'))} of the reference",
        f"distances in {metric(a)}",
        contrast_asked(a),
    ]
    low, high = number(a, "band_low"), number(a, "band_high")
    if low is not None and high is not None:
        parts.append(f"{low:g} to {high:.3g} cycles per image")
    if a.get("objective", "set") != "set":
        parts.append(f"the {a['objective']}'s objective")
    if differ_in(a):
        parts.append(f"made to differ in {differ_in(a)}")
    return parts


def brief(ds: Dataset) -> dict[str, str]:
    """What was asked, in a word or two each, to tell results of one unit apart."""
    a = ds.attrs
    low, high = (figure(number(a, key), 1) for key in ("band_low", "band_high"))
    return {
        "weights": weights(ds),
        "metric": metric_name(a),
        "alpha": percent(number(a, "alpha")),
        "images": f"{int(a.get('images', ds.sizes['image']))} images",
        "contrast": f"contrast {figure(number(a, 'contrast'), 1)}",
        "band": f"band {low} to {high}",
        "objective": f"{a.get('objective', 'set')} objective",
        "distance": f"in {differ_in(a) or 'images'}",
        "seed": f"seed {a.get('seed', 0)}",
    }


def verdict(ds: Dataset) -> str:
    """One sentence that says what the index means, or why there is none."""
    a = ds.attrs
    if a.get("dead"):
        return (
            "This unit is dead: no image that the search tried raised it above 0, "
            "so there is nothing to be invariant about."
        )
    index = number(a, "index")
    if index is None:
        reason = str(a.get("index_reason", "")).strip().rstrip(".")
        return f"No index: {reason}." if reason else "No index could be computed."
    if index > LINEAR_LIMIT:
        return (
            f"Index {index:.2f}: these images are {index:.2f} times as far apart "
            "as a linear unit would allow."
        )
    within = f"Index {index:.2f}: these images are no further apart than a linear unit would allow"
    spread = number(a, "spread")
    # The remark that follows then tells of an invariance among all pairs.
    if spread is not None and spread > LINEAR_LIMIT:
        return f"{within}."
    return f"{within}, so this set shows no invariance."


def remark(ds: Dataset) -> str:
    """What the spread adds to the index; empty where it adds nothing."""
    index, spread = number(ds.attrs, "index"), number(ds.attrs, "spread")
    if ds.attrs.get("dead") or index is None or spread is None:
        return ""
    if spread > 1.1 and spread > 1.5 * index:
        return (
            f"Over all pairs, not only neighbours, it is {spread:.2f} times (the spread): "
            "the images lie along a path or fall into a few groups."
        )
    if spread > LINEAR_LIMIT:
        return f"Over all pairs, not only neighbours, it is {spread:.2f} times (the spread)."
    return f"The spread, {spread:.2f}, finds no invariance among all pairs either."


def tolerance(attrs: Mapping[str, Any]) -> str:
    """What kappa adds, where the unit was searched at several floors; empty where it was not."""
    kappa, low, high = (number(attrs, key) for key in ("kappa", "kappa_low", "kappa_high"))
    if kappa is None:
        return ""
    interval = "" if low is None or high is None else f" ({figure(low)} to {figure(high)})"
    told = f"Kappa {figure(kappa)}{interval}: as the floor rises, these images draw together "
    if (kappa if low is None else low) > SMOOTH_KAPPA:
        return told + "less than at any smooth maximum, so something stays."
    return told + "as at a smooth maximum, so a tolerance would explain this index."


def in_features(ds: Dataset) -> str:
    """What the distance in an earlier layer's features says; empty for others."""
    index = number(ds.attrs, "feature_index")
    if index is None or ds.attrs.get("dead"):
        return ""
    return (
        f"In the features of {differ_in(ds.attrs)} they are {index:.2f} times as far "
        "apart as the same search got on a linear unit."
    )


def warnings(ds: Dataset) -> list[str]:
    """What a reader must know before believing the index. Empty for a clean result."""
    a = ds.attrs
    found: list[str] = []
    if a.get("dead"):
        return found
    for key in ("way_remark", "shown_channels"):
        if a.get(key):
            said = str(a[key])
            found.append(f"{said[0].upper()}{said[1:]}.")
    alpha, least = number(a, "alpha"), number(a, "fraction_min")
    if alpha is not None and least is not None and least < alpha - FRACTION_TOLERANCE:
        found.append(
            f"Constraint not met: the weakest image reaches {percent(least)} of the reference, "
            f"and {percent(alpha)} was asked for."
        )
    if "converged" in a and not a["converged"]:
        found.append(
            "Not converged: the search was stopped early, so the images could still move "
            "further apart."
        )
    saturated = number(a, "saturated")
    if saturated is not None and saturated > SATURATED_LIMIT:
        found.append(
            f"Saturated: {percent(saturated, 1)} of the pixel values lie on the edge of the range "
            "0 to 255, where the set has less room than the null allows."
        )
    beta = number(a, "beta")
    if beta is not None and BETA_LIMIT < beta < 1:
        found.append(
            f"The null is nearly zero: the images reach {percent(beta, 1)} of the largest "
            "response, so compare this index only with sets at that activation."
        )
    reach = reference_reach(ds)
    if reach is not None and reach < RANGE_LIMIT:
        found.append(
            f"The pixel range binds: the reference reaches {percent(reach)} of what the unit would "
            "give without it, so the null is looser and the index smaller."
        )
    error = number(a, "full_model_error")
    if error is not None and error > ERROR_LIMIT:
        found.append(
            f"The full model differs: on the 8-bit images it gives values {percent(error, 1)} away "
            "from those of the search."
        )
    return found


def reference_reach(ds: Dataset) -> float | None:
    """(a* - g) / (a_free - g): how much of the range-free maximum the reference keeps."""
    top, free = number(ds.attrs, "reference"), number(ds.attrs, "free_reference")
    grey = number(ds.attrs, "grey_response")
    if top is None or free is None or grey is None or free <= grey:
        return None
    return (top - grey) / (free - grey)


def stretch_label(factor: int) -> str:
    """The label that every stretched picture carries."""
    return f"contrast stretched ×{factor} for display" if factor > 1 else "true contrast"
