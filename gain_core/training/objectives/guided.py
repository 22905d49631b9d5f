"""Guided: regions alone must give the class, the rest no class; counter-examples are made from both."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from gain_core.errors import ConfigError
from gain_core.training.objectives.objective import Mode, Objective, Words, register
from gain_core.training.objectives.term_settings import CounterExamples, Mining

if TYPE_CHECKING:
    from gain_core.training.batch import Batch, Losses


@register
@dataclass(frozen=True)
class Guided(Objective):
    """Inside / outside on guided images, counter-examples made from them, L_cl + α L_am on the other images.

    Guided images are left out of L_cl, which would teach their background too.
    """

    key: ClassVar[str] = "guided"
    words: ClassVar[Words] = Words(
        "Guided",
        "Outlined objects must be recognised on any background; the rest must predict nothing",
        "At least one region",
        {
            "mining": "Attention mining",
            "inside": "Inside your regions",
            "outside": "Outside your regions",
            "composite": "Counter-examples",
            "background": "Backgrounds without objects",
        },
    )
    epochs: ClassVar[bool] = False

    label_weight: float = 0.3  # L_cl of images without guidance; small, because these carry the shortcut
    inside_weight: float = 1.0  # features in H must give the class
    outside_weight: float = 3.0  # features in 1 − H must give no class
    counter_examples: CounterExamples | None = None
    mining: Mining | None = None  # weighted by `label_weight` too

    def __post_init__(self) -> None:
        Objective.__post_init__(self)
        if self.inside_weight == self.outside_weight == 0 and self.counter_examples is None:
            raise ConfigError("inside_weight: expected a term that follows the regions, got none")
        if self.label_weight == 0 and self.mining is not None:
            raise ConfigError("label_weight: expected a weight above 0 for mining, which it scales, got 0")

    @property
    def sentence(self) -> str:
        if self.counter_examples is not None:
            return self.words.sentence
        return "Your regions alone must predict the class; the rest must predict nothing"

    @classmethod
    def for_mode(cls, mode: Mode) -> "Guided":
        if mode == "full":
            return cls(counter_examples=CounterExamples(), mining=Mining())
        # With counter-examples, quick mode gains nothing from the regions alone (docs/decisions/0026).
        return cls(inside_weight=0.0, counter_examples=CounterExamples())

    def for_several_labels(self) -> "Guided":
        """Inside / outside alone. A counter-example could show an object that nobody outlined and that its
        label does not name. The image's other objects lie outside a region, so that term weighs little
        (docs/decisions/0028).
        """
        inside, outside = max(self.inside_weight, 1.0), min(self.outside_weight, 0.3)
        return replace(self, inside_weight=inside, outside_weight=outside, counter_examples=None)

    def losses(self, batch: "Batch") -> "Losses":
        from gain_core.training import terms

        return (
            terms.classification(batch.plain, self.label_weight)
            | terms.mining(batch.plain, self.mining, self.label_weight)
            | terms.inside_outside(batch.guided, self)
            | terms.counter_examples(batch.counter_examples, self.counter_examples)
        )

    def images_of_a_step(self, labelled: int, guided: int) -> list[str]:
        parts = Objective.images_of_a_step(self, labelled, guided)
        made = self.counter_examples
        if made is not None and made.weight:
            parts.append(f"{made.batch_size} counter-examples")
        if made is not None and made.background_weight:
            parts.append(f"up to {max(1, made.batch_size // 2)} backgrounds without objects")
        return parts
