"""The guest's programs are files, not modules: load them as the guest does."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[5]
SERVING = ROOT / "src/rocmox/engines/llamacpp/serving"


@pytest.fixture(scope="session")
def program() -> Callable[[str], ModuleType]:
    sys.path.insert(0, str(SERVING / "guest"))  # some lie beside each other and import each other

    def load(name: str) -> ModuleType:
        file = next(path for folder in ("guest", ".") if (path := SERVING / folder / f"{name}.py").exists())
        spec = importlib.util.spec_from_file_location(f"llama_cpp_{name}", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def script() -> Callable[[str], Path]:
    return lambda name: ROOT / "roles/llama_cpp/files" / f"{name}.sh"
