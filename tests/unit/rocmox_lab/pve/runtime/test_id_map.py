import pytest

from rocmox_lab.pve.runtime.id_map import id_map_of
from rocmox_lab.pve.runtime_protocol import RuntimeFailedError
from tests.unit.rocmox_lab.pve.runtime.guests import GPU1, changed


def test_default_map_of_an_unprivileged_guest() -> None:
    id_map = id_map_of(GPU1)
    assert id_map.node_uid(0) == 100000
    assert id_map.node_gid(993) == 100993
    assert [each.usernsexec_value for each in id_map.ranges] == ["u:0:100000:65536", "g:0:100000:65536"]


def test_a_privileged_guest_has_the_nodes_ids() -> None:
    assert id_map_of(changed(unprivileged=False)).node_gid(44) == 44


def test_a_hole_punched_for_the_nodes_group() -> None:
    values = ("u 0 100000 65536", "g 0 100000 44", "g 44 44 1", "g 45 100045 65491")
    id_map = id_map_of(changed(raw_lxc=tuple(("lxc.idmap", value) for value in values)))
    assert id_map.custom
    assert [id_map.node_gid(gid) for gid in (43, 44, 45)] == [100043, 44, 100045]


def test_b_maps_both_kinds() -> None:
    id_map = id_map_of(changed(raw_lxc=(("lxc.idmap", "b 0 200000 10"),)))
    assert (id_map.node_uid(9), id_map.node_gid(9)) == (200009, 200009)


def test_an_id_outside_the_map_is_refused() -> None:
    with pytest.raises(RuntimeFailedError, match="could not map gid 70000"):
        id_map_of(GPU1).node_gid(70000)


def test_a_broken_line_is_refused() -> None:
    with pytest.raises(RuntimeFailedError, match="failed to parse idmap: u zero"):
        id_map_of(changed(raw_lxc=(("lxc.idmap", "u zero"),)))
