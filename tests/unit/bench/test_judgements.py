"""Comparing runs, the hardware's limits, published speeds."""

import dataclasses
import random

import pytest

from rocmox.bench.compare import compare, compare_one
from rocmox.bench.measurement import Measurement
from rocmox.bench.references import find_reference, load_references
from rocmox.bench.roofline import share
from rocmox.bench.store import Run
from rocmox.bench.surroundings import Card, Surroundings

GIB = 1024**3
DECODE = Measurement(
    tool="llama-bench",
    model="llama 70B Q4_K - Small",
    model_bytes=40 * GIB,
    parameters=70_000_000_000,
    phase="decode",
    tokens=128,
    samples=(10.0, 10.0, 10.0),
    split_mode="layer",
)
MI50 = Card(
    pci_address="0000:03:00.0",
    device_id="66a1",
    name="Instinct MI50",
    architecture="gfx906",
    vram_bytes=16 * GIB,
    vbios=None,
)
AROUND = Surroundings(
    machine="local",
    cards=(MI50,) * 3,
    kernel="6.8.12-1-pve",
    driver="6.8.5",
    rocm="6.2.4",
    processor="CPU",
    processor_threads=2,
    llama_build=6170,
    llama_commit="4227c9be",
    llama_path="/opt/llama.cpp/current/bin",
)
RUN = Run(started="2026-01-01T00:00:00+00:00", surroundings=AROUND, measurements=(DECODE,))


def noisy(generator: random.Random, mean: float, noise: float) -> Measurement:
    return dataclasses.replace(DECODE, samples=tuple(generator.gauss(mean, noise * mean) for _ in range(5)))


def test_a_tenth_less_is_slower_and_noise_is_not() -> None:
    generator = random.Random(7)  # noqa: S311 - noise
    slower = [compare_one(noisy(generator, 10, 0.01), noisy(generator, 9, 0.01)).change for _ in range(300)]
    assert slower.count("slower") >= 299
    same = [compare_one(noisy(generator, 10, 0.01), noisy(generator, 10, 0.01)).change for _ in range(300)]
    assert same.count("same") >= 297


def test_noise_that_hides_a_tenth_is_said() -> None:
    generator = random.Random(7)  # noqa: S311 - noise
    changes = [compare_one(noisy(generator, 10, 0.15), noisy(generator, 10, 0.15)).change for _ in range(300)]
    assert changes.count("too noisy") > 250
    assert changes.count("slower") <= 3


@pytest.mark.parametrize(("after", "change"), [(9.0, "slower"), (11.0, "faster"), (9.8, "same")])
def test_changes_without_noise(after: float, change: str) -> None:
    assert compare_one(DECODE, dataclasses.replace(DECODE, samples=(after,) * 3)).change == change


def test_only_the_same_settings_are_compared() -> None:
    others = [
        dataclasses.replace(DECODE, parallel=2),
        dataclasses.replace(DECODE, depth_tokens=4096),
        dataclasses.replace(DECODE, type_k="q8_0"),
    ]
    assert compare([DECODE], others) == []
    assert len(compare([DECODE, *others], [*others, DECODE])) == 4


@pytest.mark.parametrize(
    ("split_mode", "parallel", "limit"),
    [("layer", 1, 1024e9 / (40 * GIB)), ("row", 1, 3 * 1024e9 / (40 * GIB)), ("layer", 4, 4 * 1024e9 / (40 * GIB))],
)
def test_decoding_is_bound_by_memory(split_mode: str, parallel: int, limit: float) -> None:
    found = share(dataclasses.replace(DECODE, split_mode=split_mode, parallel=parallel), RUN)
    assert found.limit_tokens_per_second == pytest.approx(limit)
    assert found.share == pytest.approx(10 / limit)


def test_a_prompt_is_bound_by_operations() -> None:
    prefill = dataclasses.replace(DECODE, phase="prefill", tokens=512, samples=(75.0,))
    assert share(prefill, RUN).share == pytest.approx(75 * 2 * 70e9 / 26.5e12)


def test_what_has_no_limit_says_why() -> None:
    unknown = dataclasses.replace(MI50, device_id="ffff")
    mixed = dataclasses.replace(RUN, surroundings=dataclasses.replace(AROUND, cards=(MI50, unknown)))
    assert "data sheet" in share(DECODE, mixed).reason
    assert "experts" in share(dataclasses.replace(DECODE, model="qwen3moe 30B.A3B Q4_K"), RUN).reason
    none = dataclasses.replace(RUN, surroundings=dataclasses.replace(AROUND, cards=()))
    assert share(DECODE, none).share is None


def test_published_speeds_are_found_for_the_same_work() -> None:
    found = find_reference(dataclasses.replace(DECODE, split_mode="row"), RUN)
    assert found
    assert found.tokens_per_second == 12.58
    batched = find_reference(dataclasses.replace(DECODE, parallel=2), RUN)
    assert batched
    assert (batched.tokens, batched.tokens_per_second) == (128, 13.07)
    assert find_reference(dataclasses.replace(DECODE, split_mode="tensor"), RUN) is None
    assert find_reference(dataclasses.replace(DECODE, split_mode="row", depth_tokens=4096), RUN) is None
    one_card = dataclasses.replace(RUN, surroundings=dataclasses.replace(AROUND, cards=(MI50,)))
    assert find_reference(DECODE, one_card) is None
    assert len(load_references()) > 20


def whole_run(
    generator: random.Random, *, speed: float, noise: float, between: float, repetitions: int
) -> list[Measurement]:
    """Ten figures of a machine that is some share faster or slower today."""
    today = speed * generator.gauss(1, between)
    return [
        dataclasses.replace(
            DECODE,
            parallel=figure,
            samples=tuple(figure * today * generator.gauss(1, noise) for _ in range(repetitions)),
        )
        for figure in range(1, 11)
    ]


@pytest.mark.parametrize("repetitions", [2, 3, 5])
@pytest.mark.parametrize("noise", [0.005, 0.01, 0.03, 0.06])
def test_a_whole_comparison_seldom_cries_at_noise(noise: float, repetitions: int) -> None:
    generator = random.Random(8)  # noqa: S311 - noise
    settings = {"speed": 10.0, "noise": noise, "between": 0.0, "repetitions": repetitions}
    cries = 0
    for _ in range(100):
        pairs = compare(whole_run(generator, **settings), whole_run(generator, **settings))
        cries += any(pair.change in {"slower", "faster"} for pair in pairs)
    assert cries <= 4


@pytest.mark.parametrize(("noise", "repetitions"), [(0.005, 3), (0.01, 3), (0.015, 3), (0.01, 5), (0.02, 5)])
def test_a_whole_comparison_recognises_a_tenth(noise: float, repetitions: int) -> None:
    generator = random.Random(9)  # noqa: S311 - noise
    settings = {"noise": noise, "between": 0.0, "repetitions": repetitions}
    for _ in range(50):
        pairs = compare(whole_run(generator, speed=10, **settings), whole_run(generator, speed=9, **settings))
        assert [pair.change for pair in pairs].count("slower") >= 5


def test_the_runs_before_say_how_much_runs_differ() -> None:
    generator = random.Random(10)  # noqa: S311 - noise
    settings = {"noise": 0.003, "between": 0.03, "repetitions": 5}
    alone = informed = found = 0
    for _ in range(60):
        earlier = [whole_run(generator, speed=10, **settings) for _ in range(6)]
        after = whole_run(generator, speed=10, **settings)
        alone += any(pair.change == "slower" for pair in compare(earlier[-1], after))
        informed += any(pair.change == "slower" for pair in compare(earlier[-1], after, earlier=earlier))
        worse = whole_run(generator, speed=7.5, **settings)
        found += any(pair.change == "slower" for pair in compare(earlier[-1], worse, earlier=earlier))
    assert alone > 15
    assert informed <= 3
    assert found > 50
