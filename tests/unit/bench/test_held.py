"""Cards of a guest: what its `/dev` lets it open counts, not what its `/sys` shows."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from rocmox.bench.held import held_cards, may_open_kfd
from rocmox.bench.surroundings import EngineBuild, read_surroundings
from rocmox.errors import CommandError
from rocmox.gpu import read_gpus
from rocmox.machine import LocalMachine
from rocmox.machine.base import Completed

Trees = Callable[[str], Path]


def given(root: Path, *names: str) -> LocalMachine:
    """The constructed machine with those device nodes and no others."""
    for name in names:
        node = root / "dev" / name
        node.parent.mkdir(parents=True, exist_ok=True)
        node.touch()
    return LocalMachine(str(root))


@pytest.mark.parametrize(
    ("nodes", "held"),
    [
        (("kfd", "dri/renderD129"), ["0000:06:00.0"]),
        (("kfd", "dri/renderD128", "dri/card1", "dri/renderD130"), ["0000:03:00.0", "0000:09:00.0"]),
        (("dri/card1",), []),
        ((), ["0000:03:00.0", "0000:06:00.0", "0000:09:00.0"]),
    ],
)
def test_a_guest_holds_what_it_was_given(fresh_tree: Trees, nodes: tuple[str, ...], held: list[str]) -> None:
    machine = given(fresh_tree("mi50x3"), *nodes)
    assert [card.pci_address for card in held_cards(machine, read_gpus(machine))] == held
    engine = EngineBuild(name="any", version=None, commit=None, programs="/none")
    assert [card.pci_address for card in read_surroundings(machine, engine).cards] == held
    assert may_open_kfd(machine) == (not nodes or "kfd" in nodes)


class Answering(LocalMachine):
    """Constructed `/sys` with a `/dev` behind it that answers opens like a kernel."""

    constructed = False  # type: ignore[assignment]

    def __init__(self, root: Path, answer: Callable[[Sequence[str]], str]) -> None:
        super().__init__(str(root))
        self.answer = answer

    def run(self, argv: Sequence[str], **_: Any) -> Completed:
        return Completed(argv=tuple(argv), exit_status=0, stdout=self.answer(argv), stderr="")


def test_every_node_is_asked_in_one_go(gpu_tree: Trees) -> None:
    asked: list[Sequence[str]] = []

    def answer(argv: Sequence[str]) -> str:
        asked.append(argv[4:])
        return json.dumps(["/dev/dri/renderD130"])

    machine = Answering(gpu_tree("mi50x3"), answer)
    assert [card.render for card in held_cards(machine, read_gpus(machine))] == [130]
    assert asked == [["/dev/dri/renderD128", "/dev/dri/renderD129", "/dev/dri/renderD130"]]


@pytest.mark.parametrize("text", ["", "7", "no python"])
def test_without_an_answer_every_card_counts(gpu_tree: Trees, text: str) -> None:
    def refuse(argv: Sequence[str]) -> str:
        if text == "no python":
            raise CommandError(argv, exit_status=None, reason="python3 is not installed here")
        return text

    machine = Answering(gpu_tree("w7900x2"), refuse)
    assert len(held_cards(machine, read_gpus(machine))) == 2


def test_the_question_is_answered_by_opening(tmp_path: Path) -> None:
    """The probe itself: one that opens, one that is not there, one that may not be opened for writing."""
    (tmp_path / "node").touch()
    (tmp_path / "folder").mkdir()
    from rocmox.bench.held import _may_open  # noqa: PLC0415 - the rest of this file goes through its callers

    paths = [str(tmp_path / name) for name in ("node", "missing", "folder")]
    assert _may_open(LocalMachine("/"), paths) == {paths[0]}
