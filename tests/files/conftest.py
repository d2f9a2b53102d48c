"""The folders of coloured noise that trainings use."""

from tests.train.conftest import dataset as dataset
