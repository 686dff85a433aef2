"""The properties of `site_properties` over a few generated sites; `make soak` takes hundreds."""

from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from rocmox.containers.spec.container import FIELD_NAMES, parse_specs
from rocmox.errors import RefusedError
from rocmox.proxmox.tasks import Clock
from tests.unit.containers import site_properties
from tests.unit.containers.wishes import VMIDS, site

VERSIONS = st.sampled_from(["8.4", "9.2"])
# An example is a node of its own: making a failing one smaller would take minutes.
FEW = settings(deadline=None, max_examples=12, phases=[Phase.explicit, Phase.reuse, Phase.generate])
BAD: dict[str, list[Any]] = {
    "vmid": [None, "", 99, 10**9, "abc", True, 1.5, [101]],
    "hostname": [None, "", "-a", "a_b", "a..b", "x" * 64, 7, "ä", "a;rm"],
    "gpus": ["gfx", "0000:03", ["0000:03:00.0"] * 2, {"a": 1}, 5, [None], "every"],
    "gpus_exclusive": ["yes", 1, []],
    "cores": [0, -1, 8193, "many", True, 1.5],
    "memory_mib": [15, "8G", False],
    "disk_gib": [0, 131073, "ten", [1]],
    "storage": ["1local", "lo cal", 5, "local:"],
    "bridge": ["0vmbr", "vmbr0;", "a" * 16, ["vmbr0"]],
    "ip": ["192.0.2.1", "300.0.0.1/24", "2001:db8::1/64", "manual"],
    "gateway": ["192.0.2", "gw", "192.0.2.1/24"],
    "nameserver": ["dns.example.org", ["192.0.2.1", "x"]],
    "template": ["", "debian 12", ["debian"], "-x"],
    "unprivileged": ["no", 0],
    "nesting": ["nesting", 1],
    "onboot": [1, "true"],
}


@pytest.fixture(autouse=True, scope="module")
def _no_waiting() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rocmox.proxmox.tasks.wait_for.__kwdefaults__", {"clock": Clock(sleep=lambda _: None)})
        yield


@FEW
@given(version=VERSIONS, first=site(), second=site())
def test_any_site_becomes_any_other(version: str, first: list[Any], second: list[Any]) -> None:
    site_properties.check_converges(version, first, second)


@FEW
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


@FEW
@given(version=VERSIONS, wish=site(), foreign=st.sets(VMIDS, min_size=1))
def test_a_container_without_our_tag_stays_as_it_is(version: str, wish: list[Any], foreign: set[int]) -> None:
    site_properties.check_foreign_containers_stay(version, wish, foreign)


def test_every_field_has_bad_values() -> None:
    assert set(BAD) == set(FIELD_NAMES)


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in BAD.items() for value in values])
def test_a_refused_wish_names_its_field(field: str, value: Any) -> None:
    good = {"vmid": 101, "hostname": "llm1", "ip": "192.0.2.5/24", "gateway": "192.0.2.1"}
    if value in (None, "") and field not in {"vmid", "hostname"}:
        parse_specs([good | {field: value}])
        return
    with pytest.raises(RefusedError) as caught:
        parse_specs([good, good | {"vmid": 102, "hostname": "llm2", "ip": "192.0.2.6/24"} | {field: value}])
    assert f"gpu_containers[1].{field}" in caught.value.message


@given(wishes=st.lists(st.dictionaries(st.sampled_from(FIELD_NAMES), st.one_of(st.none(), st.text(), st.integers()))))
def test_any_wish_is_taken_or_refused_by_its_field(wishes: list[dict[str, Any]]) -> None:
    message = ""
    try:
        specs = parse_specs(wishes)
    except RefusedError as error:
        specs, message = (), error.message
    assert all("gpu_containers[" in line for line in message.splitlines() if line.startswith("* "))
    assert bool(message) == (len(specs) != len(wishes))
