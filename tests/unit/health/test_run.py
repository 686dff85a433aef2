from collections.abc import Callable
from pathlib import Path

import pytest

from rocmox.errors import UsageError
from rocmox.health.context import Context
from rocmox.health.result import Verdict
from rocmox.health.run import check_names, run_checks
from rocmox.machine import Machine
from rocmox.machine.captured import CapturedMachine


def test_the_checks_are_found() -> None:
    assert {"device_access", "driver", "services"} <= set(check_names())


def test_a_healthy_node_passes(gpu_machine: Callable[[str], Machine]) -> None:
    results = run_checks(Context(machine=gpu_machine("mi50x3")))
    assert {result.verdict for result in results} == {Verdict.PASS, Verdict.NOT_APPLICABLE}


def test_a_name_that_is_no_check_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'p3p' is not a check"):
        run_checks(Context(machine=CapturedMachine(tmp_path)), only=["p3p"])


def test_what_cannot_be_looked_at_is_unknown(tmp_path: Path) -> None:
    (result,) = run_checks(Context(machine=CapturedMachine(tmp_path)), only=["driver"])
    assert (result.verdict, result.code) == (Verdict.UNKNOWN, "DRIVER_CANNOT_LOOK")
    assert "/sys/bus/pci/devices" in result.summary
