from __future__ import annotations

from rocmox_lab.vm import kernels, repositories


def built() -> list[repositories.BuiltKernel]:
    found = kernels.choose([f"linux-image-6.1.0-{number}-amd64" for number in (1, 2, 3)])
    return [
        repositories.BuiltKernel(
            kernel=kernel,
            image=f"Package: {kernel.image_package}\n",
            headers=f"Package: {kernel.headers_package}\n",
            metas=(f"Package: proxmox-kernel-6.8\nVersion: {kernel.version}\n",),
        )
        for kernel in found
    ]


def test_a_stage_offers_the_kernels_up_to_its_own() -> None:
    text = "\n".join(repositories._stage("b", built()))
    assert "proxmox-kernel-6.8.12-9-pve-signed" in text
    assert "6.8.12-10" not in text


def test_the_forgetful_stage_lacks_the_newest_headers_alone() -> None:
    text = "\n".join(repositories._stage("c-without-headers", built()))
    assert "proxmox-kernel-6.8.12-10-pve-signed" in text
    assert "proxmox-headers-6.8.12-10-pve" not in text
    assert "proxmox-headers-6.8.12-9-pve" in text
