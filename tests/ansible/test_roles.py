"""A role's defaults, its argument specification and the table in its README name the same variables."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())
TABLE_ROW = re.compile(r"^\| `([a-z0-9_]+)` \|", re.MULTILINE)


def options(role: str) -> dict[str, dict[str, object]]:
    specs = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())
    return specs["argument_specs"]["main"]["options"]


def defaults(role: str) -> dict[str, object]:
    path = ROOT / "roles" / role / "defaults" / "main.yml"
    return yaml.safe_load(path.read_text()) or {}


@pytest.mark.parametrize("role", ROLES)
def test_defaults_are_the_specified_options(role: str) -> None:
    required = {name for name, option in options(role).items() if option.get("required")}
    assert set(defaults(role)) == set(options(role)) - required


@pytest.mark.parametrize("role", ROLES)
def test_readme_table_is_the_specification(role: str) -> None:
    readme = (ROOT / "roles" / role / "README.md").read_text()
    assert sorted(TABLE_ROW.findall(readme)) == sorted(options(role))


@pytest.mark.parametrize("role", ROLES)
def test_every_option_is_described(role: str) -> None:
    assert [name for name, option in options(role).items() if not option.get("description")] == []
