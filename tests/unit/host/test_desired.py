import json

import pytest

from rocmox.errors import UsageError
from rocmox.host.desired import parse_desired, stored_text
from rocmox.host.packages.resolve import offered_versions, rocm_of


def test_a_wish() -> None:
    text = json.dumps({"driver": "dkms", "module_options": {"gpu_recovery": 1}, "key_fingerprint": "aa " * 20})
    found = parse_desired(text)
    assert found.wants_dkms
    assert found.module_options == (("gpu_recovery", "1"),)
    assert found.key_fingerprint == "AA" * 20


@pytest.mark.parametrize(
    "document",
    [
        {"driver": "nvidia"},
        {"colour": "red"},
        {"allow_known_bad": "yes"},
        {"key_fingerprint": "12AB"},
        {"apt_url": "ftp://x"},
        {"apt_url": "https://me:secret@mirror.example/amdgpu"},
        {"key_url": "https://token@mirror.example/rocm.gpg.key"},
        {"apt_origin": "Debian"},
        {"kernel": "newest"},
        {"kernel_command_line": ["iommu=pt quiet"]},
        {"module_options": {"a b": 1}},
        [],
    ],
)
def test_a_wish_without_meaning(document: object) -> None:
    with pytest.raises(UsageError):
        parse_desired(json.dumps(document))


def test_no_json() -> None:
    with pytest.raises(UsageError, match="not JSON"):
        parse_desired("{")


def test_a_proxy_and_its_password_do_not_stay_on_the_node() -> None:
    text = stored_text(json.dumps({"driver": "dkms", "apt_proxy": "http://me:secret@proxy:3128", "upgrade_kernel": ""}))
    assert json.loads(text) == {"driver": "dkms"}
    assert parse_desired(text).wants_dkms


URL = "https://repo.radeon.com/amdgpu"
MADISON = f"""amdgpu-dkms | 1:6.8.5.60204-2070768.24.04 | {URL}/6.2.4/ubuntu noble/main amd64 Packages
amdgpu-dkms | 1:6.8.5.60200-2009582.24.04 | {URL}/6.2/ubuntu noble/main amd64 Packages
"""


def test_only_the_versions_of_our_source_count() -> None:
    assert offered_versions(MADISON, "https://repo.radeon.com/amdgpu/6.2.4/ubuntu/") == ("1:6.8.5.60204-2070768.24.04",)
    assert offered_versions("", "https://repo.radeon.com/amdgpu/6.2.4/ubuntu") == ()


def test_the_release_in_a_version() -> None:
    assert rocm_of("1:6.8.5.60204-2070768.24.04") == "6.2.4"
    assert rocm_of("1:6.16.13.30300400-2341068.24.04") == ""
