"""Stored features: the frozen trunk's output for each image, computed once and stored on disk.

A file is named by what went in (image bytes, trunk weights, preprocessing), so it never needs to be
invalidated and the folder may be deleted at any time.
"""

import copy
import filecmp
import struct
import zlib
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gain_core.atomic import write_atomically
from gain_core.dataset.reading import pixels_of
from gain_core.dataset.sample import Sample
from gain_core.errors import InputError
from gain_core.events import Phase
from gain_core.explain.inference import inference_model
from gain_core.explain.torch_model import TorchModel
from gain_core.models.classifier import Classifier, ModelSpec
from gain_core.models.inference import InferenceModel
from gain_core.models.onnx_session import OnnxModel

_WORTH_A_SESSION = 32  # images
_SHAPE = struct.Struct("<3I")
_CHECKSUM = struct.Struct("<I")


class FeatureStore:
    """A folder of stored features; several processes may share it. Without a folder nothing is stored."""

    def __init__(
        self,
        folder: Path | str | None = None,
        session: InferenceModel | None = None,
        composites: Path | str | None = None,
    ) -> None:
        """session: computes missing features; it must have the trunk of every model that is asked about.

        composites: the folder for the features of counter-examples of the last training; None: not stored.
        """
        self.folder = None if folder is None else Path(folder)
        self.composites = None if composites is None else Path(composites)
        self._session = session
        self._made: dict[str, InferenceModel] = {}  # the session made last, by the trunk's fingerprint

    def get_or_compute(
        self,
        model: Classifier,
        samples: Sequence[Sample],
        on_progress: Callable[[Phase], None] | None = None,
        batch: int = 32,
        fingerprint: str | None = None,
    ) -> Tensor:
        """Output of `model.trunk` for each sample: (N, K0, h0, w0) float16, on the CPU.

        `fingerprint`: `model.trunk_fingerprint()`, for a caller that asks many times about one trunk. Raises
        InputError naming the image that cannot be read, has another one's key or has features that float16
        cannot hold.
        """
        phases = self.computing(model, samples, batch, fingerprint)
        while True:
            try:
                phase = next(phases)
            except StopIteration as end:
                features: Tensor = end.value
                return features
            if on_progress is not None:
                on_progress(phase)

    def computing(
        self, model: Classifier, samples: Sequence[Sample], batch: int = 32, fingerprint: str | None = None
    ) -> Generator[Phase, None, Tensor]:
        """`get_or_compute` for a caller that yields events itself: the generator returns the tensor."""
        fingerprint = fingerprint or model.trunk_fingerprint()
        folder = None if self.folder is None else self.folder / fingerprint
        phase = "Reading images"
        return (yield from self._computing(model, samples, folder, fingerprint, phase, batch, model.spec))

    def computing_composites(
        self, model: Classifier, composites: Sequence[Sample]
    ) -> Generator[Phase, None, Tensor]:
        """`computing` for counter-examples, whose keys are hashes of their pixels; others are forgotten."""
        fingerprint, folder = model.trunk_fingerprint(), None
        whole = replace(model.spec, shorter_side=None)  # they are made as the model sees them
        if self.composites is not None:
            folder = self.composites / fingerprint
            used = {_file(folder, sample.key) for sample in composites}
            for path in self.composites.glob("*/??/*.features"):
                if path not in used:
                    path.unlink(missing_ok=True)
        return (
            yield from self._computing(
                model, composites, folder, fingerprint, "Making counter-examples", 32, whole
            )
        )

    def _computing(
        self,
        model: Classifier,
        samples: Sequence[Sample],
        folder: Path | None,
        fingerprint: str,
        phase: str,
        batch: int,
        spec: ModelSpec,
    ) -> Generator[Phase, None, Tensor]:
        if not samples:
            return torch.empty(0, 0, 0, 0, dtype=torch.float16)
        _check_keys(samples)
        features = {} if folder is None else _read_all(folder, samples)
        names = [sample.key or f"without a key, {position}" for position, sample in enumerate(samples)]
        absent = {name: s for name, s in zip(names, samples, strict=True) if name not in features}
        missing, calls = list(absent.values()), iter(absent)
        trunk = self._trunk_of(model, len(missing), fingerprint)
        chunks = [missing[start : start + batch] for start in range(0, len(missing), batch)]
        with ThreadPoolExecutor(1) as reader:  # decodes the next images while the trunk works
            following = [reader.submit(pixels_of, chunk, spec) for chunk in chunks[:1]]
            for number, chunk in enumerate(chunks):
                yield Phase(phase, number * batch, len(missing))
                pixels = following.pop().result()
                following += [reader.submit(pixels_of, c, spec) for c in chunks[number + 1 : number + 2]]
                for sample, output in zip(chunk, trunk_output(trunk, pixels), strict=True):
                    _expect_finite(sample, output)
                    if folder is not None and sample.key:
                        _write(_file(folder, sample.key), output)
                    features[next(calls)] = output
        if missing:
            yield Phase(phase, len(missing), len(missing))
        return torch.from_numpy(np.stack([features[name] for name in names]))

    def _trunk_of(self, model: Classifier, images: int, fingerprint: str) -> InferenceModel:
        """What computes the trunk's output of so many images soonest: a session takes a second to make."""
        if self._session is not None:
            return self._session
        if fingerprint in self._made:
            return self._made[fingerprint]
        if images >= _WORTH_A_SESSION:
            made = inference_model(model)
            if isinstance(made, OnnxModel):  # as the model is now; torch would follow its later training
                self._made = {fingerprint: made}
            return made
        learns = any(layer.training for layer in model.modules())
        return TorchModel(copy.deepcopy(model).eval() if learns else model)


def _check_keys(samples: Sequence[Sample]) -> None:
    """InputError when one key names files of different content, which would share features."""
    first: dict[str, Sample] = {}
    for sample in samples:
        earlier = first.setdefault(sample.key, sample)
        if not sample.key or earlier.path == sample.path:
            continue
        try:
            same = filecmp.cmp(earlier.path, sample.path, shallow=False)
        except OSError:
            continue  # found, by its name, when it is read
        if not same:
            raise InputError(
                f"{sample.title}: expected a key of its own (the SHA-256 of the file), got that of "
                f"{earlier.title}"
            )


def trunk_output(model: InferenceModel, pixels: Tensor) -> np.ndarray:
    """(B, K0, h0, w0) float16, in C order as in the files: another layout rounds training differently."""
    with np.errstate(over="ignore"):  # what float16 cannot hold is found by `_expect_finite`
        return model.trunk_features(pixels.numpy()).astype(np.float16, order="C")


def _expect_finite(sample: Sample, output: np.ndarray) -> None:
    if not np.isfinite(output).all():
        raise InputError(
            f"{sample.title}: expected features that float16 can hold, up to 65504, got larger ones or NaN; "
            "check the weights and norm statistics of the trunk"
        )


def _file(folder: Path, key: str) -> Path:
    return folder / key[:2] / f"{key}.features"


def _read_all(folder: Path, samples: Sequence[Sample]) -> dict[str, np.ndarray]:
    read = {sample.key: _read(_file(folder, sample.key)) for sample in samples if sample.key}
    return {key: features for key, features in read.items() if features is not None}


def _read(path: Path) -> np.ndarray | None:
    """The kept (K0, h0, w0) float16 array; None when it is absent, cut short or changed."""
    try:
        stored = path.read_bytes()
    except OSError:
        return None
    body = memoryview(stored)[: -_CHECKSUM.size]
    if len(stored) < _SHAPE.size + _CHECKSUM.size or stored[len(body) :] != _CHECKSUM.pack(zlib.crc32(body)):
        return None
    return np.frombuffer(body[_SHAPE.size :], dtype="<f2").reshape(_SHAPE.unpack_from(body))


def _write(path: Path, features: np.ndarray) -> None:
    """Shape, values, and a CRC-32 of both: a rename protects from a crash, not from a failing disk."""
    body = _SHAPE.pack(*features.shape) + features.astype("<f2").tobytes()
    write_atomically(path, body + _CHECKSUM.pack(zlib.crc32(body)), durable=False)
