"""Root file systems from the cache, or built by mmdebstrap into it: whole or not at all, one builder at a time."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rocmox.errors import CommandError
from rocmox.machine import Machine
from rocmox_lab.locks import locked
from rocmox_lab.progress import Progress
from rocmox_lab.recipe import ImageRecipe

_BUILD_TIMEOUT_SECONDS = 1800
_BUILDERS = 2  # each is bound by dpkg's single thread; more only fight for the disk

# The build dies with rocmox, and takes its mounts and processes along: private mount and pid namespace.
CONTAINED = (
    *("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private"),
    *("--pid", "--fork", "--kill-child=KILL", "--mount-proc"),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImageCache:
    """`ROCMOX_CACHE`: `images/NAME-KEY/` are directories, `templates/NAME.tar.zst` what the mirror serves."""

    directory: Path

    @property
    def templates(self) -> Path:
        return self.directory / "templates"

    @property
    def images(self) -> Path:
        return self.directory / "images"

    def path(self, recipe: ImageRecipe) -> Path:
        """Where the finished image lies."""
        if recipe.format == "directory":
            return self.images / f"{recipe.name}-{recipe.key}"
        return self.templates / f"{recipe.name}.tar.zst"

    def has(self, recipe: ImageRecipe) -> bool:
        """Whether the finished image is there and was made by this very recipe."""
        if recipe.format == "directory":
            return self.path(recipe).is_dir()
        stamp = self._stamp(recipe)
        return self.path(recipe).is_file() and stamp.is_file() and stamp.read_text().strip() == recipe.key

    def adopt(self, recipe: ImageRecipe, built: Path) -> None:
        """Move a finished build to its place; the stamp of a template is gone while its file changes."""
        target = self.path(recipe)
        if recipe.format == "directory":
            built.rename(target)
            return
        stamp = self._stamp(recipe)
        stamp.unlink(missing_ok=True)
        built.replace(target)
        stamp.write_text(recipe.key + "\n")

    def building(self, recipe: ImageRecipe) -> Path:
        """Where it is built; on the file system of its place, so that adopting it is a rename."""
        return self.path(recipe).parent / f".building-{recipe.name}"

    def _stamp(self, recipe: ImageRecipe) -> Path:
        return self.templates / f".{recipe.name}.key"


def ensure_images(machine: Machine, cache: ImageCache, recipes: Sequence[ImageRecipe], progress: Progress) -> None:
    """Build what the cache lacks; CommandError with mmdebstrap's words when a build fails."""
    cache.images.mkdir(parents=True, exist_ok=True)
    cache.templates.mkdir(parents=True, exist_ok=True)
    missing = [recipe for recipe in recipes if not cache.has(recipe)]
    if not missing:
        progress.say(f"{'images':<34} in the cache")
        return
    with ThreadPoolExecutor(max_workers=_BUILDERS) as pool:
        for future in [pool.submit(_ensure, machine, cache, recipe, progress) for recipe in missing]:
            future.result()


def _ensure(machine: Machine, cache: ImageCache, recipe: ImageRecipe, progress: Progress) -> None:
    lock = cache.path(recipe).parent / f".{recipe.name}.lock"
    with locked(lock, progress=progress, waiting_for=f"another rocmox that builds {recipe.name}"):
        if cache.has(recipe):
            return
        with progress.step(f"image {recipe.name}") as step:
            _build(machine, cache, recipe)
            step.outcome = "built"


def _build(machine: Machine, cache: ImageCache, recipe: ImageRecipe) -> None:
    work = cache.building(recipe)
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(mode=0o755)
    built = work / ("rootfs" if recipe.format == "directory" else f"{recipe.name}.tar.zst")
    done = machine.run(
        [*CONTAINED, *recipe.mmdebstrap_arguments(str(built))],
        timeout_seconds=_BUILD_TIMEOUT_SECONDS,
        environment={"SOURCE_DATE_EPOCH": "", "TMPDIR": str(work)},
    )
    if done.exit_status:
        shutil.rmtree(work, ignore_errors=True)
        raise CommandError(
            ["mmdebstrap", recipe.suite, recipe.name],
            exit_status=done.exit_status,
            stdout=done.stdout,
            stderr=done.stderr,
            remedy="Check that this machine's Debian mirror answers (`apt-get update`), then run it again.",
        )
    cache.adopt(recipe, built)
    shutil.rmtree(work)


def prune_images(cache: ImageCache, recipes: Sequence[ImageRecipe], *, in_use: Collection[str]) -> list[Path]:
    """Remove directories of recipes that changed, unless a lab stands on them; returns what went."""
    wanted = {cache.path(recipe).name for recipe in recipes} | set(in_use)
    names = {recipe.name for recipe in recipes if recipe.format == "directory"}
    old = [
        path
        for path in cache.images.iterdir()
        if path.is_dir() and path.name not in wanted and path.name.rpartition("-")[0] in names
    ]
    for path in old:
        shutil.rmtree(path)
    return old
