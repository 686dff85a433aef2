"""A/B/A: a real gain is found, noise is not taken for one."""

import random
from collections.abc import Callable

import pytest

from rocmox.bench.chance import probability_beyond, reach
from rocmox.engines.llamacpp.tune.contest import Verdict, judge


def hold(time_of: Callable[[str, int], float], rounds: int = 4) -> tuple[Verdict, int]:
    """A whole contest; the verdict and the number of visits it took."""
    seconds: list[float] = []
    while (verdict := judge(seconds, rounds=rounds)) is None:
        seconds.append(time_of("AB"[len(seconds) % 2], len(seconds)))
    return verdict, len(seconds)


def steady(gain: float, noise: float, generator: random.Random) -> Callable[[str, int], float]:
    return lambda side, _: (10 / (1 + gain) if side == "B" else 10) * generator.gauss(1, noise)


@pytest.mark.parametrize("noise", [0.002, 0.01, 0.03, 0.08])
def test_noise_is_no_gain(noise: float) -> None:
    generator = random.Random(11)  # noqa: S311 - noise
    words = [hold(steady(0, noise, generator))[0].word for _ in range(1000)]
    assert words.count("faster") <= 20


@pytest.mark.parametrize(("noise", "least"), [(0.002, 995), (0.01, 990), (0.02, 950)])
def test_a_tenth_is_found(noise: float, least: int) -> None:
    generator = random.Random(12)  # noqa: S311 - noise
    words = [hold(steady(0.10, noise, generator))[0].word for _ in range(1000)]
    assert words.count("faster") >= least


def test_a_machine_that_grows_slower_is_no_gain_for_either() -> None:
    generator = random.Random(13)  # noqa: S311 - noise
    for drift in (0.01, -0.01):
        times = [
            hold(lambda _, number, drift=drift: 10 * (1 + drift * number) * generator.gauss(1, 0.002))[0].word  # type: ignore[misc]
            for _ in range(300)
        ]
        assert times.count("faster") == 0


def test_what_is_no_faster_costs_three_visits() -> None:
    generator = random.Random(14)  # noqa: S311 - noise
    verdict, visits = hold(steady(-0.10, 0.01, generator))
    assert (verdict.word, visits, verdict.noise) == ("not faster", 3, None)
    assert hold(steady(0.10, 0.005, generator))[1] == 5


def test_a_gain_that_is_too_small_to_matter_is_none() -> None:
    later = iter((10.0, 9.7, 10.0, 12.0, 10.0, 12.0, 10.0))
    assert hold(lambda *_: next(later))[0].word == "not faster"
    assert judge([10, 9.7, 10, 12, 10], rounds=4) == judge([10, 9.7, 10, 12, 10], rounds=2)
    assert judge([10, 12, 10, 12.01, 10.01], rounds=4).word == "slower"  # type: ignore[union-attr]
    assert hold(steady(0.02, 0, random.Random(1)))[0].word == "no difference"  # noqa: S311 - no noise at all


@pytest.mark.parametrize(
    ("chance", "degrees", "expected"),
    [(0.01, 1, 63.657), (0.01, 2, 9.925), (0.01, 5, 4.032), (0.01, 8, 3.355), (0.05, 7, 2.365), (0.05, 30, 2.042)],
)
def test_quantiles_are_those_of_the_tables(chance: float, degrees: int, expected: float) -> None:
    assert reach(chance, degrees) == pytest.approx(expected, abs=5e-4)
    assert probability_beyond(-expected, degrees) == pytest.approx(chance, rel=1e-3)


def test_noise_that_hides_everything_is_said() -> None:
    generator = random.Random(15)  # noqa: S311 - noise
    words = [hold(steady(0.05, 0.25, generator))[0].word for _ in range(300)]
    assert words.count("too noisy") > 60
    assert words.count("faster") <= 8
