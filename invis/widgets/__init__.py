"""Explorers for JupyterLab, of stock widgets and plotly figures."""

from invis.widgets.layer_explorer import LayerExplorer
from invis.widgets.search_explorer import SearchExplorer

__all__ = ["LayerExplorer", "SearchExplorer"]
