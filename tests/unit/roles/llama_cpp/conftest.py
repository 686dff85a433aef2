"""The role's programs are files, not modules: load them from where the role keeps them."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

FILES = Path(__file__).parents[4] / "roles" / "llama_cpp" / "files"


@pytest.fixture(scope="session")
def program() -> Callable[[str], ModuleType]:
    sys.path.insert(0, str(FILES))  # some lie beside each other and import each other

    def load(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"llama_cpp_{name}", FILES / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def script() -> Callable[[str], Path]:
    return lambda name: FILES / f"{name}.sh"
