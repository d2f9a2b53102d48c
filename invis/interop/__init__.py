"""torch-lucent and Invis together: objectives in both directions, and the full-image view."""

from invis.interop.full_image import full_image, full_image_steps
from invis.interop.maps import measure
from invis.interop.objective import lucent_model, lucent_objective
from invis.interop.search import from_lucent

__all__ = [
    "from_lucent",
    "full_image",
    "full_image_steps",
    "lucent_model",
    "lucent_objective",
    "measure",
]
