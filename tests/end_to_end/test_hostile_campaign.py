"""Hundreds of spoilt machines: what tests/unit/health/test_hostile_machines.py tries twice, at length."""

from pathlib import Path

import pytest

from tests.unit.health.test_hostile_machines import campaign

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]


@pytest.mark.parametrize("profile", ["mi50x1", "mi50x3", "mi50x8", "w7900x2"])
def test_many_spoilt_machines(profile: str, tmp_path: Path) -> None:
    campaign(profile, tmp_path, rounds=150)
