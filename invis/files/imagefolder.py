"""Folders of images as one array: decoded once, memory-mapped afterwards.

A folder is in ImageFolder layout: one folder per class, classes numbered in the order of their
sorted names. Decoding 50,000 JPEGs takes longer than reading them many times from the page cache,
and several training processes share one memory-mapped file.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from invis.errors import InvisError
from invis.files.atomic import replacing

EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".ppm", ".tif", ".tiff", ".webp"})


@dataclass(frozen=True)
class Images:
    """Attributes:
    pixels: (N, H, W, 3) uint8, possibly memory-mapped.
    labels: (N,) int64, index into `classes`.
    classes: folder names in sorted order.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)


def list_folder(folder: str | Path) -> tuple[list[Path], NDArray[np.int64], tuple[str, ...]]:
    """Files, labels (N,) and class names of a folder in ImageFolder layout.

    Raises:
        InvisError: the folder is missing, or it has no class folder with an image.
    """
    root = Path(folder)
    if not root.is_dir():
        raise InvisError(f"data is {str(folder)!r}, but there is no such folder.")
    files: list[Path] = []
    labels: list[int] = []
    classes = sorted(path.name for path in root.iterdir() if path.is_dir())
    for label, name in enumerate(classes):
        found = sorted(
            p for p in (root / name).iterdir() if p.suffix.lower() in EXTENSIONS and p.is_file()
        )
        if not found:
            raise InvisError(
                f"data is {str(folder)!r}, but its folder {name!r} holds no image; "
                "the layout must be one folder of images per class."
            )
        files += found
        labels += [label] * len(found)
    if not files:
        raise InvisError(
            f"data is {str(folder)!r}, but it holds no class folders; the layout must be "
            "one folder of images per class."
        )
    return files, np.array(labels, dtype=np.int64), tuple(classes)


def split_folder(data: str | Path) -> tuple[Path, Path | None]:
    """Folders to train and validate on: `train` and `val` (or `test`), else `data` and none."""
    root = Path(data)
    if not root.is_dir():
        raise InvisError(f"data is {str(data)!r}, but there is no such folder.")
    if not (root / "train").is_dir():
        return root, None
    return root / "train", next((root / n for n in ("val", "test") if (root / n).is_dir()), None)


def decode(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    """One image as (H, W, 3) uint8: the largest centred crop of that shape, resized to `size`."""
    try:
        with Image.open(path) as opened:
            image = opened.convert("RGB")
    # Decoders raise anything at all on damaged files.
    except Exception as error:
        raise InvisError(f"{str(path)!r} can't be read as an image ({error}).") from error
    height, width = size
    if image.size != (width, height):
        scale = min(image.width / width, image.height / height)
        box_w, box_h = scale * width, scale * height
        left, top = (image.width - box_w) / 2, (image.height - box_h) / 2
        image = image.resize(
            (width, height), Image.Resampling.BICUBIC, box=(left, top, left + box_w, top + box_h)
        )
    return np.asarray(image)


def load_images(folder: str | Path, size: tuple[int, int], cache: Path | None = None) -> Images:
    """All images of an ImageFolder at `size`, (N, H, W, 3).

    They are decoded once into `cache`, a folder; into memory without one, or where it can't be
    written.

    Raises:
        InvisError: the folder isn't laid out so, or an image can't be read.
    """
    files, labels, classes = list_folder(folder)
    if cache is not None:
        target = cache / f"{_key(Path(folder), files, size)}.npy"
        with suppress(OSError):
            if not target.exists():
                _decode_into(target, files, size)
            return Images(np.load(target, mmap_mode="r"), labels, classes)
    pixels = np.empty((len(files), *size, 3), dtype=np.uint8)
    for i, path in enumerate(files):
        pixels[i] = decode(path, size)
    return Images(pixels, labels, classes)


def _decode_into(target: Path, files: list[Path], size: tuple[int, int]) -> None:
    """Write the images as one array; a reader never sees half of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as part:
        array = np.lib.format.open_memmap(
            part, mode="w+", dtype=np.uint8, shape=(len(files), *size, 3)
        )
        for i, path in enumerate(files):
            array[i] = decode(path, size)
        array.flush()


def _key(folder: Path, files: list[Path], size: tuple[int, int]) -> str:
    digest = hashlib.sha256(repr((str(folder.resolve()), size)).encode())
    for path in files:
        stat = path.stat()
        digest.update(f"{path.name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]
