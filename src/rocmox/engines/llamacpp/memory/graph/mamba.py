"""State-space layers (`build_mamba_layer`, `build_mamba2_layer` of src/models/mamba-base.cpp, 2026-10)."""

from __future__ import annotations

from rocmox.engines.llamacpp.memory.graph import operations as op
from rocmox.engines.llamacpp.memory.graph.build import Build
from rocmox.engines.llamacpp.memory.graph.pieces import norm, project
from rocmox.engines.llamacpp.memory.graph.states import convolved, joined_window, read_states, store_states, weight_of
from rocmox.engines.llamacpp.memory.graph.style import Inputs
from rocmox.engines.llamacpp.memory.graph.tensor import Tensor
from rocmox.engines.llamacpp.memory.recurrent import scan_state_width
from rocmox.facts.ggml_types import F32


def build_mamba2(build: Build, inputs: Inputs, layer: int, current: Tensor) -> Tensor:
    """Heads that share B and C by groups, and steps per head."""
    rec, tokens, sequences = build.model.hyper.recurrent, build.tokens, build.sequences
    each, heads, inner = tokens // sequences, rec.step_rank, rec.inner
    channels, width = inner + 2 * rec.groups * rec.state, inner // heads
    kernel = weight_of(build, layer, "ssm_conv1d.weight")
    joined = _projected(build, layer, current, each, sequences)
    gate = _parts(joined, width, heads, each, sequences)
    steps = op.view(joined, op.four(heads, each, sequences), joined.nb)
    window = joined_window(
        build, inputs, layer, op.view(joined, op.four(channels, each, sequences), joined.nb), kernel.ne[0] - 1
    )
    mixed = op.like("unary", _biased(build, convolved(window, kernel, each), layer, "ssm_conv1d.bias"))
    x = _parts(mixed, width, heads, each, sequences)
    b, c = (_parts(mixed, rec.state, rec.groups, each, sequences) for _ in range(2))
    steps = _biased(build, op.cont(steps), layer, "ssm_dt.bias")
    scanned = _scan(build, inputs, layer, (x, steps, b, c), heads)
    result = op.view(scanned, (width, heads, each, sequences))
    result = op.like("add", result, op.like("mul", x, weight_of(build, layer, "ssm_d")))
    result = op.gated("swiglu", op.cont(gate), result)
    if build.has(layer, "ssm_norm.weight"):
        result = norm(build, op.reshape(result, inner // rec.groups, rec.groups, each, sequences), layer, "ssm_norm")
    return project(build, op.reshape(result, inner, tokens), layer, "ssm_out")


def _projected(build: Build, layer: int, current: Tensor, each: int, sequences: int) -> Tensor:
    joined = project(build, current, layer, "ssm_in")
    return op.reshape(joined, joined.ne[0], each, sequences)


def _parts(joined: Tensor, width: int, count: int, each: int, sequences: int) -> Tensor:
    """`count` heads of a row of all channels."""
    return op.view(joined, (width, count, each, sequences), (joined.nb[0], width * joined.nb[0], *joined.nb[1:3]))


def build_mamba(build: Build, inputs: Inputs, layer: int, current: Tensor) -> Tensor:
    """The first kind: every channel is a head, steps come from a small projection."""
    rec, tokens, sequences = build.model.hyper.recurrent, build.tokens, build.sequences
    each, inner = tokens // sequences, rec.inner
    kernel = weight_of(build, layer, "ssm_conv1d.weight")
    joined = project(build, op.reshape(current, current.ne[0], each, sequences), layer, "ssm_in")
    x, gate = (op.view(joined, op.four(inner, each, sequences), joined.nb) for _ in range(2))
    window = joined_window(build, inputs, layer, x, kernel.ne[0] - 1)
    x = op.like("unary", _biased(build, convolved(window, kernel, each), layer, "ssm_conv1d.bias"))
    small = project(build, x, layer, "ssm_x")
    steps = op.view(small, op.four(rec.step_rank, each, sequences), small.nb)
    b, c = (_parts(small, rec.state, 1, each, sequences) for _ in range(2))
    if build.has(layer, "ssm_dt_norm.weight"):
        names = ("ssm_dt_norm", "ssm_b_norm", "ssm_c_norm")
        steps, b, c = (norm(build, part, layer, name) for part, name in zip((steps, b, c), names, strict=True))
    else:
        steps = op.cont(steps)
    steps = project(build, steps, layer, "ssm_dt")
    heads = op.reshape(x, 1, inner, each, sequences)
    scanned = _scan(build, inputs, layer, (heads, steps, b, c), inner)
    result = op.view(scanned, op.four(inner, each, sequences))
    result = op.like("add", result, op.like("mul", x, weight_of(build, layer, "ssm_d")))
    result = project(build, op.gated("swiglu", op.cont(gate), result), layer, "ssm_out")
    return op.reshape(result, result.ne[0], tokens)


def _scan(build: Build, inputs: Inputs, layer: int, parts: tuple[Tensor, ...], heads: int) -> Tensor:
    """`ggml_ssm_scan`: results of all tokens and the new states in one tensor; the states are stored."""
    rec, sequences = build.model.hyper.recurrent, build.sequences
    width = scan_state_width(build.model.hyper)
    x, steps, b, c = parts
    decay = weight_of(build, layer, "ssm_a")

    def read(states: Tensor) -> Tensor:
        grid = op.reshape(states, rec.state, rec.inner // heads, heads, states.ne[1])
        rows = inputs.states
        assert rows is not None  # noqa: S101 - read_states has seen it
        size = rec.inner * build.tokens + width * sequences
        return Tensor("ssm_scan", F32, op.four(size), (grid, x, steps, decay, b, c, rows))

    scanned = read_states(build, inputs, layer, "s", read)
    store_states(build, layer, "s", op.view(scanned, op.four(width, sequences)))
    return scanned


def _biased(build: Build, current: Tensor, layer: int, name: str) -> Tensor:
    bias = build.of_layer(layer, name)
    return current if bias is None else op.like("add", current, bias)
