"""What a person sees of a training, with a clock that the tests move."""

import io
from collections.abc import Sequence

import pytest
from rich.console import Console

from cnnreport.progress import BarReporter, Pace, PlainReporter, duration, reporter
from cnnreport.records import Epoch
from cnnreport.training import Progress

HISTORY = [Epoch(1, 1.5, 0.25, 1.25, 0.5), Epoch(2, 0.75, 0.5, 0.5, 0.8125)]


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def at(images: int, epoch: int = 1) -> Progress:
    return Progress(epoch, 2, images, 1000, 0.5, 0.25)


def plain(clock: Clock) -> tuple[PlainReporter, io.StringIO]:
    file = io.StringIO()
    return PlainReporter("lenet on digits, seed 0", 2, clock, file), file


def lines_of(file: io.StringIO) -> Sequence[str]:
    return file.getvalue().splitlines()


def test_speed_and_time_left_count_from_the_first_look(clock: Clock) -> None:
    pace = Pace(clock)
    assert pace.images_a_second(at(100)) is None
    assert pace.seconds_left(at(100)) is None
    clock.seconds += 10
    assert pace.images_a_second(at(600)) == 50
    assert pace.seconds_left(at(600)) == (2000 - 600) / 50
    clock.seconds += 10  # validation goes by between two epochs
    assert pace.images_a_second(at(100, epoch=2)) == 50


def test_a_resumed_training_is_not_credited_with_earlier_epochs(clock: Clock) -> None:
    pace = Pace(clock)
    pace.images_a_second(at(100, epoch=2))
    clock.seconds += 10
    assert pace.images_a_second(at(200, epoch=2)) == 10
    assert pace.seconds_left(at(200, epoch=2)) == 80


def test_no_time_and_no_images_give_no_speed(clock: Clock) -> None:
    pace = Pace(clock)
    pace.images_a_second(at(100))
    assert pace.images_a_second(at(200)) is None
    clock.seconds += 1
    assert pace.seconds_left(at(100)) is None


def test_a_plain_line_a_minute_and_one_an_epoch(clock: Clock) -> None:
    report, file = plain(clock)
    with report:
        for images in (100, 200, 300, 400):
            report.watch(at(images))
            clock.seconds += 25
        report.watch(at(500))
        report.epoch_ended(HISTORY[:1])
    assert lines_of(file) == [
        "lenet on digits, seed 0: epoch 1/2: 400 of 1,000 images, loss 0.500, accuracy 0.250, "
        "4 images/s, 7 min left",
        "lenet on digits, seed 0: epoch 1/2: loss 1.5000, accuracy 0.2500; "
        "validation loss 1.2500, accuracy 0.5000, 4 images/s, 6 min left",
    ]


def test_the_minute_begins_anew_with_every_line(clock: Clock) -> None:
    report, file = plain(clock)
    clock.seconds += 59
    report.epoch_ended(HISTORY)
    clock.seconds += 59
    report.watch(at(100, epoch=2))
    assert len(lines_of(file)) == 1
    clock.seconds += 1
    report.watch(at(200, epoch=2))
    assert len(lines_of(file)) == 2


def test_a_quick_training_has_a_line_an_epoch_without_a_speed(clock: Clock) -> None:
    report, file = plain(clock)
    report.watch(at(1000))
    report.epoch_ended(HISTORY[:1])
    report.epoch_ended(HISTORY)
    assert lines_of(file)[1] == (
        "lenet on digits, seed 0: epoch 2/2: loss 0.7500, accuracy 0.5000; "
        "validation loss 0.5000, accuracy 0.8125"
    )


def test_plain_lines_say_where_a_training_goes_on(clock: Clock) -> None:
    report, file = plain(clock)
    report.going_on(1)
    assert lines_of(file) == ["lenet on digits, seed 0: going on after epoch 1 of 2"]


def test_plain_lines_go_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    with PlainReporter("lenet", 2) as report:
        report.epoch_ended(HISTORY)
    assert capsys.readouterr().out.startswith("lenet: epoch 2/2: loss 0.7500")


def terminal(width: int = 200) -> tuple[Console, io.StringIO]:
    file = io.StringIO()
    console = Console(
        file=file, force_terminal=True, color_system=None, width=width, legacy_windows=False
    )
    return console, file


def test_a_bar_shows_epoch_figures_and_pace_and_leaves_the_lines_of_epochs() -> None:
    console, file = terminal()
    with BarReporter("lenet on digits, seed 0", 2, console) as report:
        report.going_on(1)
        report.watch(at(100, epoch=2))
        report.watch(at(300, epoch=2))
        report._bar.refresh()
        report.epoch_ended(HISTORY)
    shown = file.getvalue()
    assert "lenet on digits, seed 0: going on after epoch 1 of 2" in shown
    assert "epoch 2/2 " in shown
    assert "loss 0.500, accuracy 0.250, " in shown
    assert " images/s, " in shown
    assert " left" in shown
    assert "lenet on digits, seed 0: epoch 2/2: loss 0.7500, accuracy 0.5000; validation" in shown
    assert shown.endswith("\x1b[2K"), "the bar itself stays"


def test_the_bar_fits_into_a_terminal_of_eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnnreport.progress._speed", lambda *_: ", 740 images/s, 3 h 05 min left")
    console, file = terminal(80)
    with BarReporter("googlenet on cifar100-objects, seed 0", 100, console) as report:
        report.watch(Progress(100, 100, 500, 1000, 0.5, 0.25))
        report._bar.refresh()
    shown = file.getvalue()
    assert "epoch 100/100 " in shown
    assert "3 h 05 min left" in shown


def test_the_bar_is_as_far_as_the_whole_training() -> None:
    report = BarReporter("lenet", 2, terminal()[0])
    report.watch(at(500, epoch=2))
    (task,) = report._bar.tasks
    assert (task.completed, task.total) == (1500, 2000)


def test_an_error_in_a_training_passes_the_bar_by_and_gives_the_cursor_back() -> None:
    console, file = terminal()

    def fail() -> None:
        with BarReporter("lenet", 2, console) as report:
            report.watch(at(100))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert file.getvalue().rindex("\x1b[?25h") > file.getvalue().rindex("\x1b[?25l")


def test_a_terminal_gets_a_bar_and_everything_else_plain_lines() -> None:
    assert isinstance(reporter("lenet", 2, terminal()[0]), BarReporter)
    pipe = Console(file=io.StringIO(), force_terminal=False)
    assert isinstance(reporter("lenet", 2, pipe), PlainReporter)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (45.4, "45 s"),
        (89.9, "90 s"),
        (90, "2 min"),
        (720, "12 min"),
        (89.4 * 60, "89 min"),
        (90 * 60, "1 h 30 min"),
        (3 * 3600 + 5 * 60, "3 h 05 min"),
        (100 * 3600, "100 h 00 min"),
    ],
)
def test_durations_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text
