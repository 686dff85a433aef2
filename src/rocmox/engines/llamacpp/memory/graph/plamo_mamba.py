"""State-space layers of PLaMo 2 (`build_plamo2_mamba_layer` of src/models/plamo2.cpp, 2026-10)."""

from __future__ import annotations

from rocmox.engines.llamacpp.memory.graph import operations as op
from rocmox.engines.llamacpp.memory.graph.build import Build
from rocmox.engines.llamacpp.memory.graph.pieces import norm, project
from rocmox.engines.llamacpp.memory.graph.states import convolved, joined_window, read_states, store_states, weight_of
from rocmox.engines.llamacpp.memory.graph.style import Inputs
from rocmox.engines.llamacpp.memory.graph.tensor import Tensor
from rocmox.engines.llamacpp.memory.recurrent import scan_state_width
from rocmox.facts.ggml_types import F32


def build_plamo_mamba(build: Build, inputs: Inputs, layer: int, current: Tensor) -> Tensor:
    """Gate and input alternate by heads; B, C and the steps come from one small projection."""
    rec, tokens, sequences = build.model.hyper.recurrent, build.tokens, build.sequences
    each, heads, inner = tokens // sequences, rec.step_rank, rec.inner
    width = inner // heads
    kernel = weight_of(build, layer, "ssm_conv1d.weight")
    joined = project(build, op.reshape(current, current.ne[0], each, sequences), layer, "ssm_in")
    joined = op.cont(op.permute(joined, 0, 2, 1, 3), 2 * width, heads, each, sequences)
    half = (width, heads, each, sequences)
    x = op.cont(op.view(joined, half, joined.nb), inner, each, sequences)
    gate = op.view(joined, half, joined.nb)
    window = joined_window(build, inputs, layer, x, kernel.ne[0] - 1)
    x = op.like("unary", convolved(window, kernel, each))
    small = project(build, x, layer, "ssm_x")
    steps_width = small.ne[0] - 2 * rec.state
    sizes = {"ssm_b_norm": rec.state, "ssm_c_norm": rec.state, "ssm_dt_norm": steps_width}
    b, c, steps = (
        norm(build, op.view(small, op.four(size, each, sequences), small.nb), layer, name)
        for name, size in sizes.items()
    )
    steps = project(build, steps, layer, "ssm_dt")
    decay = op.reshape(weight_of(build, layer, "ssm_a"), 1, heads)
    x = op.view(x, half)
    b, c = (op.view(part, (rec.state, 1, each, sequences)) for part in (b, c))

    def read(states: Tensor) -> Tensor:
        grid = op.reshape(states, rec.state, width, heads, states.ne[1])
        size = inner * tokens + scan_state_width(build.model.hyper) * sequences
        assert inputs.states is not None  # noqa: S101 - read_states has seen it
        return Tensor("ssm_scan", F32, op.four(size), (grid, x, steps, decay, b, c, inputs.states))

    scanned = read_states(build, inputs, layer, "s", read)
    state_width = scan_state_width(build.model.hyper)
    store_states(build, layer, "s", op.view(scanned, op.four(state_width, sequences)))
    skip = op.like("mul", x, op.reshape(weight_of(build, layer, "ssm_d"), 1, heads))
    result = op.gated("swiglu", op.cont(gate), op.like("add", op.view(scanned, half), skip))
    result = project(build, op.view(result, op.four(inner, each, sequences)), layer, "ssm_out")
    return op.reshape(result, result.ne[0], tokens)
