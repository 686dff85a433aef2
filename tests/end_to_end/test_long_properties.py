"""The properties of generated sites over hundreds of examples, on the lab's API with pretended guests (`make soak`)."""

import collections
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from rocmox.proxmox.tasks import Clock
from tests.unit.containers import site_properties
from tests.unit.containers.wishes import VMIDS, site

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3000)]

VERSIONS = st.sampled_from(["8.4", "9.2"])
MANY = settings(deadline=None, max_examples=300, phases=[Phase.explicit, Phase.reuse, Phase.generate])
SEEN: collections.Counter[str] = collections.Counter()


@pytest.fixture(autouse=True, scope="module")
def _no_waiting() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rocmox.proxmox.tasks.wait_for.__kwdefaults__", {"clock": Clock(sleep=lambda _: None)})
        yield
    print("\nsites tried:", dict(SEEN))


@MANY
@given(version=VERSIONS, first=site(), second=site())
def test_any_site_becomes_any_other(version: str, first: list[Any], second: list[Any]) -> None:
    site_properties.check_converges(version, first, second)
    SEEN["converged"] += 1


@MANY
@given(
    version=VERSIONS,
    first=site(),
    second=site(),
    restart=st.booleans(),
    ids_known=st.booleans(),
    stopped=st.sets(VMIDS),
)
def test_check_mode_says_what_apply_does(**generated: Any) -> None:
    site_properties.check_mode_predicts(**generated)
    SEEN["predicted"] += 1


@MANY
@given(version=VERSIONS, wish=site(), foreign=st.sets(VMIDS, min_size=1))
def test_a_container_without_our_tag_stays_as_it_is(version: str, wish: list[Any], foreign: set[int]) -> None:
    site_properties.check_foreign_containers_stay(version, wish, foreign)
    SEEN["left alone"] += 1


def test_sites_were_tried() -> None:
    assert min(SEEN.values()) >= 300
