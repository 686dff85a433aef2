"""Whatever the numbers that a boot gives out, the repair leads every container of ours back to its own cards."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis.strategies import booleans, integers, lists, permutations, sets

from rocmox.containers.apply.repair import repair
from rocmox.containers.apply.stored_specs import StoredSpec
from rocmox.containers.current.cards import NodeCard
from rocmox.containers.plan.cards import desired_devices
from rocmox.containers.spec.container import parse_specs
from tests.unit.containers.fake_pve import FakeContainer, FakePve
from tests.unit.containers.worlds import LLM


def numbered(numbers: Sequence[int]) -> tuple[NodeCard, ...]:
    return tuple(
        NodeCard(
            pci_address=f"0000:0{slot}:00.0",
            architecture="gfx906",
            card_path=f"/dev/dri/card{number}",
            render_path=f"/dev/dri/renderD{128 + number}",
        )
        for slot, number in enumerate(numbers)
    )


def config_of(cards: Sequence[NodeCard]) -> dict[str, str]:
    paths = [device.path for device in desired_devices(cards)]
    groups = {"c": 44, "r": 993, "k": 993}
    return {f"dev{n}": f"{path},gid={groups[path.rpartition('/')[2][0]]},mode=0660" for n, path in enumerate(paths)}


@given(
    before=permutations(range(4)),
    after=permutations(range(5)),
    choices=lists(sets(integers(0, 3), min_size=1), min_size=1, max_size=3),
    tagged=lists(booleans(), min_size=3, max_size=3),
)
def test_whatever_the_numbers_every_container_of_ours_has_its_own_cards_again(
    before: list[int], after: list[int], choices: list[set[int]], tagged: list[bool]
) -> None:
    pve = FakePve()
    old, new = numbered(before), numbered(after[:4])
    pve.devices |= {path for card in (*old, *new) for path in (card.card_path, card.render_path) if path}
    stored = []
    for vmid, (chosen, ours) in enumerate(zip(choices, tagged, strict=False), start=101):
        config = config_of([old[slot] for slot in sorted(chosen)]) | {"tags": "rocmox" if ours else "prod"}
        pve.containers[vmid] = FakeContainer(config)
        gpus = [old[slot].pci_address for slot in sorted(chosen)]
        stored.append(LLM | {"vmid": vmid, "hostname": f"llm{vmid}", "gpus": gpus})
    untouched = {vmid: dict(found.config) for vmid, found in pve.containers.items() if found.config["tags"] == "prod"}
    wishes = [StoredSpec(node="pve1", spec=spec) for spec in parse_specs(stored)]
    assert [entry.problem for entry in repair(pve, wishes, new, dry_run=False)] == [""] * len(stored)
    for vmid, chosen in enumerate(choices, start=101):
        config = dict(pve.containers[vmid].config)
        if vmid in untouched:
            assert config == untouched[vmid]
            continue
        del config["tags"]
        assert set(config.values()) == set(config_of([new[slot] for slot in sorted(chosen)]).values())
    pve.changes.clear()
    repair(pve, wishes, new, dry_run=False)
    assert pve.changes == []
