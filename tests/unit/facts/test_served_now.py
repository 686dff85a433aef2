from pathlib import Path

import pytest

from rocmox.facts.served import FOLDER, to_json
from rocmox.facts.served_now import parse_unit_states, read_document
from rocmox.machine.base import Completed
from rocmox.machine.captured import CapturedMachine
from tests.unit.facts.test_served import TINY

SHOWN = (
    "Id=llama-server@tiny.service\nActiveState=active\nUnitFileState=enabled\n\n"
    "Id=rocmox-benchmark.service\nActiveState=inactive\nUnitFileState=\n"
)


class Guest(CapturedMachine):
    """Files of a capture, and a systemd that answers."""

    def run(self, *_words: object, **_: object) -> Completed:
        return Completed(argv=("systemctl",), exit_status=0, stdout=SHOWN, stderr="")


def test_blocks_of_systemctl_are_states() -> None:
    states = parse_unit_states(SHOWN)
    assert (states["llama-server@tiny.service"].running, states["llama-server@tiny.service"].enabled) == (True, True)
    assert (states["rocmox-benchmark.service"].running, states["rocmox-benchmark.service"].enabled) == (False, False)
    assert parse_unit_states("") == {}


@pytest.mark.parametrize("described", [True, False])
def test_the_document_says_what_runs_and_what_is_not_known(tmp_path: Path, *, described: bool) -> None:
    folder, units = tmp_path / FOLDER.lstrip("/"), tmp_path / "etc/systemd/system"
    folder.mkdir(parents=True)
    units.mkdir(parents=True)
    (units / TINY.unit).write_text("Environment=ROCMOX_CONFIGURATION=abc\n")
    if described:
        (folder / "llama_cpp-tiny.json").write_text(to_json(TINY))
    document = read_document(Guest(tmp_path), more_units=["rocmox-benchmark.service"])
    assert [one["unit"] for one in document["undescribed"]] == ([] if described else [TINY.unit])
    assert [(one["model_file"], one["running"]) for one in document["served"]] == (
        [(TINY.model_file, True)] if described else []
    )
    assert document["units"] == {"rocmox-benchmark.service": {"running": False, "enabled": False}}
