"""Chapter 4: error surfaces and the optimisers that walk them.

Reading order of the surfaces: `evaluation` (the loss at many points), `interpolation`, `plane`,
`curvature`, `lanczos`, `critical`, `identifiability`; then `site` and `survey`, which look around
the solution of any run. Of the optimisers: `flat`, `line_search`, `conjugate_gradient`,
`scaled_conjugate_gradient`, `bfgs` (their rules by name: `gradus.core.rules`); `functions` and
`race`, where they run; `comparison` and `lr_range`, which try them on any recipe. Then
`pretraining`, and the doors: `recipes`, `train`, `predict` and `figures`.
"""

from typing import TYPE_CHECKING

from gradus.core.lazy import lazy

if TYPE_CHECKING:
    from gradus.surface.bfgs import BFGS
    from gradus.surface.comparison import compare
    from gradus.surface.conjugate_gradient import ConjugateGradient
    from gradus.surface.critical import critical_point
    from gradus.surface.curvature import curvature_along, expand, expand_task, gradient_step
    from gradus.surface.identifiability import permute_units, rescale_unit
    from gradus.surface.interpolation import interpolate
    from gradus.surface.lanczos import extreme_eigenvalues, spectral_density
    from gradus.surface.lr_range import range_test
    from gradus.surface.plane import measure_plane, path_directions, random_directions
    from gradus.surface.scaled_conjugate_gradient import ScaledConjugateGradient

__all__ = [
    "BFGS",
    "ConjugateGradient",
    "ScaledConjugateGradient",
    "compare",
    "critical_point",
    "curvature_along",
    "expand",
    "expand_task",
    "extreme_eigenvalues",
    "gradient_step",
    "interpolate",
    "measure_plane",
    "path_directions",
    "permute_units",
    "random_directions",
    "range_test",
    "rescale_unit",
    "spectral_density",
]

__getattr__ = lazy(
    __name__,
    {
        "BFGS": "bfgs:BFGS",
        "ConjugateGradient": "conjugate_gradient:ConjugateGradient",
        "ScaledConjugateGradient": "scaled_conjugate_gradient:ScaledConjugateGradient",
        "compare": "comparison:compare",
        "critical_point": "critical:critical_point",
        "curvature_along": "curvature:curvature_along",
        "expand": "curvature:expand",
        "expand_task": "curvature:expand_task",
        "extreme_eigenvalues": "lanczos:extreme_eigenvalues",
        "gradient_step": "curvature:gradient_step",
        "interpolate": "interpolation:interpolate",
        "measure_plane": "plane:measure_plane",
        "path_directions": "plane:path_directions",
        "permute_units": "identifiability:permute_units",
        "random_directions": "plane:random_directions",
        "range_test": "lr_range:range_test",
        "rescale_unit": "identifiability:rescale_unit",
        "spectral_density": "lanczos:spectral_density",
    },
)
