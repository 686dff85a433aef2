"""Fingerprints as `gpg --show-keys --with-colons` gives them; the keys in tests/cases/openpgp are made for it."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[4]
CASES = ROOT / "tests" / "cases" / "openpgp"
RSA = "6C40FE3FA99F0880456014A8B0F7EFD9F5E84FAA"


def load() -> ModuleType:
    path = ROOT / "roles" / "rocm" / "module_utils" / "rocm_openpgp.py"
    spec = importlib.util.spec_from_file_location("rocm_openpgp", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


openpgp = load()


def test_the_fingerprint_is_gpgs() -> None:
    assert list(openpgp.keys((CASES / "one.asc").read_bytes())) == [RSA]


def test_one_key_is_taken_out_of_several_with_its_subkeys() -> None:
    found = openpgp.keys((CASES / "two.asc").read_bytes())
    assert list(found) == ["F88DA2FCCBAB1F69C01CDFCC17E6644E8ED1B6BF", RSA]
    assert [list(openpgp.keys(key)) for key in found.values()] == [[fingerprint] for fingerprint in found]
    assert [tag for tag, _, _ in openpgp.packets(found["F88DA2FCCBAB1F69C01CDFCC17E6644E8ED1B6BF"])] == [
        6,
        13,
        2,
        14,
        2,
    ]


def test_armored_or_binary_is_the_same() -> None:
    text = (CASES / "one.asc").read_bytes()
    binary = openpgp.dearmor(text)
    assert openpgp.keys(binary) == openpgp.keys(text)
    assert openpgp.dearmor(text.replace(b"\n", b"\r\n")) == binary


@pytest.mark.parametrize("blob", [b"<html>log in</html>", b"\x99\x01", b"\xc6\xff\x00\x00", b"no key"])
def test_what_is_no_key_is_refused(blob: bytes) -> None:
    with pytest.raises((ValueError, IndexError)):
        openpgp.keys(blob)


def test_a_key_that_was_cut_off_is_refused() -> None:
    with pytest.raises(ValueError, match="not an OpenPGP"):
        openpgp.keys(openpgp.dearmor((CASES / "one.asc").read_bytes())[:-20])
