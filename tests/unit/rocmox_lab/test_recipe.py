import dataclasses

from rocmox_lab.recipe import AptSource, load_recipes, parse_apt_source

SOURCE = AptSource(
    main_uri="http://mirror.example/debian", security_uri="http://mirror.example/debian-security", options=()
)


def test_the_machines_mirror_is_found_among_foreign_sources() -> None:
    targets = [
        "https://packages.example/apt bookworm",
        "http://mirror.example/debian/ bookworm",
        "http://mirror.example/debian/ bookworm-updates",
        "http://mirror.example/debian-security/ bookworm-security",
    ]
    dump = 'APT "";\nAcquire::http::Proxy "http://proxy.example:3128";\nAcquire::Check-Valid-Until "false";\n'
    assert parse_apt_source(targets, dump) == dataclasses.replace(
        SOURCE, options=('Acquire::http::Proxy "http://proxy.example:3128"', 'Acquire::Check-Valid-Until "false"')
    )


def test_a_machine_with_another_distribution_leaves_the_mirror_to_mmdebstrap() -> None:
    source = parse_apt_source(["http://archive.example/ubuntu noble"], "")
    assert source.main_uri is None
    assert source.lines("trixie") == ()


def test_sources_are_signed_by_debians_keyring() -> None:
    lines = SOURCE.lines("trixie")
    assert [line.split()[3] for line in lines] == ["trixie", "trixie-updates", "trixie-security"]
    assert all("signed-by=/usr/share/keyrings/debian-archive-keyring.gpg" in line for line in lines)


def test_there_are_a_node_and_the_two_templates_under_their_pve_names() -> None:
    assert {recipe.name for recipe in load_recipes(SOURCE)} == {
        *("node", "debian-12-standard_12.12-1_amd64", "debian-13-standard_13.1-2_amd64")
    }


def test_the_key_changes_with_content_and_with_nothing_else() -> None:
    first, again = load_recipes(SOURCE)[0], load_recipes(SOURCE)[0]
    other_mirror = load_recipes(dataclasses.replace(SOURCE, main_uri="http://other.example/debian"))[0]
    more = dataclasses.replace(first, packages=(*first.packages, "htop"))
    assert first.key == again.key
    assert len({first.key, other_mirror.key, more.key}) == 3


def test_the_command_line_ends_with_suite_target_and_sources() -> None:
    recipe = next(recipe for recipe in load_recipes(SOURCE) if recipe.suite == "trixie")
    arguments = recipe.mmdebstrap_arguments("/cache/x.tar.zst")
    assert arguments[-5:] == ["trixie", "/cache/x.tar.zst", *SOURCE.lines("trixie")]
    assert any("mask sys-kernel-debug.mount" in argument for argument in arguments)
