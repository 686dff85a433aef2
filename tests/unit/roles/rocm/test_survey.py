"""The preflight's judgement of sources and keys, with an apt that is told what to answer."""

import importlib
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

ROLE = Path(__file__).parents[4] / "roles" / "rocm"
KEY = Path(__file__).parents[4] / "tests" / "cases" / "openpgp" / "two.asc"
FINGERPRINT = "6C40FE3FA99F0880456014A8B0F7EFD9F5E84FAA"
WISH = {
    "packages": ["rocminfo"],
    "sources": ["http://a.example/rocm"],
    "origin": "repo.radeon.com",
    "version": "6.2.4",
    "key_url": "http://a.example/key",
    "key_fingerprint": FINGERPRINT,
    "room_margin_bytes": 0,
}
OFFERED = [
    {"Package": "rocminfo", "Version": "1.0", "Depends": "hsa-rocr (>= 1.0), libc6, python3:any, rocm-core | rocm-old"},
    {"Package": "hsa-rocr", "Version": "1.1", "Pre-Depends": "rocm-core (= 6.2.4.60204)"},
    {"Package": "rocm-core", "Version": "6.2.4.60204-139~24.04"},
    {"Package": "rocm-core", "Version": "6.2.3.60203-1"},
    {"Package": "amdgpu-dkms", "Version": "6.8"},
]


@pytest.fixture(scope="module")
def survey() -> Iterator[ModuleType]:
    """The role's module, with the role's module_utils where Ansible puts them."""
    paths = {f"ansible.module_utils.{path.stem}": path for path in (ROLE / "module_utils").glob("*.py")}
    paths["rocm_survey"] = ROLE / "library" / "rocm_survey.py"
    for name, path in paths.items():
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    yield sys.modules["rocm_survey"]
    for name in paths:
        del sys.modules[name]


def view(**answers: Any) -> Any:
    told = {"origins": {"repo.radeon.com"}, "packages_of": OFFERED, "fetch": (KEY.read_bytes(), "")} | answers
    return SimpleNamespace(**{name: lambda *_, answer=answer: answer for name, answer in told.items()})


def test_only_what_is_needed_from_the_source_is_named(survey: ModuleType) -> None:
    wanted = survey.closure(view(), WISH)
    assert wanted == {"rocminfo": "1.0", "hsa-rocr": "1.1", "rocm-core": "6.2.4.60204-139~24.04"}


@pytest.mark.parametrize(
    ("answers", "changes", "says"),
    [
        ({"origins": {"Ubuntu"}}, {}, "calls itself Ubuntu and not repo.radeon.com"),
        ({"origins": {"Ubuntu"}}, {"origin": "Ubuntu"}, "a distribution's is refused"),
        ({"origins": set()}, {}, "calls itself nothing"),
        ({}, {"packages": ["gold"]}, "gold is not offered by http://a.example/rocm"),
        ({}, {"version": "6.2"}, ""),
        ({}, {"version": "6.2.40"}, "rocm_version is 6.2.40"),
        ({}, {"version": "6.3.0"}, "offers ROCm 6.2.4.60204"),
    ],
)
def test_sources_that_do_not_fit_are_refused(
    survey: ModuleType, answers: dict[str, Any], changes: dict[str, Any], says: str
) -> None:
    if not says:
        assert survey.closure(view(**answers), WISH | changes)
        return
    with pytest.raises(survey.Obstacle, match=says):
        survey.closure(view(**answers), WISH | changes)


def test_the_pinned_key_alone_is_taken(survey: ModuleType) -> None:
    assert list(survey.keys(survey.pinned_key(view(), WISH))) == [FINGERPRINT]


@pytest.mark.parametrize(
    ("answer", "pinned", "says"),
    [
        ((b"", "404 Not Found"), FINGERPRINT, "cannot be fetched from http://a.example/key: 404 Not Found"),
        ((b"<html>", ""), FINGERPRINT, "holds no signing key"),
        ((KEY.read_bytes(), ""), "A" * 40, f"{FINGERPRINT}, and {'A' * 40} is pinned"),
    ],
)
def test_other_keys_are_refused(survey: ModuleType, answer: tuple[bytes, str], pinned: str, says: str) -> None:
    with pytest.raises(survey.Obstacle, match=says):
        survey.pinned_key(view(fetch=answer), WISH | {"key_fingerprint": pinned})


def planned(text: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    return subprocess.CompletedProcess([], status, text, "E: Unable to locate package gold\n" if status else "")


def test_sizes_are_read_and_weighed_against_the_disk(survey: ModuleType) -> None:
    text = "Need to get 1,130 MB/4,000 MB of archives.\nAfter this operation, 4.5 GB of disk space will be used."
    sizes = survey.plan(view(run=planned("Need to get 4 kB of archives.\n")), ["gold"], WISH)
    assert sizes == (4000, 0)
    with pytest.raises(survey.Obstacle, match=r"takes 5\.6 GB on / .*Enlarge the container"):
        survey.plan(view(run=planned(text)), ["gold"], WISH | {"room_margin_bytes": 10**15})


def test_what_apt_cannot_plan_is_refused_in_its_words(survey: ModuleType) -> None:
    with pytest.raises(survey.Obstacle, match="apt cannot install rocminfo: Unable to locate package gold"):
        survey.plan(view(run=planned("", 100)), ["gold"], WISH)
