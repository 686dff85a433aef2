"""What owners of such machines saw, against the plan: facts of published accounts, nothing fitted to a row."""

import pytest

from rocmox.engines.llamacpp.memory.builds import LATEST, LlamaBuild
from rocmox.engines.llamacpp.memory.cards import parse_cards
from rocmox.engines.llamacpp.memory.catalogue import find_model
from rocmox.engines.llamacpp.memory.overhead import REMAINDER_MIB
from rocmox.engines.llamacpp.memory.plan import MemoryPlan, ends_at, make_plan
from rocmox.engines.llamacpp.memory.request import Request, resolve
from rocmox.engines.llamacpp.memory.scratch import first_prompt, last_held_context
from rocmox.engines.llamacpp.memory.settings import Settings
from rocmox.facts.ggml_types import BY_NAME

MIB = 1 << 20
JANUARY_2025 = LlamaBuild(number=4447)

# Three MI50 of 16 GB, forced cuBLAS, January 2025: model, split, KV type, context, whether it ran.
THREE_MI50 = [
    ("llama-3.3-70b", "row", "f16", 2048, True),
    ("llama-3.3-70b", "row", "f16", 4096, False),
    ("llama-3.3-70b", "layer", "f16", 8192, True),
    ("llama-3.3-70b", "layer", "f16", 16384, False),
    ("llama-3.3-70b", "layer", "q8_0", 32768, True),
    ("llama-3.3-70b", "layer", "q8_0", 65536, False),
    ("qwen2.5-72b", "row", "f16", 1024, False),
    ("qwen2.5-72b", "layer", "f16", 4096, True),
    ("qwen2.5-72b", "layer", "f16", 8192, False),
    ("qwen1.5-72b", "row", "f16", 1024, False),
    ("qwen1.5-72b", "layer", "f16", 2048, True),
    ("qwen1.5-72b", "layer", "f16", 4096, False),
]


def plan(model: str, cards: str, **request: object) -> MemoryPlan:
    found, group = find_model(model), parse_cards(cards)
    resolved = resolve(Request(**request), found, group)  # type: ignore[arg-type]
    return make_plan(found, resolved.settings, group, uses_cublas=resolved.uses_cublas)


def test_the_table_of_three_mi50(capsys: pytest.CaptureFixture[str]) -> None:
    lines, wrong = [], 0
    for model, split, kv, context, ran in THREE_MI50:
        made = plan(f"{model}:q4_K_S", "3xmi50-16g", split=split, kv=kv, context_tokens=context, build="b4447")
        free = min(device.free_bytes for device in made.devices) // MIB
        said, saw = "fits" if made.fits else "does not", "ran" if ran else "out of memory"
        lines.append(f"{model:<14} {split:<6} {kv:<5} {context:>6}  {said:<9} ({free:>6} MiB free)  owner: {saw}")
        wrong += made.fits is not ran
    with capsys.disabled():
        print("\n" + "\n".join(lines))
    assert not wrong


def test_each_row_follows_from_the_other_eleven() -> None:
    """The remainder calibrated without a row still says that row right.

    Rows that ran bound it from above, rows out of memory from below. Taken is what stays farthest from both bounds and
    is not negative, or the only bound there is. With all rows that is 548 MiB for row split and 0 for layer split.
    """
    kinds: dict[str, list[tuple[int, bool]]] = {"row": [], "layer": []}
    for model, split, kv, context, ran in THREE_MI50:
        made = plan(f"{model}:q4_K_S", "3xmi50-16g", split=split, kv=kv, context_tokens=context, build="b4447")
        bound = min(device.free_bytes + device.overhead.remainder_bytes for device in made.devices) // MIB
        kinds[split].append((bound, ran))
    for rows in kinds.values():
        for index, (bound, ran) in enumerate(rows):
            others = rows[:index] + rows[index + 1 :]
            least = max(other for other, held in others if not held)
            most = min((other for other, held in others if held), default=least)
            calibrated = max(0, (least + most) // 2)
            assert (calibrated <= bound) is ran, (rows, index, calibrated)


@pytest.mark.parametrize("split", ["layer", "row"])
@pytest.mark.parametrize(("cards", "holds"), [("3x24576MiB", False), ("4x24576MiB", True), ("2xw7900", True)])
@pytest.mark.parametrize("context", [512, 1536])
def test_llama_3_70b_q8_0_on_24_and_48_gb(cards: str, split: str, context: int, holds: bool) -> None:  # noqa: FBT001 - parametrised
    made = plan("llama-3-70b:q8_0", cards, split=split, context_tokens=context, flash_attention="on", build="b4447")
    assert made.fits is holds


def test_the_remainder_of_row_split_lies_where_four_cases_bound_it() -> None:
    """Between what 4096 tokens need (out of memory) and what 2048 tokens leave (ran)."""
    runs, dies = (
        plan("llama-3.3-70b:q4_K_S", "3xmi50-16g", split="row", context_tokens=context, build="b4447")
        for context in (2048, 4096)
    )
    calibrated = REMAINDER_MIB["row+cublas"]
    most = calibrated + min(device.free_bytes for device in runs.devices) // MIB
    least = calibrated + min(device.free_bytes for device in dies.devices) // MIB
    assert least < calibrated < most
    assert [least, most] == pytest.approx([314, 782], abs=5)


def settings(**values: object) -> Settings:
    return Settings(**{"context_tokens": 32768, "build": JANUARY_2025, "kv_unified": True, **values})  # type: ignore[arg-type]


def buffers(model: str, cards: str, chosen: Settings) -> list[tuple[float, float]]:
    made = make_plan(find_model(model), chosen, parse_cards(cards), uses_cublas=False)
    return [(round(device.context_bytes / MIB, 2), round(device.compute_bytes / MIB, 2)) for device in made.devices]


def test_owners_logs_of_compute_buffers_and_caches() -> None:
    """Buffers that llama.cpp printed for owners: #12369 (5x MI50), #11337 (RX 7900 XTX), #13545 (two gfx906)."""
    five = buffers("qwen2.5-32b:q4_K_M", "5xmi50", settings(flash_attention=False, peer_copy=False))
    assert [compute for _, compute in five] == [pytest.approx(2664.0, abs=1)] * 5
    q8 = BY_NAME["q8_0"]
    one = buffers("qwen2.5-32b:q4_K_M", "1xrx7900xtx", settings(kv_k=q8, kv_v=q8, split="none"))
    assert one == [pytest.approx((4352.0, 307.0), abs=1)]
    two = buffers("qwen3-30b-a3b:q4_K_M", "2xmi50", settings(split="row", build=LlamaBuild(number=5308)))
    assert [context for context, _ in two] == [1600.0, 1472.0]


def test_an_owners_log_of_mixed_windows() -> None:
    """#16424: three MI50, gpt-oss-120b, 131072 tokens, b6688: compute 1276/647/958 MiB, host 1036."""
    chosen = settings(context_tokens=131072, build=LlamaBuild(number=6688))
    made = make_plan(find_model("gpt-oss-120b"), chosen, parse_cards("3xmi50-32g"), uses_cublas=False)
    computed = [device.compute_bytes / MIB for device in made.devices]
    assert computed == [pytest.approx(1276, abs=30), pytest.approx(647, abs=30), pytest.approx(958, abs=30)]
    assert made.host_compute_bytes / MIB == pytest.approx(1036, abs=30)


def test_pools_of_row_split() -> None:
    """vram: 1251 to 1302 MiB per GPU with forced cuBLAS, 554 to 636 in layer mode."""
    model = find_model("qwen2.5-72b:q4_K_S")
    for split, low, high in (("row", 1251, 1302), ("layer", 554, 640)):
        chosen = settings(split=split, flash_attention=False)
        made = make_plan(model, chosen, parse_cards("3xmi50-16g"), uses_cublas=True)
        assert all(low <= device.overhead.pool_bytes / MIB <= high for device in made.devices)


@pytest.mark.parametrize(("used", "grown_mib"), [(2048, 344), (4096, 1218), (8192, 4578), (16384, 12508)])
def test_memory_grows_with_the_used_context_without_flash_attention(used: int, grown_mib: int) -> None:
    """70B, micro batch 512, no forced cuBLAS: what the pool holds once so many tokens are in the context."""
    model, chosen = find_model("llama-3.3-70b:q4_K_S"), settings(flash_attention=False)
    places, shares = (0,) * 27 + (1,) * 27 + (2,) * 27, (1.0, 1.0, 1.0)
    scratch = first_prompt(model, chosen, places=places, shares=shares, uses_cublas=False)
    start = scratch.total_bytes(0)

    def dies_with(room_mib: float) -> int | None:
        room = [int(room_mib * MIB) - start] * 3
        return last_held_context(scratch, chosen, room_bytes=room, up_to_tokens=used)

    assert dies_with(grown_mib * 1.03) is None
    assert dies_with(grown_mib * 0.90) is not None


def test_a_72b_on_three_24_gb_cards_dies_in_use() -> None:
    """#8766: loads at -c 32000 and dies in use; the log names no quantisation, the smallest 4-bit one is taken."""
    model, cards = find_model("qwen2-72b:q4_0"), parse_cards("3xrx7900xtx")
    made = make_plan(model, settings(flash_attention=False, context_tokens=32000), cards, uses_cublas=False)
    assert made.fits
    found = ends_at(model, made)
    assert found is not None
    assert 5000 <= found <= 12000


def test_with_flash_attention_nothing_grows() -> None:
    model, cards = find_model("llama-3.3-70b:q4_K_S"), parse_cards("3xmi50-16g")
    chosen = settings(build=LlamaBuild(number=LATEST), context_tokens=16384)
    assert ends_at(model, make_plan(model, chosen, cards, uses_cublas=False)) is None
