"""What a training minimises, one file for each method. Nothing here imports torch before a step is computed.

A new method is one file with a class like those below, and its name in the import that registers it here.
"""

from gain_core.training.objectives import guided, gainext, gain, signed, labels  # noqa: F401, I001 (page's order)
from gain_core.training.objectives.objective import (
    MODES,
    OBJECTIVES,
    Mode,
    Objective,
    Words,
    objective_named,
    read_objective,
    register,
)

__all__ = [
    "MODES",
    "OBJECTIVES",
    "Mode",
    "Objective",
    "Words",
    "objective_named",
    "read_objective",
    "register",
]
