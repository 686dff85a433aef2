"""Every room of an engine is found, and says what an engine has to say."""

from pathlib import Path

import pytest

from rocmox import engines
from rocmox.engines.engine import Idle
from rocmox.engines.llamacpp.serving.descriptor import ENGINE
from rocmox.engines.registry import all_engines, engine_named
from rocmox.errors import UsageError


def test_every_room_has_its_engine() -> None:
    rooms = {path.parent.name for path in Path(engines.__file__).parent.glob("*/__init__.py")}
    assert len(all_engines()) == len(rooms) > 0


def test_descriptors_name_an_engine() -> None:
    engine = engine_named(ENGINE)
    assert (engine.name, engine.title, engine.idle) == ("llama_cpp", "llama.cpp", Idle.STOP_UNIT)


def test_another_name_is_refused_with_the_list() -> None:
    with pytest.raises(UsageError, match="'vlm' is not an engine") as refused:
        engine_named("vlm")
    assert "llama_cpp" in refused.value.remedy


def test_llama_cpp_plans_memory_in_the_words_of_fit() -> None:
    plan = engine_named("llama_cpp").plan_memory
    small = plan("llama-3.1-8b:q4_K_M", ["--context", "8192"], cards="1x8192MiB", machine="local")
    assert small.fits
    assert small.max_context >= 8192
    assert not plan("llama-3.1-8b:q4_K_M", ["--context", "131072"], cards="1x8192MiB", machine="local").fits
