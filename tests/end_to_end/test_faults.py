"""`rocmox lab fault` against the client: whatever breaks, one clean run converges and nothing foreign changes."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.end_to_end.fault_campaign import Campaign, print_lines
from tests.end_to_end.fault_cases import draw, killed_at
from tests.end_to_end.fault_sites import SITES, site
from tests.end_to_end.pretended_world import pretended_world

pytestmark = pytest.mark.timeout(900)
SEED = os.environ.get("SEED", "rocmox")


@pytest.fixture(scope="module")
def campaign(request: pytest.FixtureRequest) -> Iterator[Campaign]:
    with pretended_world() as world:
        campaign = Campaign(world)
        yield campaign
    print_lines(request, [f"Faults (SEED={SEED})", *campaign.lines()])


@pytest.mark.parametrize("index", range(20))
def test_seeded_twenty(campaign: Campaign, index: int) -> None:
    campaign.run(draw(index, SEED, campaign.calls))


@pytest.mark.soak
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("name", [each.name for each in SITES if each.operations])
def test_client_killed_at_every_change(campaign: Campaign, name: str, when: str) -> None:
    """SIGKILL with each changing call of a run under way, before and after Proxmox VE has carried it out."""
    changing = [call for call in campaign.calls[name] if call.changes]
    assert changing
    for call in changing:
        campaign.run(killed_at(call, site(name), when))


@pytest.mark.soak
@pytest.mark.parametrize("index", range(20, 260))
def test_whole_campaign(campaign: Campaign, index: int) -> None:
    campaign.run(draw(index, SEED, campaign.calls))
