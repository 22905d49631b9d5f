"""Ways to explain one decision, one file each. torch is imported only when a map is computed.

To add a method, write one file with a class like those below, and put it into `METHODS`.
"""

from gain_core.explain.methods.excitation_backprop import ExcitationBackprop
from gain_core.explain.methods.grad_cam import GradCam
from gain_core.explain.methods.guided_backprop import GuidedBackprop
from gain_core.explain.methods.integrated_gradients import IntegratedGradients
from gain_core.explain.methods.lime import Lime
from gain_core.explain.methods.method import Method
from gain_core.explain.methods.occlusion import Occlusion
from gain_core.explain.methods.score_cam import ScoreCam

__all__ = [
    "METHODS",
    "ExcitationBackprop",
    "GradCam",
    "GuidedBackprop",
    "IntegratedGradients",
    "Lime",
    "Method",
    "Occlusion",
    "ScoreCam",
]

METHODS: dict[str, Method] = {  # in the order in which pages list them
    method.NAME: method
    for method in (
        GradCam(),
        ScoreCam(),
        Occlusion(),
        Lime(),
        IntegratedGradients(),
        ExcitationBackprop(),
        GuidedBackprop(),
    )
}
