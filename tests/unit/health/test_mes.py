"""Which scheduler a card has, and what is said of it where its log cannot be read."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from rocmox.errors import CommandError
from rocmox.health.checks import kernel_log, mes
from rocmox.health.context import Context
from rocmox.health.result import Result, Verdict
from rocmox.machine.base import Completed
from rocmox.machine.captured import CapturedMachine
from rocmox_lab.gpus.kernel_stories import to_kmsg

Tree = Callable[[str], Path]
CARD, PORT = "0000:03:00.0", "0000:00:01.1"


class Node(CapturedMachine):
    """A node whose journal is `logs` (boot → text); without one the command is missing."""

    constructed = False  # type: ignore[assignment]
    logs: Mapping[str, str] = {}

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,  # noqa: ARG002
        timeout_seconds: float = 60,  # noqa: ARG002
        environment: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> Completed:
        boot = next((word.partition("=")[2] for word in argv if word.startswith("--boot=")), "ring")
        if boot not in self.logs:
            raise CommandError(argv, exit_status=None, reason="not installed")
        return Completed(argv=tuple(argv), exit_status=0, stdout=self.logs[boot], stderr="")


def node(tree: Path, **logs: str) -> Node:
    machine = Node(tree)
    machine.logs = {{"this": "0", "before": "-1", "ring": "ring"}[boot]: text for boot, text in logs.items()}
    return machine


def story(name: str) -> str:
    return to_kmsg(name, card=CARD, port=PORT)


def said(results: Sequence[Result]) -> set[tuple[str, str, str]]:
    return {(result.subject, result.code, result.verdict.value) for result in results}


def test_a_hang_in_this_boot_and_none_in_the_one_before(gpu_tree: Tree) -> None:
    machine = node(gpu_tree("w7900x2"), this=story("mes-hang"), before=story("healthy"))
    assert said(list(mes.run(Context(machine=machine)))) == {
        (CARD, "MES_NO_RESPONSE", "CRIT"),
        ("0000:c3:00.0", "MES_OK", "PASS"),
    }
    assert said(list(kernel_log.run(Context(machine=machine)))) == {(CARD, "KERNEL_LOG_MES_NO_RESPONSE", "CRIT")}


def test_a_journal_that_is_not_kept_is_unknown(gpu_tree: Tree) -> None:
    machine = node(gpu_tree("w7900x2"), this=story("healthy"))
    unknown = [result for result in mes.run(Context(machine=machine)) if result.verdict is Verdict.UNKNOWN]
    assert [result.code for result in unknown] == ["MES_NO_BOOT_BEFORE"]
    assert "mkdir -p /var/log/journal" in unknown[0].remedy


def test_the_log_check_says_so_too_and_names_the_way(gpu_tree: Tree) -> None:
    machine = node(gpu_tree("w7900x2"), this=story("healthy"))
    results = list(kernel_log.run(Context(machine=machine)))
    assert [(result.code, result.verdict) for result in results] == [
        ("KERNEL_LOG_CLEAN", Verdict.PASS),
        ("KERNEL_LOG_NO_BOOT_BEFORE", Verdict.UNKNOWN),
    ]
    assert "mkdir -p /var/log/journal" in results[1].remedy


def test_a_hang_in_the_boot_before_is_a_warning_now(gpu_tree: Tree) -> None:
    machine = node(gpu_tree("w7900x2"), this=story("healthy"), before=story("mes-hang"))
    assert (CARD, "MES_BOOT_BEFORE", "WARN") in said(list(mes.run(Context(machine=machine))))


def test_a_log_without_a_line_says_nothing(fresh_tree: Tree) -> None:
    tree = fresh_tree("w7900x2")
    (tree / "dev").mkdir(exist_ok=True)
    (tree / "dev/kmsg").write_bytes(b"")
    (first, *_) = kernel_log.run(Context(machine=CapturedMachine(tree)))
    assert (first.code, first.verdict) == ("KERNEL_LOG_UNREADABLE", Verdict.UNKNOWN)
    assert "empty" in first.summary


def test_without_kfd_nobody_knows_the_scheduler(fresh_tree: Tree) -> None:
    tree = fresh_tree("mi50x1")
    (tree / "sys/class/kfd/kfd").unlink()
    (tree / "sys/bus/pci/devices" / CARD / "device").write_text("0x1234\n")
    assert (CARD, "MES_ARCHITECTURE_UNKNOWN", "UNKNOWN") in said(list(mes.run(Context(machine=CapturedMachine(tree)))))


def test_the_first_boot_of_a_kept_journal_is_no_question(fresh_tree: Tree) -> None:
    tree = fresh_tree("w7900x2")
    (tree / "var/log/journal").mkdir(parents=True)
    results = list(mes.run(Context(machine=node(tree, this=story("healthy")))))
    assert {result.verdict for result in results} == {Verdict.PASS}


def test_without_a_journal_the_ring_buffer_is_read(gpu_tree: Tree) -> None:
    results = list(kernel_log.run(Context(machine=node(gpu_tree("mi50x1"), ring=story("hws-hang")))))
    assert (CARD, "KERNEL_LOG_HWS_FENCE_TIMEOUT", "CRIT") in said(results)


def test_no_log_at_all_is_unknown(gpu_tree: Tree) -> None:
    results = list(mes.run(Context(machine=node(gpu_tree("mi50x1")))))
    assert {(result.code, result.verdict.value) for result in results} == {
        ("MES_NOT_APPLICABLE", "NOT_APPLICABLE"),
        ("HWS_LOG_UNREADABLE", "UNKNOWN"),
        ("MES_NO_BOOT_BEFORE", "UNKNOWN"),
    }


def test_mes_on_a_card_without_it_is_a_defect_of_ours(gpu_tree: Tree) -> None:
    results = list(mes.run(Context(machine=node(gpu_tree("mi50x1"), this=story("mes-hang"), before=story("healthy")))))
    assert (CARD, "MES_RULE_DEFECT", "UNKNOWN") in said(results)


def test_link_errors_and_firmware_stand_beside(gpu_tree: Tree) -> None:
    machine = node(gpu_tree("w7900x2"), this=story("mes-isolated"), before=story("healthy"))
    first = next(iter(mes.run(Context(machine=machine))))
    sources = [evidence.source for evidence in first.evidence]
    assert "fw_version MES" in sources
    assert any(source.startswith("aer_dev_*") for source in sources)


def test_a_guest_is_told_where_the_log_is(fresh_tree: Tree) -> None:
    tree = fresh_tree("w7900x2")
    (tree / "run/systemd").mkdir(parents=True)
    (tree / "run/systemd/container").write_text("lxc\n")
    context = Context(machine=CapturedMachine(tree))
    results = [*mes.run(context), *kernel_log.run(context)]
    assert {result.verdict for result in results} == {Verdict.NOT_APPLICABLE}
    assert any("run `rocmox mes` there" in result.summary for result in results)


@pytest.mark.parametrize("architecture", ["gfx906", "gfx90a", "gfx1030", "gfx1100", "gfx1201"])
def test_architectures_with_mes(architecture: str, gpu_machine: Callable[[str], CapturedMachine]) -> None:
    gpu = dataclasses.replace(Context(machine=gpu_machine("mi50x1")).inventory.gpus[0], architecture=architecture)
    assert mes._has_mes(gpu) is (architecture in {"gfx1100", "gfx1201"})
    assert mes._has_mes(dataclasses.replace(gpu, architecture=None)) is None
