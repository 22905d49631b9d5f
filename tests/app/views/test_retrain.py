from pathlib import Path

import pytest
from sqlalchemy import update
from streamlit.testing.v1 import AppTest

from app.components.runs import run_status
from app.jobs import launch
from app.services import annotation
from db import library, runs
from db.clock import DatabaseTime
from db.models import Run
from tests.app.seeded import LEASE, Seeded, seed
from tests.app.views.pages import BOX, MAIN, click, drawn, keys, open_page, said


def test_retrain_waits_for_guidance_and_says_so(seeded: Seeded) -> None:
    seeded.publish()
    app = open_page()
    assert app.button(key="retrain").disabled
    assert "No drawings yet" in said(app)


def test_outlines_can_be_guessed_before_anybody_draws(seeded: Seeded) -> None:
    seeded.publish()
    click(open_page(), "retrain_guessed")
    run = runs.active_run(seeded.ws.database, seeded.project_id)
    assert run is not None
    assert (run.mode, run.config["objective"]["name"]) == ("quick", "automatic")


def test_retrain_queues_a_run_of_the_chosen_mode_and_shows_it_live(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    annotation.save(seeded.ws, image.id, image.class_id, (BOX,))
    app = open_page()
    app.get_by_key("retrain_mode").set_value("full")

    click(app, "retrain")

    run = runs.active_run(seeded.ws.database, seeded.project_id)
    assert run is not None
    assert (run.mode, run.config["objective"]["name"]) == ("full", "gainext")
    assert app.progress[0].text == "Waiting for the trainer…"
    click(app, "panel_cancel")
    assert runs.get_run(seeded.ws.database, run.id).status == "cancelled"


def test_a_running_step_is_told_in_a_sentence(seeded: Seeded) -> None:
    run = seeded.run()
    token = seeded.claim(run)
    step = {"event": "step", "step": 15, "total": 60, "losses": {"total": 0.5}, "seconds": 1.0}
    runs.beat(seeded.ws.database, run.id, token, LEASE, [step], 0)

    app = open_page("train")

    assert (app.progress[0].value, app.progress[0].text) == (25, "Training: step 15 of 60")


def test_a_failed_run_says_why_and_can_be_retried(seeded: Seeded) -> None:
    run = seeded.run()
    runs.finish_failed(seeded.ws.database, run.id, seeded.claim(run), "The disk is full.\nlast line one")
    app = open_page("train")

    assert "The disk is full." in said(app)
    assert "ended before its first training step" in said(app)
    click(app, "retry")
    assert runs.get_run(seeded.ws.database, run.id).status == "queued"


def test_what_a_run_says_of_an_image_is_no_markup(seeded: Seeded) -> None:
    """Names of images come with uploads."""
    run = seeded.run()
    runs.finish_failed(seeded.ws.database, run.id, seeded.claim(run), "![x](http://a.example/p) is broken")
    app = open_page("train")

    shown = [str(one.value) for one in app.error]
    assert len(shown) == 2  # in the sidebar and on the page
    assert all("\\!\\[x\\]\\(http" in one for one in shown)


def test_an_older_failed_run_is_retried_where_it_is_shown(seeded: Seeded) -> None:
    failed = seeded.run()
    runs.finish_failed(seeded.ws.database, failed.id, seeded.claim(failed), "The disk is full.")
    seeded.publish()
    app = open_page("train")
    assert "retry_shown" not in keys(app)

    app.selectbox(key="train_run").set_value(failed.id).run()
    click(app, "retry_shown")

    assert runs.get_run(seeded.ws.database, failed.id).status == "queued"


def test_the_panel_says_what_a_retrain_will_take_as_the_last_one_did(seeded: Seeded) -> None:
    def took(seconds: float) -> None:
        newest = runs.list_runs(seeded.ws.database, seeded.project_id)[0].id
        with seeded.ws.database.writing() as session:
            times = {"started_at": DatabaseTime(-seconds), "finished_at": DatabaseTime()}
            session.execute(update(Run).where(Run.id == newest).values(times))

    seeded.publish()
    took(21.0)
    image = seeded.images("train")[0]
    annotation.save(seeded.ws, image.id, image.class_id, (BOX,))
    app = open_page()
    assert "1 image guided · about 21 s (last layers)" in said(app)
    app.get_by_key("retrain_mode").set_value("full").run()
    assert "1 image guided · minutes (all layers)" in said(app)
    looked_at = seeded.images("validation")[0]  # drawings on others than training images train nothing
    annotation.save(seeded.ws, looked_at.id, looked_at.class_id, (BOX,))
    assert "1 image guided · minutes (all layers)" in said(open_page(state={"retrain_mode": "full"}))
    seeded.publish(seed=1)
    took(130.0)
    assert "about 2 minutes (last layers)" in said(open_page())


def test_a_published_retrain_leads_to_compare(seeded: Seeded) -> None:
    seeded.publish()
    seeded.publish(seed=1)
    app = click(open_page(), "see_what_changed")

    assert app.selectbox(key="compare_before").value < app.selectbox(key="compare_after").value


def test_what_a_retrain_changed_is_said_beside_the_button_also_when_it_is_worse(seeded: Seeded) -> None:
    boat, car = seeded.images("validation")
    first = seeded.publish(wrong=[boat.id])
    seeded.publish(seed=1)
    assert "Compared with version 1: 1 validation image fixed, 0 newly wrong." in said(open_page())

    library.set_current_version(seeded.ws.database, seeded.project_id, first.id)
    seeded.publish(wrong=[car.id], seed=2)  # trained from version 1, and worse than version 2
    worse = said(open_page())
    assert ":orange[:material/warning: **Version 3** is published.]" in worse
    assert (
        "Compared with version 2: 0 validation images fixed, 1 newly wrong.] :small[Roll it back in Models.]"
        in worse
    )

    click(open_page("models"), f"publish_{first.id}")
    assert "**Version 3** is ready; version 1 is published" in said(open_page())


def test_a_retrain_that_was_not_published_says_why_everywhere_and_can_be_published(seeded: Seeded) -> None:
    first = seeded.publish()
    car = seeded.images("validation")[1]
    why = "Not published: worse than version 1 on validation images (1 image newly wrong, 0 fixed)."
    kept = seeded.publish(wrong=[car.id], seed=1, kept_because=why)
    assert seeded.project.current_version_id == first.id

    for name, key in (("train", "train_publish"), ("models", f"publish_{kept.id}"), ("annotate", None)):
        app = open_page(name)
        assert said(app).count(why) == (2 if key else 1)  # in the sidebar and on the page
        assert {"panel_publish", key or "panel_publish"} <= keys(app)
    app = open_page("compare")
    assert said(app).count(why) == 2
    sides = app.selectbox(key="compare_before").value, app.selectbox(key="compare_after").value
    assert sides == (first.id, kept.id)

    click(app, f"compare_publish_{kept.id}")

    assert seeded.project.current_version_id == kept.id
    assert why not in said(app)
    assert (app.selectbox(key="compare_before").value, app.selectbox(key="compare_after").value) == sides


def test_a_second_quick_retrain_says_that_it_starts_again_from_the_first_model(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    annotation.save(seeded.ws, image.id, image.class_id, (BOX,))
    assert "Starts from version" not in said(open_page())

    seeded.publish(seed=1)

    assert "Starts from version 1" in said(open_page())


def test_a_class_without_a_drawing_is_named_beside_retrain(seeded: Seeded) -> None:
    seeded.publish()
    boat, car = (image for image in seeded.images("train")[:2])
    annotation.save(seeded.ws, boat.id, boat.class_id, (BOX,))
    app = open_page()
    assert "No drawings for car yet" in said(app)
    app.get_by_key("retrain_mode").set_value("full").run()
    assert "No drawings for" not in said(app)  # measured in quick mode only

    annotation.save(seeded.ws, car.id, car.class_id, (BOX,))
    assert "No drawings for" not in said(open_page())


def test_a_drawing_that_is_not_saved_is_pointed_out_beside_retrain(seeded: Seeded) -> None:
    seeded.publish()
    app = open_page("annotate", drawn(seeded.images("train")[0], BOX))
    app.switch_page("views/models.py").run()

    assert "1 drawing not saved yet" in app.button(key="show_unsaved").label


def test_the_address_names_the_project_and_is_followed(seeded: Seeded) -> None:
    other = seed(seeded.ws, "Another bay").project_id
    app = AppTest.from_file(str(MAIN), default_timeout=30)
    app.query_params["project"] = str(other)
    app.run()

    assert app.session_state["project"] == other
    app.selectbox(key="project").set_value(seeded.project_id).run()
    assert app.query_params["project"] == str(seeded.project_id)


def test_a_project_that_another_window_deleted_is_missed_aloud(seeded: Seeded) -> None:
    other = seed(seeded.ws, "Another bay").project_id
    app = open_page("annotate", {"project": other})
    library.delete_project(seeded.ws.database, other)
    app.run()

    assert app.session_state["project"] == seeded.project_id
    assert "no longer exists" in app.toast[0].value
    assert app.toast[0].icon == ":material/info:"
    app.run()
    assert not app.toast


def test_a_trainer_that_was_killed_is_started_again_while_somebody_only_watches(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = seeded.run()
    started: list[Path] = []
    monkeypatch.setattr(launch, "ensure_worker", lambda ws: started.append(ws.settings.home))

    run_status.live_status(
        seeded.ws, run.id
    )  # what is drawn again every second, without the rest of the page

    assert started == [seeded.ws.settings.home]


def test_a_run_that_waits_for_another_projects_says_for_which(seeded: Seeded) -> None:
    other = seed(seeded.ws, "Another *bay*")
    other.claim(other.run())
    seeded.run()

    app = open_page("library", {"project": seeded.project_id})

    assert app.progress[0].text == r"Waiting for the run of Another \*bay\*…"
