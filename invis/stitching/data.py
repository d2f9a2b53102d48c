"""Images to stitch on: scikit-learn's digits, CIFAR-10 through torchvision, or a folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from invis.errors import InvisError
from invis.files.imagefolder import load_images, split_folder
from invis.stitching.cache import content_hash


@dataclass(frozen=True)
class Data:
    """Attributes:
    name: for tables and files.
    train_images, test_images: (N, H, W, C) uint8, C 1 or 3.
    train_labels, test_labels: (N,) int64, index into `classes`.
    classes: their names.
    """

    name: str
    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]
    classes: tuple[str, ...]

    @cached_property
    def key(self) -> str:
        """Hash of the training images and labels."""
        return content_hash(self.train_images, self.train_labels)

    def limited(self, train: int | None = None, test: int | None = None, seed: int = 0) -> Data:
        """At most so many images, drawn at random.

        Raises:
            InvisError: a limit below 1.
        """
        rng = np.random.default_rng(seed)
        for name, limit in (("train", train), ("test", test)):
            if limit is not None and limit < 1:
                raise InvisError(f"{name} {limit} is not possible; at least one image is needed.")
        a = np.sort(rng.permutation(len(self.train_labels))[:train])
        b = np.sort(rng.permutation(len(self.test_labels))[:test])
        return replace(
            self,
            train_images=self.train_images[a],
            train_labels=self.train_labels[a],
            test_images=self.test_images[b],
            test_labels=self.test_labels[b],
        )


def digits(test_share: float = 0.3) -> Data:
    """The 1,797 handwritten digits of scikit-learn, 8x8, the same split every time."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    loaded = load_digits()
    images = np.round(loaded.images * (255 / 16)).astype(np.uint8)[..., None]
    labels = loaded.target.astype(np.int64)
    train, test = train_test_split(
        np.arange(len(labels)), test_size=test_share, random_state=0, stratify=labels
    )
    names = tuple(str(name) for name in loaded.target_names)
    return Data("digits", images[train], labels[train], images[test], labels[test], names)


def cifar10(root: str | Path) -> Data:
    """CIFAR-10 as torchvision has it under `root`; nothing is downloaded.

    Raises:
        InvisError: it is not there.
    """
    from torchvision.datasets import CIFAR10

    try:
        train, test = CIFAR10(str(root), train=True), CIFAR10(str(root), train=False)
    except (RuntimeError, OSError) as error:
        raise InvisError(
            f"data {str(root)!r} does not hold torchvision's CIFAR-10; download it there with "
            "torchvision.datasets.CIFAR10(root, download=True)."
        ) from error
    labels = [np.array(part.targets, dtype=np.int64) for part in (train, test)]
    return Data("cifar10", train.data, labels[0], test.data, labels[1], tuple(train.classes))


def folder(path: str | Path, size: int = 64) -> Data:
    """A folder in ImageFolder layout: `train` and `val` or `test`, else every fifth is held out.

    Args:
        path: the folder.
        size: rows and columns that images are decoded at.

    Raises:
        InvisError: no such folder, no class folders, classes that differ between the two parts, or
            an image that cannot be read.
    """
    from invis.stitching.cache import cache_folder

    train_path, test_path = split_folder(path)
    store = cache_folder() / "images"
    train = load_images(train_path, (size, size), store)
    name = Path(path).resolve().name
    if test_path is None:
        held = np.arange(len(train)) % 5 == 4
        if not held.any():
            raise InvisError(
                f"data {str(path)!r} holds {len(train)} images; at least 5 are needed."
            )
        images, labels = np.asarray(train.pixels), train.labels
        return Data(name, images[~held], labels[~held], images[held], labels[held], train.classes)
    test = load_images(test_path, (size, size), store)
    if test.classes != train.classes:
        raise InvisError(
            f"data {str(path)!r} has other classes in {test_path.name!r} than in "
            f"{train_path.name!r}; both must have the same class folders."
        )
    return Data(name, train.pixels, train.labels, test.pixels, test.labels, train.classes)


def load_data(name: str | Path, size: int = 64) -> Data:
    """`digits`, a folder that holds torchvision's CIFAR-10, or one in ImageFolder layout."""
    if str(name) == "digits":
        return digits()
    if (Path(name) / "cifar-10-batches-py").is_dir():
        return cifar10(name)
    if not Path(name).is_dir():
        raise InvisError(f"data {str(name)!r} is neither 'digits' nor a folder of images.")
    return folder(name, size)
