"""Settings from the environment: what is taken, what is refused and how that is said."""

from pathlib import Path

import pytest
from PIL import Image

from app.settings import MOST_IMAGE_PIXELS, Settings, load_settings


def test_without_any_variable_the_defaults_hold_and_home_is_a_whole_path() -> None:
    settings = load_settings({})
    assert settings == Settings(home=Path("~/.refocus").expanduser().resolve())


@pytest.mark.parametrize("value", ["0", "-5", "nan", "inf", "1e999", "soon"])
@pytest.mark.parametrize("name", ["LEASE_SECONDS", "BEAT_SECONDS"])
def test_a_time_that_no_clock_can_wait_for_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"REFOCUS_{name}: expected a number"):
        load_settings({f"REFOCUS_{name}": value})


@pytest.mark.parametrize("value", ["0", "-5", "nan", "soon"])
def test_a_trainer_may_stay_for_ever_but_not_for_no_time(value: str) -> None:
    assert load_settings({"REFOCUS_IDLE_EXIT_SECONDS": "inf"}).idle_exit_seconds == float("inf")
    with pytest.raises(ValueError, match="REFOCUS_IDLE_EXIT_SECONDS: expected a number"):
        load_settings({"REFOCUS_IDLE_EXIT_SECONDS": value})


@pytest.mark.parametrize(
    ("value", "modes"),
    [("quick", ("quick",)), ("full", ("full",)), ("full,quick", ("quick", "full")), ("nothing", ())],
)
def test_a_machine_trains_what_it_is_told(value: str, modes: tuple[str, ...]) -> None:
    assert load_settings({"REFOCUS_TRAINS": value}).modes == modes


@pytest.mark.parametrize("value", ["gpu", "quick,", "nothing,full", "quick full"])
def test_a_kind_of_training_there_is_not_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="REFOCUS_TRAINS: expected quick, full or nothing, got"):
        load_settings({"REFOCUS_TRAINS": value})


def test_sign_in_is_off_only_where_that_is_said_clearly() -> None:
    assert load_settings({}).sign_in == "auto"
    assert load_settings({"REFOCUS_SIGN_IN": "off"}).sign_in == "off"
    with pytest.raises(ValueError, match="REFOCUS_SIGN_IN: expected auto or off, got 'no'"):
        load_settings({"REFOCUS_SIGN_IN": "no"})


def test_machines_that_share_a_database_have_a_trainer_folder_each() -> None:
    shared = {"REFOCUS_HOME": "/shared", "REFOCUS_DATABASE_URL": "postgresql://db/refocus"}
    assert load_settings({**shared, "REFOCUS_MACHINE": "b"}).trainer_folder == Path("/shared/trainer-b")
    assert load_settings({"REFOCUS_HOME": "/own"}).trainer_folder == Path("/own/trainer")
    with pytest.raises(ValueError, match="REFOCUS_MACHINE: expected a name of at most 100 characters"):
        load_settings({"REFOCUS_MACHINE": "a/b"})
    with pytest.raises(ValueError, match="REFOCUS_MACHINE: expected a name of at most 100 characters"):
        load_settings({"REFOCUS_MACHINE": "a" * 101})


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many"])
@pytest.mark.parametrize("name", ["MAX_IMAGE_PIXELS", "MAX_UPLOAD_MB"])
def test_a_limit_that_lets_nothing_in_or_is_no_whole_number_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=rf"REFOCUS_{name}: expected a (whole )?number"):
        load_settings({f"REFOCUS_{name}": value})


def test_a_trainer_must_beat_twice_within_its_lease() -> None:
    with pytest.raises(ValueError, match=r"REFOCUS_BEAT_SECONDS: .* REFOCUS_LEASE_SECONDS \(10.0\), got 6.0"):
        load_settings({"REFOCUS_LEASE_SECONDS": "10", "REFOCUS_BEAT_SECONDS": "6"})
    assert load_settings({"REFOCUS_LEASE_SECONDS": "10", "REFOCUS_BEAT_SECONDS": "5"}).beat_seconds == 5.0


@pytest.mark.parametrize("name", ["HOME", "IMPORT_ROOTS"])
def test_the_home_of_a_user_there_is_not_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=f"REFOCUS_{name}: expected .*folder.*, got '~nosuchuser/x'"):
        load_settings({f"REFOCUS_{name}": "~nosuchuser/x"})


def test_more_pixels_than_pillow_opens_cannot_be_allowed() -> None:
    assert Image.MAX_IMAGE_PIXELS is not None
    assert 2 * Image.MAX_IMAGE_PIXELS == MOST_IMAGE_PIXELS  # where Pillow's warning becomes a refusal
    with pytest.raises(ValueError, match="REFOCUS_MAX_IMAGE_PIXELS: expected at most 178956970"):
        load_settings({"REFOCUS_MAX_IMAGE_PIXELS": str(MOST_IMAGE_PIXELS + 1)})
    load_settings({"REFOCUS_MAX_IMAGE_PIXELS": str(MOST_IMAGE_PIXELS)})
