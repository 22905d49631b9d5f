"""Training methods on the page: a new one is a file of its own, and nothing else."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.components.runs.run_labels import loss_name
from app.jobs.execution import execute
from app.services import annotation, training
from db import runs
from gain_core.events import Step
from gain_core.training.objectives import OBJECTIVES
from tests.app.seeded import LEASE, Seeded
from tests.app.views.pages import BOX, click, open_page


@pytest.fixture
def toy() -> Iterator[None]:
    from tests.app.toy_objective import LoudLabels

    OBJECTIVES[LoudLabels.key] = LoudLabels
    yield
    del OBJECTIVES[LoudLabels.key]


@pytest.mark.usefixtures("toy")
def test_a_method_of_one_file_is_listed_chosen_and_trained(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    annotation.save(seeded.ws, image.id, image.class_id, (BOX,))
    app = open_page()
    choice = app.selectbox(key="method_quick")
    others = ["GAINext", "Guessed outlines", "Labels only", "Loud labels", "Signed evidence"]
    assert choice.options == ["Guided (default)", *others]

    choice.select("loud").run()
    assert "Labels count twice. Needs: patience." in [caption.value for caption in app.caption]
    click(app, "retrain")

    run = runs.claim(seeded.ws.database, "tester", LEASE)
    assert run is not None
    assert run.config["objective"] == {"name": "loud", "factor": 2.0}
    table = open_page("train").table[0].value
    assert "Labels count twice" in table.to_string()
    spec = training.build_spec(seeded.ws, run)
    events: list[object] = []
    execute(replace(spec, config=replace(spec.config, steps=2, threads=0)), events.append)
    assert [set(event.losses) for event in events if isinstance(event, Step)] == [{"loud", "total"}] * 2
    assert loss_name("loud") == "Loudness"
    assert (spec.out_folder / "result.json").exists()


def test_gain_is_a_method_of_full_retrains_alone(seeded: Seeded) -> None:
    seeded.publish()
    app = open_page(state={"retrain_mode": "full"})

    options = app.selectbox(key="method_full").options

    assert options == ["GAINext (default)", "GAIN", "Guided", "Labels only", "Signed evidence"]
