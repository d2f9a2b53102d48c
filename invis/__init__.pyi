"""What `import invis` offers, for type checkers and, at run time, for lazy_loader."""

import invis.probe as _probe
import invis.search as _search

from .atlas import Atlas as Atlas
from .atlas.sweep import sweep as sweep
from .atlas.sweep import sweep_plan as sweep_plan
from .atlas.sweep import sweep_steps as sweep_steps
from .errors import InvisError as InvisError
from .files.saved import load as load
from .files.saved import save as save
from .interop.full_image import full_image as full_image
from .interop.full_image import full_image_steps as full_image_steps
from .interop.objective import lucent_model as lucent_model
from .interop.objective import lucent_objective as lucent_objective
from .interop.search import from_lucent as from_lucent
from .models.address import Address as Address
from .models.address import parse_address as parse_address
from .models.cone import build_cone as build_cone
from .models.directions import directions as directions
from .models.kinds import register_units as register_units
from .models.layers import layers as layers
from .models.scored import scored as scored
from .models.unit import unit as unit
from .models.unit import units_at as units_at
from .models.units import Units as Units
from .models.zoo import load_model as load_model
from .models.zoo import model_names as model_names
from .probe import Probes as Probes
from .probe import probe_steps as probe_steps
from .probe.components import components_steps as components_steps
from .probe.exemplars import exemplars as exemplars
from .probe.exemplars import exemplars_steps as exemplars_steps
from .probe.exemplars_result import load_exemplars as load_exemplars
from .probe.explain.explanation import Explanation as Explanation
from .probe.explain.explanation import explain as explain
from .probe.explain.explanation import explain_steps as explain_steps
from .search import search_steps as search_steps
from .search.morph import morph as morph
from .search.morph import morph_steps as morph_steps
from .search.morph_result import load_morph as load_morph
from .search.profile import profile as profile
from .search.profile import profile_steps as profile_steps
from .search.profile_result import set_at as set_at
from .shipped import __version__ as __version__
from .shipped import data_path as data_path
from .trajectory.fit import compare as compare
from .trajectory.opening import open_trajectory as open_trajectory
from .trajectory.pca import pca as pca
from .trajectory.recorder import Recorder as Recorder
from .views.search.gallery import gallery_html as gallery_html
from .views.search.notebook import result_html as result_html
from .views.search.png import set_png as set_png
from .widgets.layer_explorer import LayerExplorer as LayerExplorer
from .widgets.search_explorer import SearchExplorer as SearchExplorer
from .widgets.stitch_explorer import StitchExplorer as StitchExplorer
from .widgets.trajectory_explorer import TrajectoryExplorer as TrajectoryExplorer

# Packages that are functions, too.
probe: _probe.Room
search: _search.Room

def load_ipython_extension(shell: object) -> None: ...
