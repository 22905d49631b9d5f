from pathlib import Path

from app.components.kit.number_format import percent
from app.services import annotation, explanation
from app.services.map_figures import map_figures
from tests.app.seeded import Seeded, open_home, seed
from tests.app.views.pages import BOX, click, keys, open_page, said, table


def test_compare_shows_what_was_fixed_and_both_maps_of_each_image(seeded: Seeded) -> None:
    validation = seeded.images("validation")
    seeded.publish(wrong=[validation[0].id])
    seeded.publish(seed=1)

    app = open_page("compare")

    metrics = {metric.label: (metric.value, metric.delta) for metric in app.metric}
    assert metrics["Accuracy"] == ("100 %", "+50 points")
    assert metrics["Fixed"] == ("1", "0 newly wrong")
    assert metrics["Worst group"] == ("100 %", "+100 points")
    pictures = [image.proto.imgs[0].url for image in app.get("image")]
    assert len(pictures) == 2
    assert pictures[0] != pictures[1]
    assert table(app, "Group")[["Group", "Before", "After"]].to_dict("list") == {
        "Group": ["boat/water", "car/grass"],
        "Before": [0.0, 1.0],
        "After": [1.0, 1.0],
    }


def test_compare_says_what_the_drawings_added_and_how_confidence_changed(seeded: Seeded) -> None:
    boat = seeded.images("validation")[0]
    first = seeded.publish(wrong=[boat.id])
    seeded.publish(seed=1)
    assert "Without your drawings" not in said(open_page("compare"))  # version 2 has no control
    seeded.publish(seed=2, control_wrong=[boat.id])

    app = open_page("compare")
    app.selectbox(key="compare_before").set_value(first.id).run()
    text = said(app)

    assert "the same retraining reaches **0 %** in the worst group; with them **100 %**." in text
    assert "No measurable effect of your drawings]: 1 image right only with your drawings, 0 only" in text
    assert "too few for a conclusion." in text
    assert "boat/water: 0 of 1 right without, 1 with · exact McNemar test on 2 images, p = 1" in text
    assert "Confidence **90 → 90 %**, calibration error **40 → 10 points**" in text


def test_the_maps_are_of_what_each_version_says_or_of_the_true_class(seeded: Seeded) -> None:
    validation = seeded.images("validation")
    seeded.publish(wrong=[validation[0].id])
    seeded.publish(seed=1)
    app = open_page("compare")
    assert [image.proto.imgs[0].alt for image in app.get("image")] == [
        "004.png: attention map for car, before",
        "004.png: attention map for boat, after",
    ]

    app.get_by_key("compare_map").set_value("truth")
    app.run()

    assert [image.proto.imgs[0].alt for image in app.get("image")] == [
        "004.png: attention map for boat, before",
        "004.png: attention map for boat, after",
    ]


def test_each_map_says_how_much_of_it_lies_on_the_object(seeded: Seeded) -> None:
    image = seeded.images("train")[0]
    annotation.save(seeded.ws, image.id, image.class_id, (BOX,))
    versions = seeded.publish(wrong=[image.id]), seeded.publish(seed=1)

    app = open_page("compare", {"compare_split": "train"})

    for version, position in zip(versions, (1, 0), strict=True):  # what each says: not only of the true class
        shown = explanation.attention_for(seeded.ws, version, image).attention(position)
        inside = map_figures(seeded.ws, image, shown).inside
        assert inside is not None
        assert f"v{version.number} · {percent(inside)} on the object" in said(app)


def test_a_retrain_that_breaks_more_than_it_mends_shows_what_it_broke_first(seeded: Seeded) -> None:
    validation = seeded.images("validation")
    seeded.publish()
    seeded.publish(wrong=[validation[1].id], seed=1)

    app = open_page("compare")

    assert app.session_state["compare_filter"] == "newly_wrong"
    assert [image.proto.imgs[0].alt for image in app.get("image")] == [
        "005.png: attention map for car, before",
        "005.png: attention map for boat, after",
    ]
    assert {metric.label: metric.delta for metric in app.metric}["Fixed"] == "1 newly wrong"


def test_another_split_shows_what_tells_most_there(seeded: Seeded) -> None:
    seeded.publish(wrong=[seeded.images("validation")[0].id])
    seeded.publish(seed=1)
    app = open_page("compare")
    assert app.session_state["compare_filter"] == "fixed"

    app.get_by_key("compare_split").set_value("test")
    app.run()

    assert app.session_state["compare_filter"] == "all"
    assert len(app.get("image")) == 4


def test_a_project_without_images_of_a_split_is_told_so(home: Path) -> None:
    ws = open_home(home)
    seeded = seed(ws, per_split=(4, 0, 2))
    seeded.publish()
    seeded.publish(seed=1)
    app = open_page("compare")
    ws.database.close()

    assert "This project has no validation images" in said(app)


def test_with_one_version_compare_says_what_is_missing(seeded: Seeded) -> None:
    seeded.publish()
    assert "compare_to_annotate" in keys(open_page("compare"))


def test_any_version_can_be_published_again(seeded: Seeded) -> None:
    first = seeded.publish()
    seeded.publish(seed=1)
    app = click(open_page("models"), f"publish_{first.id}")

    assert seeded.project.current_version_id == first.id
    assert "Version 1 is published" in said(app)


def test_rolling_back_from_compare_keeps_the_comparison_on_screen(seeded: Seeded) -> None:
    first = seeded.publish()
    second = seeded.publish(seed=1)
    app = click(open_page("compare"), f"compare_publish_{first.id}")

    assert seeded.project.current_version_id == first.id
    assert (app.selectbox(key="compare_before").value, app.selectbox(key="compare_after").value) == (
        first.id,
        second.id,
    )


def test_one_version_on_both_sides_is_pointed_out(seeded: Seeded) -> None:
    seeded.publish()
    second = seeded.publish(seed=1)
    app = open_page("compare")
    assert "on both sides" not in said(app)

    app.selectbox(key="compare_before").set_value(second.id).run()

    assert "Version 2 is chosen on both sides" in said(app)


def test_a_run_is_told_in_plain_words_with_its_curves(seeded: Seeded) -> None:
    seeded.publish()
    app = open_page("train")

    assert len(app.get("plotly_chart")) == 2
    words = app.table[0].value
    assert "the packaged backbone" in words.to_string()
    assert "version 1" in words.to_string()


def test_a_new_run_comes_on_screen_by_itself(seeded: Seeded) -> None:
    seeded.publish()
    app = open_page("train")
    run = seeded.run()
    app.run()

    assert app.selectbox(key="train_run").value == run.id


def test_runs_are_numbered_within_their_project(seeded: Seeded) -> None:
    seeded.publish()
    other = seed(seeded.ws, name="Other bay")
    other.publish()
    other.publish(seed=1)

    app = open_page("train", {"project": other.project_id})

    assert list(app.selectbox(key="train_run").options) == ["Run 2 · quick retrain", "Run 1 · first model"]
