"""Atlases: every unit of a network in one store, resumable, on one core or on a cluster."""

from invis.atlas.layer import AtlasLayer
from invis.atlas.store import Atlas

__all__ = ["Atlas", "AtlasLayer"]
