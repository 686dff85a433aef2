from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocmox.errors import UsageError
from rocmox_lab.settings import LabPlaces, LabSettings, cache_directory

NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?", fullmatch=True)


@pytest.mark.parametrize("name", ["", "A", "-a", "a-", "a/b", "..", "a b", "x" * 31, "ä"])
def test_names_that_would_break_interfaces_or_paths_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="lab name"):
        LabSettings(name=name)


@pytest.mark.parametrize(
    ("field", "value"), [("node", "pve_1"), ("node", ""), ("pve_version", "7.4"), ("gpus", "mi300x8")]
)
def test_unknown_settings_are_refused_with_what_there_is(field: str, value: str) -> None:
    with pytest.raises(UsageError) as refusal:
        LabSettings(**{field: value})
    assert refusal.value.exit_code == 64
    assert refusal.value.remedy


@given(NAMES)
def test_interface_names_fit_the_kernel(name: str) -> None:
    places = LabPlaces(name=LabSettings(name=name).name)
    assert len(places.bridge) <= 15
    assert len(places.veth) <= 15


def test_long_names_that_share_their_beginning_get_different_interfaces() -> None:
    assert LabPlaces(name="molecule-site-one").bridge != LabPlaces(name="molecule-site-two").bridge


def test_the_cache_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROCMOX_CACHE", "/srv/cache")
    assert cache_directory() == Path("/srv/cache")
    monkeypatch.setenv("ROCMOX_CACHE", "")
    monkeypatch.setenv("HOME", "/home/someone")
    assert cache_directory() == Path("/home/someone/.cache/rocmox")
