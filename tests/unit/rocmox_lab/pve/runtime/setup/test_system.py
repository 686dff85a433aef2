import pytest

from rocmox_lab.pve.runtime.setup import system


@pytest.mark.parametrize(
    ("os_release", "ostype"),
    [
        ('ID=debian\nVERSION_ID="13"\n', "debian"),
        ('ID="arch"\n', "archlinux"),
        ("ID=plan9\n", "unmanaged"),
        ("", "unmanaged"),
    ],
)
def test_distributions(os_release: str, ostype: str) -> None:
    assert system._ostype(os_release) == ostype


def test_this_machines_architecture_is_known() -> None:
    assert system.detect().arch in {"amd64", "arm64"}
