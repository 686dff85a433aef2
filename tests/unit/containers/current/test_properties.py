import pytest

from rocmox.containers.current.properties import disk_size_gib, disk_storage, parse_properties, parse_tags


@pytest.mark.parametrize(
    ("rootfs", "gib", "storage"),
    [
        ("local:101/vm-101-disk-0.raw,size=16G", 16, "local"),
        ("local-lvm:vm-101-disk-0,size=512M", 1, "local-lvm"),
        ("volume=tank:subvol-101-disk-0,size=1T,mountoptions=noatime", 1024, "tank"),
        ("local:101/vm-101-disk-0.subvol,size=0T", 0, "local"),
        ("local:101/x", None, "local"),
        ("", None, ""),
    ],
)
def test_what_a_root_disk_says(rootfs: str, gib: int | None, storage: str) -> None:
    assert disk_size_gib(rootfs) == gib
    assert disk_storage(rootfs) == storage


@pytest.mark.parametrize("text", ["a;rocmox", "a,rocmox", "a rocmox", "rocmox;;a"])
def test_tags_in_every_spelling(text: str) -> None:
    assert parse_tags(text) == {"a", "rocmox"}


def test_a_word_without_a_key_is_the_default_key() -> None:
    assert parse_properties("/dev/kfd,gid=5", default_key="path") == {"path": "/dev/kfd", "gid": "5"}
