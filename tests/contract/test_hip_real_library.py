"""The probe with real libraries of AMD's, on a machine without a card: ROCm 5.7 and 6.4, unpacked from Debian.

They bring their own C library; its loader starts this machine's Python with it, so nothing is installed.
"""

import json
import platform
from pathlib import Path

import pytest

from rocmox.errors import CannotLookError, CommandError
from rocmox.health.hip.answer import MODULES, Answer
from rocmox.health.probes.assembly import assemble
from rocmox.machine import LocalMachine
from rocmox_lab.debian_packages import unpack
from rocmox_lab.settings import cache_directory

pytestmark = [pytest.mark.network, pytest.mark.timeout(900)]

MACHINE = LocalMachine(root="/")
COMMON = (
    *("libbsd0", "libc6", "libdrm-amdgpu1", "libdrm2", "libedit2", "libelf1t64", "libffi8", "libgcc-s1"),
    *("libhsa-runtime64-1", "libmd0", "libnuma1", "libstdc++6", "libtinfo6", "libz3-4", "libzstd1", "zlib1g"),
)
# Suite → library, and the packages of its suite that it needs beside the common ones.
LIBRARIES = {
    "trixie": ("libamdhip64.so.5", ("libamdhip64-5", "libamd-comgr2", "libhsakmt1", "libllvm17t64", "libxml2")),
    "sid": ("libamdhip64.so.6", ("libamdhip64-6", "libamd-comgr3", "libllvm21", "libxml2-16")),
}


@pytest.fixture(scope="module", params=LIBRARIES)
def real(request: pytest.FixtureRequest) -> Path:
    """The path of the library."""
    suite: str = request.param
    name, packages = LIBRARIES[suite]
    try:
        root = unpack(MACHINE, suite=suite, names=[*packages, *COMMON], cache=cache_directory())
    except CommandError as error:
        if suite == "sid":  # a release later its packages have other names
            pytest.skip(f"sid's packages are not these any more: {error.message.splitlines()[-1]}")
        raise
    except CannotLookError as error:
        pytest.skip(f"the real library cannot be had here: {error.message}")
    return root / f"usr/lib/{platform.machine()}-linux-gnu" / name


def ask(library: Path, **question: object) -> Answer:
    loader = library.parent / "ld-linux-x86-64.so.2"
    python = Path("/usr/bin/python3").resolve()
    words = {"library": str(library), "limit_seconds": 60, **question}
    argv = [str(loader), "--library-path", str(library.parent), str(python), "-I", "-", json.dumps(words)]
    done = MACHINE.run(argv, stdin=assemble(MODULES), timeout_seconds=90).check()
    return Answer.from_probe(json.loads(done.stdout))


@pytest.mark.skipif(Path("/dev/kfd").exists(), reason="this machine has a driver: its library would find devices")
def test_without_a_card_it_says_so(real: Path) -> None:
    answer = ask(real, job="devices")
    assert answer.last("library") == str(real)  # it has every call that the probe declares
    assert (answer.end, answer.error_name) == ("done", "hipErrorNoDevice")


@pytest.mark.skipif(Path("/dev/kfd").exists(), reason="this machine has a driver: its library would find devices")
def test_a_pair_on_it_is_an_error_and_no_crash(real: Path) -> None:
    question = {"job": "pair", "source": 0, "destination": 1, "sizes": [4096], "rows_bytes": 4096, "repeats": 1}
    answer = ask(real, **question)
    assert answer.end == "done"
    assert answer.error_name in {"hipErrorNoDevice", "hipErrorInvalidDevice"}
