import pytest

from rocmox.containers.spec.templates import choose_template, guest_system

INDEX = [
    "debian-13-standard_13.1-2_amd64.tar.zst",
    "debian-12-standard_12.7-1_amd64.tar.zst",
    "debian-12-standard_12.12-1_amd64.tar.zst",
    "ubuntu-24.04-standard_24.04-2_amd64.tar.zst",
]


@pytest.mark.parametrize(
    ("name", "present", "volume", "download"),
    [
        ("debian-12-standard", [], "local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst", True),
        (
            "debian-12-standard",
            ["local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst"],
            "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst",
            False,
        ),
        ("debian-12", [], "local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst", True),
        (INDEX[3], [], f"local:vztmpl/{INDEX[3]}", True),
        ("local:vztmpl/mine.tar.zst", ["local:vztmpl/mine.tar.zst"], "local:vztmpl/mine.tar.zst", False),
    ],
)
def test_a_name_means_one_template(name: str, present: list[str], volume: str, *, download: bool) -> None:
    choice = choose_template(name, storage="local", present=present, downloadable=INDEX)
    assert choice is not None
    assert (choice.volume_id, choice.download) == (volume, download)


def test_a_name_that_nobody_has_means_none() -> None:
    assert choose_template("debian-1", storage="local", present=[], downloadable=INDEX) is None


@pytest.mark.parametrize(
    ("file_name", "system"),
    [
        (INDEX[0], "debian-13"),
        (INDEX[3], "ubuntu-24.04"),
        ("alpine-3.20-default_1_amd64.tar.xz", "alpine-3.20"),
        ("x", None),
    ],
)
def test_the_system_stands_in_the_name(file_name: str, system: str | None) -> None:
    assert guest_system(file_name) == system
