"""What the role says of rocminfo's answer."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[4] / "roles" / "rocm" / "files" / "look_for_gpus.py"
TWO_AGENTS = """ROCk module is loaded
==========
HSA Agents
==========
*******
Agent 1
*******
  Name:                    AMD EPYC 7302P 16-Core Processor
  Marketing Name:          AMD EPYC 7302P 16-Core Processor
  Device Type:             CPU
*******
Agent 2
*******
  Name:                    gfx906
  Uuid:                    GPU-0000000000000000
  Marketing Name:          AMD Instinct MI50/MI60
  Device Type:             GPU
  ISA Info:
    ISA 1
      Name:                    amdgcn-amd-amdhsa--gfx906:sramecc+:xnack-
*** Done ***
"""


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("look_for_gpus", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


look_for_gpus = load()


def test_cards_are_told_from_processors() -> None:
    assert look_for_gpus.agents(TWO_AGENTS) == ["gfx906 AMD Instinct MI50/MI60"]
    assert look_for_gpus.agents("ROCk module is NOT loaded, possibly no GPU devices\n") == []


@pytest.mark.parametrize(
    ("said", "there", "cause"),
    [
        (
            "ROCk module is NOT loaded",
            {"kfd": True, "nodes": ["renderD128"], "driver": False},
            "driver is not loaded on the node",
        ),
        ("", {"kfd": False, "nodes": ["renderD128"], "driver": True}, "/dev/kfd is not passed"),
        ("", {"kfd": True, "nodes": [], "driver": True}, "No /dev/dri/renderD"),
        (
            "Unable to open /dev/kfd read-write: Permission denied",
            {"kfd": True, "nodes": ["renderD128"], "driver": True},
            "getent group render",
        ),
        (
            "Unable to open /dev/kfd read-write: Invalid argument",
            {"kfd": True, "nodes": ["renderD128"], "driver": True},
            "no matter of rights",
        ),
        ("", {"kfd": True, "nodes": ["renderD128"], "driver": True}, "the driver shows no card"),
    ],
)
def test_each_cause_is_named_alone(said: str, there: dict[str, Any], cause: str) -> None:
    found = look_for_gpus.causes(said, **there)
    assert len(found) == 1
    assert cause in found[0]
