"""Ends of the queue probe that no stand-in library shows: slow work, and a process that does not die."""

from typing import Any

import pytest

from rocmox.health import queues
from rocmox.health.context import Context
from rocmox.health.hip.answer import Answer
from rocmox.health.hip.devices import Devices
from rocmox.health.result import Reporter, Verdict
from rocmox.machine import LocalMachine

CARD = "0000:03:00.0"


def answer(end: str, *said: dict[str, Any]) -> Answer:
    return Answer(end=end, detail="", stderr="", seconds=1.0, said=said)


@pytest.mark.parametrize(
    ("given", "code", "verdict"),
    [
        (answer("done", {"dispatch": True, "seconds": 2.2}), "QUEUES_SLOW", Verdict.WARN),
        (answer("done", {"dispatch": True, "seconds": 0.002}), "QUEUES_OK", Verdict.PASS),
        (answer("stuck", {"doing": "hipStreamDestroy"}), "QUEUES_STUCK", Verdict.CRIT),
    ],
)
def test_an_end_is_judged(given: Answer, code: str, verdict: Verdict, monkeypatch: pytest.MonkeyPatch) -> None:
    devices = Devices(addresses=(CARD,), why_none="", reason="")
    monkeypatch.setattr(queues, "read_devices", lambda _machine: devices)
    monkeypatch.setattr(queues, "ask", lambda *_given, **_named: given)
    (result,) = queues.probe_queues(Context(machine=LocalMachine("/"), forced=True), Reporter("mes"))
    assert (result.subject, result.code, result.verdict) == (CARD, code, verdict)
    assert result.remedy or verdict is Verdict.PASS
