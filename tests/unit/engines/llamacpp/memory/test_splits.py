import itertools

from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from rocmox.engines.llamacpp.memory.catalogue import find_model
from rocmox.engines.llamacpp.memory.kv_cache import cache_bytes, count_cells
from rocmox.engines.llamacpp.memory.placement import place_layers
from rocmox.engines.llamacpp.memory.pools import Pool
from rocmox.engines.llamacpp.memory.row_split import row_bounds, row_weights
from rocmox.engines.llamacpp.memory.settings import Settings
from rocmox.engines.llamacpp.memory.tensor_split import tensor_cache_bytes, tensor_weights
from rocmox.engines.llamacpp.memory.weights import weight_bytes
from rocmox.facts.ggml_types import BY_NAME

MIB = 1 << 20


@given(st.integers(1, 200_000), st.lists(st.floats(0.1, 10), min_size=1, max_size=6))
def test_rows_are_cut_without_gap_or_overlap(rows: int, shares: list[float]) -> None:
    bounds = row_bounds(rows, shares)
    assert bounds[0][0] == 0
    assert bounds[-1][1] == rows
    assert all(before[1] == after[0] and before[0] <= before[1] for before, after in itertools.pairwise(bounds))
    assert all(low % 128 == 0 for low, _ in bounds)


def test_row_split_of_a_70b_as_measured_on_paper() -> None:
    model = find_model("llama-3.3-70b:q4_K_S")
    shares = (1.0, 1.0, 1.0)
    found = row_weights(model, places=place_layers(layers=80, shares=shares), shares=shares)
    assert [size // MIB for size in found.device_bytes] == [12425, 12615, 12866]
    assert found.rounding_bytes[2] // MIB == 630


def test_whole_layers_add_up_to_the_file() -> None:
    model = find_model("qwen2.5-7b:q4_K_M")
    places = place_layers(layers=28, shares=[2, 1])
    found = weight_bytes(model, places=places, devices=2, alignment=1, pads_rows=False)
    assert sum(found.device_bytes) + found.host_bytes == model.file_bytes


def test_a_tied_output_is_held_twice() -> None:
    model = find_model("qwen2.5-3b:q4_K_M")
    found = weight_bytes(model, places=(0,) * 37, devices=1, alignment=1, pads_rows=False)
    assert found.device_bytes[0] == model.file_bytes
    assert found.host_bytes == model.tensors["token_embd.weight"].data_bytes


@examples(max_examples=30, deadline=None)
@given(
    st.sampled_from(["llama-3.1-8b", "qwen3-30b-a3b", "gemma-3-27b", "phi-4"]),
    st.lists(st.integers(1, 9), min_size=1, max_size=4),
)
def test_tensor_split_keeps_every_byte(name: str, shares: list[int]) -> None:
    model = find_model(f"{name}:q8_0")
    one = tensor_weights(model, [1], alignment=1).device_bytes[0]
    many = tensor_weights(model, [float(share) for share in shares], alignment=1).device_bytes
    assert one <= sum(many) <= one * len(shares)
    settings = Settings(context_tokens=8192, split="tensor")
    cells = count_cells(model, settings)
    whole = cache_bytes(model, settings, cells, places=(0,) * (model.hyper.layers + 1), devices=1)
    assert sum(tensor_cache_bytes(model, settings, cells, [float(share) for share in shares])) == whole[0]


def test_a_cache_by_hand() -> None:
    model = find_model("llama-3.3-70b:q4_K_S")
    settings = Settings(context_tokens=8192, kv_k=BY_NAME["q8_0"])
    found = cache_bytes(model, settings, count_cells(model, settings), places=(0,) * 81, devices=1)
    assert found == [80 * 8192 * (1024 * 34 // 32 + 1024 * 2), 0]


def test_a_window_is_as_long_as_it_needs_to_be() -> None:
    model = find_model("gemma-3-27b:q4_0")
    cells = count_cells(model, Settings(context_tokens=131072, parallel=4, kv_unified=True))
    assert (cells.full, cells.sliding, cells.streams) == (131072, 4 * 1024 + 512, 1)
    split = count_cells(model, Settings(context_tokens=131072, parallel=4, kv_unified=False))
    assert (split.full, split.sliding, split.streams) == (32768, 1024 + 512, 4)


def test_a_pool_never_gives_back() -> None:
    pool = Pool()
    pool.hold([1000])
    assert pool.total_bytes == 1280
    pool.hold([1200])
    assert pool.total_bytes == 1280
    pool.hold([1281])
    assert pool.total_bytes == 1280 + 1536
