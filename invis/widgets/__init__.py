"""Explorers for JupyterLab, of stock widgets and plotly figures."""

from invis.widgets.layer_explorer import LayerExplorer
from invis.widgets.search_explorer import SearchExplorer
from invis.widgets.stitch_explorer import StitchExplorer
from invis.widgets.trajectory_explorer import TrajectoryExplorer

__all__ = ["LayerExplorer", "SearchExplorer", "StitchExplorer", "TrajectoryExplorer"]
