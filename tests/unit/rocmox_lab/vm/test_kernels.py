from __future__ import annotations

import pytest

from rocmox_lab.vm import kernels

NAMES = [f"linux-image-6.1.0-{number}-amd64" for number in (9, 47, 56, 55, 100)]


def test_the_newest_three_kernels_of_the_archive_are_taken_in_order() -> None:
    others = ["linux-image-6.1.0-99-cloud-amd64", "linux-image-6.1.0-99-amd64-unsigned"]
    chosen = kernels.choose([*NAMES, *others])
    assert [kernel.debian_release for kernel in chosen] == [f"6.1.0-{number}-amd64" for number in (55, 56, 100)]
    assert [kernel.release for kernel in chosen] == list(kernels.RELEASES)


def test_too_few_kernels_are_said() -> None:
    with pytest.raises(ValueError, match="2 kernels"):
        kernels.choose(NAMES[:2])


def test_names_of_packages() -> None:
    kernel = kernels.Kernel(debian_release="6.1.0-55-amd64", release="6.8.12-9-pve")
    assert (kernel.version, kernel.image_package) == ("6.8.12-9", "proxmox-kernel-6.8.12-9-pve-signed")
    assert kernel.headers_package == "proxmox-headers-6.8.12-9-pve"
    assert kernel.debian_packages == (
        "linux-image-6.1.0-55-amd64",
        "linux-headers-6.1.0-55-amd64",
        "linux-headers-6.1.0-55-common",
    )


def test_modules_come_with_what_they_need() -> None:
    text = "kernel/a/virtio_blk.ko: kernel/b/virtio.ko kernel/b/ring.ko\nkernel/b/virtio.ko:\nkernel/c/radeon.ko:\n"
    assert kernels.with_dependencies(["virtio-blk", "not-there"], text) == {
        "kernel/a/virtio_blk.ko",
        "kernel/b/virtio.ko",
        "kernel/b/ring.ko",
    }
    assert kernels.with_dependencies(["nothing"], text) == set()


def test_the_declaration_loses_its_parameter_as_ubuntus_did() -> None:
    header = (
        "int drm_dp_add_payload_part2(struct mgr *mgr,\n\t\tstruct drm_atomic_state *state,\n\t\tstruct p *payload);\n"
    )
    changed = kernels.without_state_parameter(header)
    assert "drm_atomic_state" not in changed
    assert "struct mgr *mgr," in changed
    with pytest.raises(ValueError, match="another way"):
        kernels.without_state_parameter(changed)
