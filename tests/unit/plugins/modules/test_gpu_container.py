"""The module's documentation, argument specification and the options of the code agree; secrets are marked."""

import dataclasses
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from rocmox.containers.spec.options import Options

PATH = Path(__file__).parents[4] / "plugins" / "modules" / "gpu_container.py"


@pytest.fixture(scope="module")
def module() -> ModuleType:
    specification = importlib.util.spec_from_file_location("gpu_container", PATH)
    assert specification is not None
    assert specification.loader is not None
    loaded = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(loaded)
    return loaded


def test_documentation_is_the_argument_specification(module: ModuleType) -> None:
    documented = yaml.safe_load(module.DOCUMENTATION)["options"]
    for name, spec in module.argument_spec().items():
        for key in ("type", "default", "choices", "required", "elements"):
            assert documented[name].get(key) == spec.get(key), (name, key)
    assert set(documented) == set(module.argument_spec())


def test_every_option_of_a_run_can_be_set(module: ModuleType) -> None:
    assert {field.name for field in dataclasses.fields(Options)} <= set(module.argument_spec())


def test_defaults_of_module_and_code_agree(module: ModuleType) -> None:
    spec = module.argument_spec()
    for field in dataclasses.fields(Options):
        if field.name.endswith("_seconds") or field.name in {"template_storage", "allow_overcommit"}:
            assert spec[field.name]["default"] == field.default


def test_secrets_never_reach_a_log(module: ModuleType) -> None:
    assert [name for name, spec in module.argument_spec().items() if spec.get("no_log")] == [
        "api_password",
        "api_token_secret",
    ]
