"""Whatever becomes of the child is an answer, and within the time."""

import os
import signal
import sys
import time

import pytest

from rocmox.health.probes import limited
from rocmox.health.probes.limited import Say, run_limited


def test_what_it_says_comes_back_in_order() -> None:
    def work(say: Say) -> None:
        say({"doing": "one"})
        say({"found": "ü" * 100_000})

    answer = run_limited(work, 60)
    assert answer["end"] == "done"
    assert answer["said"][:2] == [{"doing": "one"}, {"found": "ü" * 100_000}]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_death_by_a_signal_is_named(number: signal.Signals) -> None:
    def work(say: Say) -> None:
        say({"doing": "it"})
        sys.stderr.write("free(): invalid pointer\n")
        sys.stderr.flush()
        os.kill(os.getpid(), number)

    answer = run_limited(work, 60)
    assert (answer["end"], answer["signal"], answer["said"]) == ("signal", number.name, [{"doing": "it"}])


def test_an_exception_is_told() -> None:
    def work(_say: Say) -> None:
        raise ZeroDivisionError("why")

    answer = run_limited(work, 60)
    assert (answer["end"], answer["exit_status"], answer["stderr"]) == ("exit", 70, "ZeroDivisionError: why")


def test_exit_is_told() -> None:
    assert run_limited(lambda _say: os._exit(3), 60)["exit_status"] == 3


def test_a_hang_is_killed_with_its_children_and_keeps_what_was_said() -> None:
    def work(say: Say) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if os.fork():
            say({"doing": "it"})
        while True:
            time.sleep(60)

    started = time.monotonic()
    answer = run_limited(work, 0.5)
    assert time.monotonic() - started < 10
    assert (answer["end"], answer["said"]) == ("timeout", [{"doing": "it"}])


def test_a_child_that_closes_its_mouth_and_stays_is_killed_too() -> None:
    def work(_say: Say) -> None:
        os.closerange(0, 64)
        while True:
            time.sleep(60)

    started = time.monotonic()
    answer = run_limited(work, 0.5)
    assert time.monotonic() - started < 10
    assert answer["end"] in {"signal", "timeout"}


def test_half_a_sentence_is_left_out() -> None:
    assert limited._objects(b'{"doing": "it"}\n{"fou') == [{"doing": "it"}]


def test_what_outlives_sigkill_is_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process in state D cannot be made here: a kill that does nothing stands for it."""
    monkeypatch.setattr(limited, "_GRACE_SECONDS", 0.2)
    monkeypatch.setattr(limited, "_kill", lambda _child: None)
    children: list[int] = []
    fork = os.fork
    monkeypatch.setattr(os, "fork", lambda: children.append(fork()) or children[-1])
    try:
        assert run_limited(lambda _say: time.sleep(60), 0.2)["end"] == "stuck"
    finally:
        os.kill(children[0], signal.SIGKILL)
        os.waitpid(children[0], 0)


def test_a_signal_without_a_name_has_its_number() -> None:
    assert limited._signal_name(40) == "signal 40"
