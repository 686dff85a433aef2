"""Mamba layers as llama.cpp built them in January 2025 (`llm_build_mamba` of src/llama.cpp at b4447)."""

from __future__ import annotations

from rocmox.engines.llamacpp.memory.graph import operations as op
from rocmox.engines.llamacpp.memory.graph.build import Build
from rocmox.engines.llamacpp.memory.graph.pieces import add_bias, project
from rocmox.engines.llamacpp.memory.graph.states import convolved, store_states, weight_of
from rocmox.engines.llamacpp.memory.graph.style import Inputs
from rocmox.engines.llamacpp.memory.graph.tensor import Tensor
from rocmox.engines.llamacpp.memory.model import IncompleteModelError
from rocmox.engines.llamacpp.memory.recurrent import conv_state_width, scan_state_width
from rocmox.facts.ggml_types import F32


def build_early_mamba(build: Build, inputs: Inputs, layer: int, current: Tensor) -> Tensor:
    """One sequence; all slots' states pass through the graph."""
    hyper, tokens = build.model.hyper, build.tokens
    rec, inner = hyper.recurrent, hyper.recurrent.inner
    kernel = weight_of(build, layer, "ssm_conv1d.weight")
    before = kernel.ne[0] - 1
    window = op.reshape(_copied_states(build, inputs, layer, "r"), before, inner, 1)
    states = op.reshape(_copied_states(build, inputs, layer, "s"), rec.state, inner, 1)
    joined = project(build, op.reshape(current, current.ne[0], tokens, 1), layer, "ssm_in")
    x, gate = (op.view(joined, op.four(inner, tokens, 1), joined.nb) for _ in range(2))
    rows = op.concat(window, op.transpose(x), 0)
    store_states(build, layer, "r", op.view(rows, op.four(before, inner, 1), rows.nb))
    x = op.like("unary", add_bias(build, convolved(rows, kernel, tokens), layer, "ssm_conv1d"))
    small = project(build, x, layer, "ssm_x")
    parts = [op.view(small, op.four(width, tokens, 1), small.nb) for width in (rec.step_rank, rec.state, rec.state)]
    if hyper.norms_steps:
        parts = [op.like("rms_norm", part) for part in parts]
    steps = project(build, parts[0], layer, "ssm_dt")
    size = inner * tokens + scan_state_width(hyper)
    decay = weight_of(build, layer, "ssm_a")
    scanned = Tensor("ssm_scan", F32, op.four(size), (states, x, steps, decay, parts[1], parts[2]))
    store_states(build, layer, "s", op.view(scanned, op.four(scan_state_width(hyper))))
    result = op.view(scanned, op.four(inner, tokens, 1))
    result = op.like("add", result, op.like("mul", x, weight_of(build, layer, "ssm_d")))
    result = op.like("mul", result, op.like("unary", op.cont(gate)))
    result = project(build, result, layer, "ssm_out")
    return op.reshape(result, result.ne[0], tokens)


def _copied_states(build: Build, inputs: Inputs, layer: int, part: str) -> Tensor:
    """`llm_build_copy_mask_state`: rows by slot, cleared where a sequence starts, those of idle slots put back."""
    width = (conv_state_width if part == "r" else scan_state_width)(build.model.hyper)
    state = build.state(layer, part, width)
    if inputs.states is None or inputs.states_kept is None:
        raise IncompleteModelError("size of its recurrent states")
    rows = op.get_rows(op.reshape(state, width, build.slots), inputs.states)
    rows = op.like("mul", rows, inputs.states_kept)
    kept = op.four(width * (build.slots - 1))
    build.graph.expand(op.copy_into(op.view(rows, kept), op.view(state, kept)))
    return op.view(rows, op.four(width, 1))
