"""One byte in any N, in any copy: the probe finds it. So it does a copy that stops, whatever the size."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rocmox.health.hip.answer import Answer
from rocmox.health.probes import hip
from tests.stand_in import TWO_CARDS, StandIn

SIZES = st.integers(12, 21).map(lambda exponent: 1 << exponent)
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def ask(size: int, **more: Any) -> Answer:
    question = {"job": "pair", "source": 0, "destination": 1, "sizes": [size], "rows_bytes": size, "repeats": 1}
    return Answer.from_probe(hip.main({**question, "limit_seconds": 30, **more}))


@QUICK
@given(size=SIZES, data=st.data())
def test_one_byte_in_any_n(size: int, data: st.DataObject, stand_in: StandIn) -> None:
    every = data.draw(st.integers(1, size))
    stand_in.be(f"mode=corrupt every={every} {TWO_CARDS}")
    difference = ask(size).all("copy")[0]["difference"]
    assert size // every <= difference["wrong"] <= -(-size // every)
    assert 0 <= difference["first"] < every


@QUICK
@given(size=SIZES, call=st.sampled_from(["hipMemcpyPeerAsync", "hipMemcpy2DAsync"]), data=st.data())
def test_one_byte_by_one_call_alone(size: int, call: str, data: st.DataObject, stand_in: StandIn) -> None:
    every = data.draw(st.integers(1, size))
    stand_in.be(f"mode=corrupt every={every} only={call} {TWO_CARDS}")
    *right, wrong = ask(size).all("copy")
    assert {copy["difference"]["wrong"] for copy in right} == {0}
    assert wrong["copy"] == ("rows" if call == "hipMemcpy2DAsync" else "peer_async")
    assert size // every <= wrong["difference"]["wrong"] <= -(-size // every)


@QUICK
@given(size=SIZES)
def test_half_a_copy(size: int, stand_in: StandIn) -> None:
    stand_in.be(f"mode=partial {TWO_CARDS}")
    difference = ask(size).all("copy")[0]["difference"]
    assert difference == {"kind": "partial", "wrong": size // 2, "first": size // 2, "payload": size}


@QUICK
@given(size=SIZES)
def test_what_is_right_is_right_and_the_control_speaks(size: int, stand_in: StandIn) -> None:
    stand_in.be(f"mode=healthy {TWO_CARDS}")
    answer = ask(size, repeats=2)
    assert (answer.end, answer.last("control")) == ("done", True)
    assert len(answer.all("copy")) == 10
    assert {copy["difference"]["wrong"] for copy in answer.all("copy")} == {0}
