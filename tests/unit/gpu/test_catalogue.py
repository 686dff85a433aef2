"""The table of cards agrees with itself, and with the cards that the lab constructs."""

import tomllib
from pathlib import Path

import pytest

import rocmox.gpu
from rocmox.gpu.catalogue import integrated_architectures, load_peaks, model_of, named_cards, rocm_support, shapes_of
from rocmox_lab.gpus.models import MI50, W7900, Model

TABLE = tomllib.loads((Path(rocmox.gpu.__file__).parent / "data/catalogue.toml").read_text())
MIB = 1 << 20


def test_every_architecture_and_device_that_is_named_is_described() -> None:
    devices = [device["id"] for device in TABLE["device"]]
    architectures = [entry["name"] for entry in TABLE["architecture"]]
    assert len(devices) == len(set(devices))
    assert len(architectures) == len(set(architectures))
    assert {card["device"] for card in TABLE["card"] if "device" in card} <= set(devices)
    assert {device["architecture"] for device in TABLE["device"]} <= set(architectures)
    assert {card.architecture for card in named_cards().values()} <= set(architectures)


def test_no_name_stands_for_two_cards() -> None:
    names = [name for card in TABLE["card"] for name in card.get("names", ())]
    assert len(names) == len(set(names)) == len(named_cards())


def test_every_statement_has_a_source() -> None:
    assert all(entry["source"] for entry in (*TABLE["architecture"], *TABLE["card"]))
    assert all(peak.source for peak in load_peaks().values())


def test_a_processors_graphics_are_integrated_and_cards_are_not() -> None:
    assert {"gfx1103", "gfx1150", "gfx1151"} <= integrated_architectures()
    assert not {card.architecture for card in named_cards().values()} & integrated_architectures()
    assert {support.rocm_first for support in rocm_support().values()} >= {"6.4.1"}


@pytest.mark.parametrize(("model", "name"), [(MI50, "mi50-16g"), (W7900, "w7900")])
def test_the_cards_of_the_lab_are_those_of_the_table(model: Model, name: str) -> None:
    device, card = f"{model.device_id:04x}", named_cards()[name]
    known = model_of(device)
    assert known
    assert known.architecture == card.architecture
    assert model.vram_bytes == card.reported_mib * MIB
    assert any(
        shape.has_units(model.shape.compute_units) and shape.has_vram(model.vram_bytes) for shape in shapes_of(device)
    )
