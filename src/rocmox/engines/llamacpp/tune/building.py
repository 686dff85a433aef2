"""Building a variant on the machine it is for: its own folder, made once, from a copy of the source."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rocmox.engines.llamacpp.source.mmvq import ARCHITECTURES, patch, revert
from rocmox.engines.llamacpp.source.tree import MMVQ
from rocmox.engines.llamacpp.tune.ground import Ground
from rocmox.engines.llamacpp.tune.variant import Variant
from rocmox.errors import CommandError, UsageError
from rocmox.machine import Machine

Tell = Callable[[str], None]

_ACCOUNT = "llama-build"
"""As role llama_cpp names the one that compiles."""
PROGRAMS = ("llama-bench", "llama-batched-bench")
_LOOK_SECONDS = 20
# $1 work folder, $2 source, $3 name of the build, then CMake's options; mmvq.cu on standard input, empty to leave it.
# The lock lasts as long as a compiler that a killed search left behind. ccache makes the next variant cheap: only
# mmvq.cu and what follows from a changed option are new.
_BUILD = r"""
set -eu
work=$1 source=$2 name=$3; shift 3
mkdir -p "$work/builds"
exec 9> "$work/lock"; flock 9
[ ! -x "$work/builds/$name/bin/llama-bench" ] || exit 0
if [ "$(cat "$work/source.from" 2>/dev/null)" != "$source" ]; then
  rm -rf "$work/source" "$work/source.partial"
  cp -a --reflink=auto "$source" "$work/source.partial"
  mv "$work/source.partial" "$work/source"
  echo "$source" > "$work/source.from"
fi
cat > "$work/mmvq.cu"
[ ! -s "$work/mmvq.cu" ] || cmp -s "$work/mmvq.cu" "$work/source/MMVQ" || cp "$work/mmvq.cu" "$work/source/MMVQ"
tree=$work/builds/$name.tree log=$work/builds/$name.log
rm -rf "$tree" "$work/builds/$name"
export LC_ALL=C.UTF-8 HOME="$work"
if command -v ccache > /dev/null; then
  [ ! -w "$work/../ccache" ] || export CCACHE_DIR="$work/../ccache"
  export CCACHE_COMPILERCHECK=content CCACHE_NOHASHDIR=1 CCACHE_BASEDIR="${work%/*}"
  export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache CMAKE_HIP_COMPILER_LAUNCHER=ccache
fi
generator=$(command -v ninja > /dev/null && echo Ninja || echo "Unix Makefiles")
{
  nice cmake -G "$generator" -S "$work/source" -B "$tree" "$@" &&
  nice cmake --build "$tree" --parallel "$(nproc)" --target PROGRAMS
} < /dev/null > "$log" 2>&1 || { tail -n 40 "$log" >&2; exit 1; }
mkdir "$tree/made"
mv "$tree/bin" "$tree/made/bin"
mv "$tree/made" "$work/builds/$name"
rm -rf "$tree"
""".replace("MMVQ", MMVQ).replace("PROGRAMS", " ".join(PROGRAMS))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Builder:
    """Builds on `machine` under `work`, as `account` when one is given."""

    machine: Machine
    ground: Ground
    work: str
    account: str | None
    tell: Tell
    timeout_seconds: float

    def programs(self, variant: Variant) -> str:
        """The folder of the variant's programs, built now if they are not there; CommandError when they cannot be."""
        folder = f"{self.work}/builds/{variant.build_key}"
        if self.machine.exists(f"{folder}/bin/llama-bench"):
            return f"{folder}/bin"
        self.tell(f"building {variant.difference(dataclasses.replace(variant, geometry=None, cublas=None))}")
        as_account = ["runuser", "-u", self.account, "--"] if self.account else []
        if self.account:
            owner = ["-o", self.account, "-g", self.account]
            self.machine.run(["install", "-d", *owner, self.work]).check()
        settings = ["env", *self.ground.environment]
        command = [*as_account, *settings, "bash", "-c", _BUILD, "build", self.work, self._source(), variant.build_key]
        with self._told(f"{folder}.log"):
            self.machine.run(
                [*command, *self._options(variant)], stdin=self._mmvq(variant), timeout_seconds=self.timeout_seconds
            ).check(remedy=f"The whole log is {folder}.log there.")
        return f"{folder}/bin"

    def _source(self) -> str:
        if self.ground.directory is None:
            raise UsageError("a variant needs a build, and there is no source", remedy="Name it with --source.")
        return self.ground.directory

    def _options(self, variant: Variant) -> list[str]:
        forced = [] if variant.cublas is None else [f"GGML_CUDA_FORCE_CUBLAS={'ON' if variant.cublas else 'OFF'}"]
        # one file per program: the folder is moved when it is whole
        return [f"-D{option}" for option in (*self.ground.options, *forced, "BUILD_SHARED_LIBS=OFF")]

    def _mmvq(self, variant: Variant) -> bytes:
        """The whole mmvq.cu of the variant; nothing when the source has none."""
        source = self.ground.mmvq
        if source is None:
            return b""
        if variant.geometry is None:
            return revert(source).encode()
        architecture = next(one for one in ARCHITECTURES if one in self.ground.architectures)
        return patch(source, variant.geometry, architecture=architecture).encode()

    @contextmanager
    def _told(self, log: str) -> Iterator[None]:
        """Says from time to time how far the build is."""
        ended = threading.Event()
        begun = time.monotonic()

        def look() -> None:
            while not ended.wait(_LOOK_SECONDS):
                try:
                    line = self.machine.run(["tail", "-n", "1", log]).stdout.strip()[:100]
                except CommandError:
                    line = ""
                self.tell(f"  {time.monotonic() - begun:.0f} s: {line or 'building'}")

        watcher = threading.Thread(target=look, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()


def find_account(machine: Machine) -> str | None:
    """The account that builds, where root would else have to; None where there is none or nobody may change to it."""
    done = machine.run(["sh", "-c", f'[ "$(id -u)" = 0 ] && id {_ACCOUNT} > /dev/null 2>&1'])
    return _ACCOUNT if done.exit_status == 0 else None
