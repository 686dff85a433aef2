"""Kinds of fault are found by themselves, their words are checked, and what was set can always be cleared."""

from __future__ import annotations

from pathlib import Path

import pytest

from rocmox.errors import UsageError
from rocmox.machine import Completed
from rocmox_lab.faults import records, registry
from rocmox_lab.faults.fault import Fault, Parameter, Values
from rocmox_lab.faults.target import FaultTarget


def run(argv: object, *, stdin: bytes | None = None) -> Completed:
    raise AssertionError((argv, stdin))


@pytest.fixture
def target(tmp_path: Path) -> FaultTarget:
    return FaultTarget(node_state=tmp_path / "node-var", run=run)


def test_every_module_of_kinds_is_a_fault_of_its_name() -> None:
    modules = {path.stem for path in Path(registry.kinds.__path__[0]).glob("[!_]*.py")}
    assert {name.replace("-", "_") for name in registry.all_faults()} == modules


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["stauts=500"], "not a parameter of api-error"),
        (["status"], "not a parameter of api-error"),
        (["status=404"], "not one of 500"),
        (["after=x"], "not a whole number"),
    ],
)
def test_a_wrong_word_is_refused_by_name(words: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        registry.find_fault("api-error").read(words)


def test_an_unknown_fault_names_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        registry.find_fault("api-eror")
    assert "api-error" in caught.value.remedy


def test_values_have_the_type_of_their_default() -> None:
    values = registry.find_fault("api-error").read(["status=596", "path=/nodes/*/lxc"])
    assert (values["status"], values["path"], values["times"]) == (596, "/nodes/*/lxc", 1)


def test_a_fault_that_fails_half_way_is_cleared(target: FaultTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    cleared: list[Values] = []

    def apply(_target: FaultTarget, _values: Values) -> None:
        raise OSError("half-way")

    fault = Fault(
        name="half",
        summary="-",
        parameters=(Parameter(name="depth", default=1, meaning="-"),),
        apply=apply,
        clear=lambda _target, values: cleared.append(values),
    )
    monkeypatch.setattr(registry, "all_faults", lambda: {"half": fault})
    with pytest.raises(OSError, match="half-way"):
        records.set_fault(target, fault, fault.read(["depth=3"]))
    assert cleared == [{"depth": 3}]
    assert records.clear_all(target) == []


def test_clearing_what_is_not_set_is_no_error(target: FaultTarget) -> None:
    assert records.clear_fault(target, "api-error") is False
    assert records.faults_set(target) == []
