"""Runs of rocmox 0.1 are read and compared as before."""

import json
from pathlib import Path
from typing import Any

import pytest

from rocmox.bench import earlier
from rocmox.bench.store import load, save, to_dict
from rocmox.errors import UsageError
from tests.unit.bench.test_judgements import RUN


def stored_by_0_1(**around: Any) -> dict[str, Any]:
    """What rocmox 0.1 wrote for the same run."""
    document = json.loads(json.dumps(to_dict(RUN)))
    engine = document["surroundings"].pop("engine")
    document["surroundings"] |= {
        "llama_build": int(engine["version"].removeprefix("b")),
        "llama_commit": engine["commit"],
        "llama_path": engine["programs"],
        "llama_options": engine["options"],
    } | around
    return document | {"schema_version": earlier.SCHEMA_VERSION}


def test_a_run_of_0_1_is_the_same_run(tmp_path: Path) -> None:
    old = tmp_path / "old.json"
    old.write_text(json.dumps(stored_by_0_1()))
    assert load(old) == RUN == load(save(RUN, tmp_path))


def test_a_build_that_was_not_known_stays_unknown(tmp_path: Path) -> None:
    old = tmp_path / "old.json"
    old.write_text(json.dumps(stored_by_0_1(llama_build=None)))
    assert load(old).surroundings.engine.version is None


@pytest.mark.parametrize("changed", [{"llama_build": "6170"}, {"llama_commit": 7}, {"llama_path": None}, {"more": 1}])
def test_what_0_1_did_not_write_is_refused(tmp_path: Path, changed: dict[str, Any]) -> None:
    old = tmp_path / "old.json"
    old.write_text(json.dumps(stored_by_0_1(**changed)))
    with pytest.raises(UsageError, match=r"old\.json"):
        load(old)
