"""Training objectives, one file per method. torch is imported only when a step is computed.

To add a method, write one file with a class like those below, and import it here, which registers it.
"""

from gain_core.training.objectives.automatic import Automatic
from gain_core.training.objectives.gain import Gain
from gain_core.training.objectives.gainext import GainExt
from gain_core.training.objectives.guided import Guided
from gain_core.training.objectives.labels import Labels
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
from gain_core.training.objectives.signed import Signed
from gain_core.training.objectives.term_settings import CounterExamples, External, Maps, Mining

__all__ = [
    "MODES",
    "OBJECTIVES",
    "Automatic",
    "CounterExamples",
    "External",
    "Gain",
    "GainExt",
    "Guided",
    "Labels",
    "Maps",
    "Mining",
    "Mode",
    "Objective",
    "Signed",
    "Words",
    "objective_named",
    "read_objective",
    "register",
]
