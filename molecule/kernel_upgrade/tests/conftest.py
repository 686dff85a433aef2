"""Two lanes beside each other, each in its order: what follows the upgrade, and what begins before it on the copy."""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

_ON_THE_COPY = ("test_3_", "test_4_")


class Lanes(LoadScopeScheduling):
    """A machine is a scope: its tests run one after the other, by one worker."""

    def _split_scope(self, nodeid: str) -> str:
        return "copy" if any(name in nodeid for name in _ON_THE_COPY) else "machine"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Lanes:
    """Asked for by xdist with any `--dist`."""
    return Lanes(config, log)
