from collections.abc import Sequence
from pathlib import Path

import pytest

from rocmox.errors import CommandError
from rocmox_lab.images import ImageCache, ensure_images, prune_images
from rocmox_lab.progress import Progress
from rocmox_lab.recipe import AptSource, load_recipes
from tests.unit.rocmox_lab.scripted_machine import ScriptedMachine

RECIPES = load_recipes(AptSource(main_uri=None, security_uri=None, options=()))


def mmdebstrap(argv: Sequence[str]) -> tuple[int, str, str]:
    target = Path(next(word for word in argv if "/.building-" in word))
    if target.name.endswith(".tar.zst"):
        target.write_text("archive")
    else:
        target.mkdir()
        (target / "bin").mkdir()
    return 0, "", ""


def test_missing_images_are_built_once(tmp_path: Path) -> None:
    cache, machine = ImageCache(directory=tmp_path), ScriptedMachine(mmdebstrap)
    ensure_images(machine, cache, RECIPES, Progress())
    assert all(cache.has(recipe) for recipe in RECIPES)
    assert len(machine.asked) == 3
    ensure_images(machine, cache, RECIPES, Progress())
    assert len(machine.asked) == 3
    assert not list(tmp_path.rglob(".building-*"))


def test_a_failed_build_leaves_nothing_and_quotes_mmdebstrap(tmp_path: Path) -> None:
    cache = ImageCache(directory=tmp_path)
    machine = ScriptedMachine(lambda _: (25, "", "E: apt-get update failed"))
    with pytest.raises(CommandError, match="apt-get update failed"):
        ensure_images(machine, cache, RECIPES[:1], Progress())
    assert not cache.has(RECIPES[0])
    assert not list(tmp_path.rglob(".building-*"))


def test_what_a_killed_build_left_does_not_count(tmp_path: Path) -> None:
    cache = ImageCache(directory=tmp_path)
    left = cache.building(RECIPES[0]) / "rootfs" / "half"
    left.mkdir(parents=True)
    ensure_images(ScriptedMachine(mmdebstrap), cache, RECIPES[:1], Progress())
    assert not (cache.path(RECIPES[0]) / "half").exists()


def test_a_template_of_another_recipe_is_built_anew(tmp_path: Path) -> None:
    cache, machine = ImageCache(directory=tmp_path), ScriptedMachine(mmdebstrap)
    ensure_images(machine, cache, RECIPES[1:2], Progress())
    (cache.templates / f".{RECIPES[1].name}.key").write_text("another")
    assert not cache.has(RECIPES[1])


def test_pruning_spares_what_labs_stand_on_and_what_is_foreign(tmp_path: Path) -> None:
    cache = ImageCache(directory=tmp_path)
    for name in ("node-000000000000", "node-111111111111", "notes", cache.path(RECIPES[0]).name):
        (cache.images / name).mkdir(parents=True)
    gone = prune_images(cache, RECIPES, in_use=["node-111111111111"])
    assert [path.name for path in gone] == ["node-000000000000"]
