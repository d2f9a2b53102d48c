"""Transformations of a latent space whose effect on each similarity is known."""

import numpy as np
from scipy.stats import ortho_group


def rotation(width, seed=0):
    return ortho_group.rvs(width, random_state=seed)


def signed_permutation(width, seed=0):
    rng = np.random.default_rng(seed)
    return np.eye(width)[rng.permutation(width)] * rng.choice([-1, 1], width)


def shear(width):
    matrix = np.eye(width)
    matrix[0, 1] = 0.8
    return matrix


def transformed(points, name, width):
    """`points` under the named transformation."""
    if name == "translation":
        return points + np.linspace(-2, 3, width)
    if name == "scaling":
        return 3.7 * points
    matrices = {"rotation": rotation, "permutation": signed_permutation, "shear": shear}
    return points @ matrices[name](width)
