from __future__ import annotations

import pytest

from rocmox_lab.pve import formats, properties, sizes, values

DEVICE = {
    "path": {"type": "string", "format": "pve-lxc-dev-string", "default_key": 1, "optional": 1},
    "gid": {"type": "integer", "minimum": 0, "optional": 1},
    "mode": {"type": "string", "pattern": "0[0-7]{3}", "optional": 1},
    "deny-write": {"type": "boolean", "optional": 1},
}


@pytest.mark.parametrize(
    ("value", "entry", "message"),
    [
        ("abc", {"type": "integer"}, "type check ('integer') failed - got 'abc'"),
        ("true", {"type": "boolean"}, "type check ('boolean') failed - got 'true'"),
        ("8", {"type": "integer", "minimum": 16}, "value must have a minimum value of 16"),
        ("99", {"type": "integer", "format": "pve-vmid"}, "invalid format - value does not look like a valid VM ID\n"),
        ("abc", {"type": "string", "minLength": 5}, "value must be at least 5 characters long"),
        ("x" * 41, {"type": "string", "maxLength": 40}, "value may only be 40 characters long"),
        ("z", {"type": "string", "enum": ["a", "b"]}, "value 'z' does not have a value in the enumeration 'a, b'"),
        ("660", {"type": "string", "pattern": "(?^:0[0-7]{3})"}, "value does not match the regex pattern"),
        ("1024", {"type": "integer", "minimum": 16}, None),
        ("1", {"type": "boolean"}, None),
    ],
)  # fmt: skip
def test_values_are_judged_in_pve_s_words(value: str, entry: dict[str, object], message: str | None) -> None:
    assert values.check(value, entry) == message


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("dns-name", "gpu1.lan", "bad_host!"),
        ("pve-lxc-dev-string", "/dev/dri/renderD128", "/dev/../etc/passwd"),
        ("pve-ipv4-config", "10.0.0.2/24", "10.0.0.2"),
        ("pve-ipv6-config", "auto", "10.0.0.2/24"),
        ("mac-addr", "BC:24:11:00:00:01", "01:24:11:00:00:01"),
        ("pve-storage-content-list", "rootdir,images", "rootdir,zzz"),
        ("pve-lxc-mp-string", "/mnt/data", "/mnt/../data"),
        ("pve-startup-order", "order=1,up=5", "sometime"),
        ("CIDR", "10.0.0.0/8", "10.0.0.0"),
    ],
)
def test_formats_know_good_from_bad(name: str, good: str, bad: str) -> None:
    assert formats.check(name, good) is None
    assert formats.check(name, bad)


def test_property_strings_keep_pve_s_order_and_complain_by_key() -> None:
    parsed = properties.parse("gid=993,path=/dev/kfd", DEVICE)
    assert properties.render(parsed, DEVICE) == "/dev/kfd,gid=993"
    with pytest.raises(properties.PropertyStringError) as caught:
        properties.parse("kfd,gid=render", DEVICE)
    assert caught.value.text("dev0") == (
        "format error\n"
        "dev0.gid: type check ('integer') failed - got 'render'\n"
        "dev0.path: invalid format - kfd is not a valid device path\n\n"
    )
    with pytest.raises(properties.PropertyStringError, match="duplicate key"):
        properties.parse("/dev/kfd,gid=1,gid=2", DEVICE)


def test_sizes_speak_pve_s_units() -> None:
    assert [sizes.show(size) for size in (0, 4 << 30, 512 << 20, 1 << 40)] == ["0T", "4G", "512M", "1T"]
    assert sizes.show(sizes.from_gibibytes("0.1")) == "102M"
    assert sizes.parse("1.5G") == 3 << 29
    assert sizes.parse("big") is None
