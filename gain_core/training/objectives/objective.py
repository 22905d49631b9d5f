"""What every training method says of itself: its streams, its terms, its settings, its words on the page."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, get_args

from gain_core.errors import ConfigError
from gain_core.training.objectives.term_settings import CounterExamples, Mining
from gain_core.training.settings import check_values, read_settings

if TYPE_CHECKING:
    from gain_core.training.batch import Batch, Losses

Mode = Literal["quick", "full"]
Stream = Literal["plain", "guided"]  # counter-examples are drawn where there are settings for them

MODES: tuple[Mode, ...] = get_args(Mode)
OBJECTIVES: dict[str, type["Objective"]] = {}  # by key


@dataclass(frozen=True, slots=True)
class Words:
    """What the page says of a method."""

    name: str
    sentence: str  # what it does with the regions; without a full stop
    needs: str
    losses: Mapping[str, str] = field(default_factory=dict)  # its terms in the legend of the curves


@dataclass(frozen=True)
class Objective(ABC):
    """One training method. Its fields are its settings; ConfigError for a value that cannot be.

    A subclass names itself and says which images a step draws for it. `losses` weighs its terms.
    """

    key: ClassVar[str]  # what stored runs call it
    words: ClassVar[Words]
    modes: ClassVar[tuple[Mode, ...]] = MODES
    streams: ClassVar[tuple[Stream, ...]] = ("plain", "guided")
    # Whether shuffled passes over all images (`sampling` "epochs") make sense, where no image is only guided.
    epochs: ClassVar[bool] = True
    several_labels: ClassVar[bool] = True  # whether it can learn from images that show several classes

    def __post_init__(self) -> None:
        check_values(self)

    @classmethod
    def for_mode(cls, mode: Mode) -> "Objective":
        """What the app trains with in this mode. ConfigError for a mode that it does not have."""
        objective = cls()
        objective.expect_mode(mode)
        return objective

    @property
    def sentence(self) -> str:
        """What it does with the regions as it is set now; without a full stop."""
        return self.words.sentence

    @property
    def mining(self) -> Mining | None:
        """α L_am of eq. 6 and 8; None: left out."""
        return None

    @property
    def counter_examples(self) -> CounterExamples | None:
        """Images made of the guided ones; None: none are made."""
        return None

    @property
    def guessed_outlines(self) -> int:
        """How many training images without guidance get a guessed outline, at most."""
        return 0

    @property
    def needs_guidance(self) -> bool:
        """Whether it can learn nothing without a guided image."""
        return True

    def for_several_labels(self) -> "Objective":
        """What the app trains with where images show several classes."""
        return self

    @abstractmethod
    def losses(self, batch: "Batch") -> "Losses":
        """The weighted terms of one step by name; a step goes down their sum."""

    def expect_mode(self, mode: Mode) -> None:
        """ConfigError where it cannot be trained in this mode."""
        if mode not in self.modes:
            raise ConfigError(f"objective: expected one of {mode} mode, got {self.key!r}")
        if mode == "quick" and self.mining is not None:
            raise ConfigError(
                "mining: expected None in quick mode, which keeps features and never sees an image again, "
                f"got {self.mining}"
            )

    def images_of_a_step(self, labelled: int, guided: int) -> list[str]:
        """What a step learns from, as the page says it; labelled and guided: how many of each it draws."""
        return [f"{guided} guided images", f"{labelled} labelled images"]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `read_objective` gives the same objective back."""
        return {"name": self.key, **asdict(self)}


Kind = TypeVar("Kind", bound=type[Objective])


def register(kind: Kind) -> Kind:
    """Make a method known by its key: to stored runs, to the page, to `TrainConfig`."""
    OBJECTIVES[kind.key] = kind
    return kind


def objective_named(name: object) -> type[Objective]:
    """ConfigError for a name that no method has."""
    if not isinstance(name, str) or name not in OBJECTIVES:
        raise ConfigError(f"objective: expected one of {tuple(OBJECTIVES)}, got {name!r}")
    return OBJECTIVES[name]


def read_objective(values: object) -> Objective:
    """The objective that `to_dict` wrote. ConfigError for another name, key or value."""
    if not isinstance(values, Mapping):
        raise ConfigError(f"objective: expected a name with its settings, got {values!r}")
    settings = {name: value for name, value in values.items() if name != "name"}
    return read_settings(objective_named(values.get("name")), settings)
