"""Comparing runs, the hardware's limits, published speeds."""

import dataclasses
import random

import pytest

from rocmox.bench.compare import compare, compare_one
from rocmox.bench.measurement import Measurement, Phase
from rocmox.bench.references import find_reference, load_references
from rocmox.bench.roofline import share
from rocmox.bench.store import Run
from rocmox.bench.surroundings import EngineBuild, MeasuredCard, Surroundings
from rocmox.bench.weights import Weights

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
MI50 = MeasuredCard(
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
    engine=EngineBuild(name="llama.cpp", version="b6170", commit="4227c9be", programs="/opt/llama.cpp/current/bin"),
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


def test_a_tenth_of_the_speed_is_slower_whatever_the_noise() -> None:
    """Runs that differ by a third from hour to hour hide a loss of a half, not of nine tenths."""
    generator = random.Random(11)  # noqa: S311 - noise
    settings = {"noise": 0.1, "between": 0.15, "repetitions": 3}
    found = 0
    for _ in range(50):
        earlier = [whole_run(generator, speed=10, **settings) for _ in range(2)]
        after = whole_run(generator, speed=1, **settings)
        found += all(pair.change == "slower" for pair in compare(earlier[-1], after, earlier=earlier))
    assert found >= 45


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


W7900 = dataclasses.replace(MI50, device_id="7448", name="Radeon PRO W7900", architecture="gfx1100")
QWEN3_A3B = Weights(  # Qwen3-30B-A3B in Q4_0 (4.5 bits): 128 experts, of which a token meets 8
    dense_bytes=697_344_000,
    dense_parameters=1_239_722_000,
    expert_bytes=16_307_453_952,
    expert_parameters=28_991_029_248,
    experts=128,
    experts_used=8,
)


def at(card: MeasuredCard, cards: int, weights: Weights | None = None) -> Run:
    return dataclasses.replace(RUN, surroundings=dataclasses.replace(AROUND, cards=(card,) * cards), weights=weights)


@pytest.mark.parametrize(
    ("phase", "speed", "split_mode", "run", "by_hand"),
    [
        # published: Llama 3.3 70B q4_K_S, 37.57 GiB, on three MI50 of 1024 GB/s and 26.5 T: 12.58 x 40.34 / 3072
        ("decode", 12.58, "row", at(MI50, 3), 0.1652),
        # the same split by layers: one card's memory at a time, 10.26 x 40.34 / 1024
        ("decode", 10.26, "layer", at(MI50, 3), 0.4042),
        # 74.46 tokens x 2 x 70.55e9 / 26.5e12
        ("prefill", 74.46, "layer", at(MI50, 3), 0.3965),
        # 58.80 x 2 x 70.55e9 / (3 x 26.5e12)
        ("prefill", 58.80, "row", at(MI50, 3), 0.1044),
        # two W7900 of 864 GB/s and 122.6 T: 15 x 40.34 / 1728, and 400 x 2 x 70.55e9 / 245.2e12
        ("decode", 15.0, "row", at(W7900, 2), 0.3502),
        ("prefill", 400.0, "row", at(W7900, 2), 0.2302),
        # a mixture: 0.697 + 16.307 x 8/128 = 1.717 GB a token; 100 x 1.717 / 1024 and 100 x 1.717 / 864
        ("decode", 100.0, "none", at(MI50, 1, QWEN3_A3B), 0.1676),
        ("decode", 100.0, "none", at(W7900, 1, QWEN3_A3B), 0.1987),
        # 1.240e9 + 28.99e9 x 8/128 = 3.052e9 weights: 1000 x 2 x 3.052e9 / 26.5e12
        ("prefill", 1000.0, "none", at(MI50, 1, QWEN3_A3B), 0.2303),
    ],
)
def test_shares_as_computed_by_hand(phase: Phase, speed: float, split_mode: str, run: Run, by_hand: float) -> None:
    measured = dataclasses.replace(
        DECODE,
        phase=phase,
        samples=(speed,),
        split_mode=split_mode,
        model="qwen3moe 30B.A3B Q4_0" if run.weights else DECODE.model,
        model_bytes=40_342_724_608,
        parameters=70_553_706_496,
    )
    assert share(measured, run).share == pytest.approx(by_hand, rel=0.001)


def test_four_requests_to_a_mixture_read_more_of_it() -> None:
    """128 x (1 - (120/128)^4) = 29.1 experts a layer: 0.697 + 16.307 x 0.2275 = 4.407 GB a step for four tokens."""
    four = dataclasses.replace(DECODE, samples=(200.0,), split_mode="none", parallel=4)
    assert share(four, at(MI50, 1, QWEN3_A3B)).share == pytest.approx(200 * 4.407e9 / 4 / 1024e9, rel=0.001)


def test_devices_behind_rpc_have_no_limit() -> None:
    around = dataclasses.replace(AROUND, rpc=("10.0.0.2:50052",))
    found = share(DECODE, dataclasses.replace(RUN, surroundings=around))
    assert (found.share, "RPC" in found.reason) == (None, True)


@pytest.mark.parametrize("name", ["qwen3moe 30B.A3B Q4_K", "llama 8x7B Q4_K", "deepseek2 671B Q4_K", "gpt-oss 20B"])
def test_experts_of_an_unread_model_are_unknown(name: str) -> None:
    assert "experts" in share(dataclasses.replace(DECODE, model=name), RUN).reason


@pytest.mark.parametrize("name", ["llama 70B Q4_K - Small", "gemma3 27B Q4_0", "phi3 14B Q8_0", "qwen2 32B Q4_K"])
def test_dense_names_are_no_experts(name: str) -> None:
    assert share(dataclasses.replace(DECODE, model=name), RUN).share


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
