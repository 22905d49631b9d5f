"""The specification of a training process: one complete JSON file, so that it needs no database."""

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from gain_core.dataset.sample import AlsoShown, Sample
from gain_core.errors import ConfigError
from gain_core.training.config import TrainConfig


@dataclass(frozen=True, slots=True)
class RunSpec:
    """One attempt of one run. Paths are absolute: the training process may start anywhere."""

    run_id: int
    attempt: int
    config: TrainConfig
    model: Mapping[
        str, Any
    ]  # arguments of gain_core.models.classifier.default_spec: backbone, classes, image_size
    samples: tuple[Sample, ...]  # predictions come back in this order
    base_weights: Path | None  # safetensors to start from; None: the backbone's own weights and a new head
    features_folder: Path  # kept features, shared by all runs
    out_folder: Path  # of this attempt alone
    lease_file: Path  # touched by the supervisor; the child leaves when it grows old
    lease_seconds: float
    resume_from: Path | None = None  # an earlier attempt's checkpoint.pt
    weights: Literal["pretrained", "none"] = "pretrained"  # of a first model; "none": drawn from the seed
    as_given: bool = False  # nothing is trained: the model of `base_weights` is looked at as it is
    networks: str = ""  # of the operator, for `register_networks`
    processes: int = 0  # that share a full training; 0: one for each GPU of the machine
    drawings_of: str = ""  # whose count where several people drew, in words; empty: the latest

    def to_json(self) -> str:
        values = {
            name: str(value) if isinstance(value, Path) else value
            for name, value in ((name, getattr(self, name)) for name in self.__slots__)
        }
        values |= {
            "config": self.config.to_dict(),
            "model": dict(self.model),
            "samples": [_sample_to_dict(sample) for sample in self.samples],
        }
        return json.dumps(values)

    @classmethod
    def from_json(cls, text: str) -> "RunSpec":
        """Raises ConfigError when the text is not a spec that this program wrote."""
        try:
            values = json.loads(text)
            for name in ("base_weights", "resume_from"):
                values[name] = None if values[name] is None else Path(values[name])
            for name in ("features_folder", "out_folder", "lease_file"):
                values[name] = Path(values[name])
            values["config"] = TrainConfig.from_dict(values["config"])
            values["samples"] = tuple(_sample_from_dict(sample) for sample in values["samples"])
            return cls(**values)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(f"expected a run's specification, got {error!r}") from error


def _sample_to_dict(sample: Sample) -> dict[str, Any]:
    values = asdict(sample)
    for shown in (values, *values["also"]):
        for name in ("look", "ignore"):  # 1-bit PNGs are small; inside the file nothing can be lost beside it
            if shown[name] is not None:
                shown[name] = base64.b64encode(shown[name]).decode("ascii")
        if shown["object_mask"] is not None:
            shown["object_mask"] = str(shown["object_mask"])
    values["path"] = str(sample.path)
    return values


def _sample_from_dict(values: dict[str, Any]) -> Sample:
    values = dict(values)
    for shown in (values, *values["also"]):
        for name in ("look", "ignore"):
            if shown[name] is not None:
                shown[name] = base64.b64decode(shown[name])
        if shown["object_mask"] is not None:
            shown["object_mask"] = Path(shown["object_mask"])
    values["also"] = tuple(AlsoShown(**shown) for shown in values["also"])
    values["path"] = Path(values["path"])
    return Sample(**values)
