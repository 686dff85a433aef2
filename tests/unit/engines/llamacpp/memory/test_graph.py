"""The allocator and the scheduler on graphs small enough to follow by hand."""

from hypothesis import given
from hypothesis import strategies as st

from rocmox.engines.llamacpp.memory.graph import operations as op
from rocmox.engines.llamacpp.memory.graph.allocator import Allocator, Arena
from rocmox.engines.llamacpp.memory.graph.graph import Graph
from rocmox.engines.llamacpp.memory.graph.scheduler import schedule
from rocmox.engines.llamacpp.memory.graph.tensor import Tensor
from rocmox.facts.ggml_types import F32

KIB = 1024


def weight(rows: int, columns: int, device: int) -> Tensor:
    return op.resident("w", F32, (columns, rows, 1, 1), device, is_weight=True)


def peaks(graph: Graph, *, devices: int, copies: int = 1) -> list[int]:
    plan = schedule(graph, backends=devices + 1, copies=copies, all_inputs=True)
    allocator = Allocator(backends=devices + 1, alignment=32, later_in_place=True)
    allocator.run(plan.nodes, plan.leafs)
    return [arena.peak_bytes for arena in allocator.arenas]


def test_best_fit_and_joining_of_neighbours() -> None:
    arena = Arena(32)
    first, second, third = (arena.allocate(size) for size in (100, 200, 300))
    assert (first, second, third) == (0, 128, 352)
    arena.free(first, 100)
    arena.free(second, 200)
    assert arena.allocate(300) == 0
    assert arena.peak_bytes == 672


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=40))
def test_what_is_freed_can_be_taken_again(sizes: list[int]) -> None:
    arena = Arena(128)
    placed = [(arena.allocate(size), size) for size in sizes]
    peak = arena.peak_bytes
    for offset, size in placed[::2] + placed[1::2]:
        arena.free(offset, size)
    assert arena.allocate(peak) == 0
    assert arena.peak_bytes == peak


def test_an_operation_in_place_takes_no_memory() -> None:
    graph = Graph()
    current = op.mul_mat(weight(256, 256, 0), op.new_input("x", 256, 1))
    graph.expand(op.like("add", op.like("unary", current), weight(1, 256, 0)))
    assert peaks(graph, devices=1)[0] == 2 * KIB  # the copy of the input, and one result for three operations


def test_a_result_with_two_readers_is_not_overwritten() -> None:
    graph = Graph()
    current = op.mul_mat(weight(256, 256, 0), op.new_input("x", 256, 1))
    graph.expand(op.like("add", op.like("unary", current), current))
    assert peaks(graph, devices=1)[0] == 3 * KIB - KIB


def test_pipelining_keeps_four_copies_of_what_crosses() -> None:
    def build() -> Graph:
        graph = Graph()
        current = op.mul_mat(weight(256, 256, 0), op.new_input("x", 256, 1))
        graph.expand(op.mul_mat(weight(256, 256, 1), current))
        return graph

    plain, pipelined = peaks(build(), devices=2), peaks(build(), devices=2, copies=4)
    assert plain[1] == 2 * KIB
    assert pipelined[1] == 5 * KIB
    assert pipelined[2] == 4 * KIB  # the input itself, on the CPU


def test_nodes_follow_their_weights() -> None:
    graph = Graph()
    current = op.mul_mat(weight(8, 8, 0), op.new_input("x", 8, 1))
    current = op.like("unary", current)
    current = op.mul_mat(weight(8, 8, 1), current)
    graph.expand(current)
    plan = schedule(graph, backends=3, copies=1, all_inputs=True)
    assert [backend for node, backend in plan.nodes if node.op != "none"] == [0, 0, 1]
    assert plan.splits == 2
