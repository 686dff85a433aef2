"""Reading and writing a layer's recurrent states (`build_rs`, src/llama-graph.cpp of 2026-10)."""

from __future__ import annotations

from collections.abc import Callable

from rocmox.engines.llamacpp.memory.graph import operations as op
from rocmox.engines.llamacpp.memory.graph.build import Build
from rocmox.engines.llamacpp.memory.graph.style import Inputs
from rocmox.engines.llamacpp.memory.graph.tensor import Tensor
from rocmox.engines.llamacpp.memory.model import IncompleteModelError
from rocmox.engines.llamacpp.memory.recurrent import conv_state_width, scan_state_width
from rocmox.facts.ggml_types import F32


def read_states(build: Build, inputs: Inputs, layer: int, part: str, read: Callable[[Tensor], Tensor] | None) -> Tensor:
    """A layer's states of this batch: one is cleared, `read` fetches (None: by rows), those of idle slots are kept."""
    width = (conv_state_width if part == "r" else scan_state_width)(build.model.hyper)
    state, rows = build.state(layer, part, width), inputs.states
    if rows is None or inputs.states_kept is None:
        raise IncompleteModelError("size of its recurrent states")
    states = op.reshape(state, width, state.ne[1])
    first = op.view(states, op.four(width))
    build.graph.expand(op.view(first, first.ne, op="scale"))
    fetched = build.graph.expand(op.get_rows(states, rows) if read is None else read(states))
    kept = op.get_rows(states, inputs.states_kept)
    build.graph.expand(op.copy_into(kept, op.view(state, op.four(width, kept.ne[1]))))
    return fetched


def store_states(build: Build, layer: int, part: str, new: Tensor) -> None:
    """The states after this batch go back to where they came from."""
    width = (conv_state_width if part == "r" else scan_state_width)(build.model.hyper)
    build.graph.expand(op.copy_into(new, op.view(build.state(layer, part, width), op.four(width, build.sequences))))


def joined_window(build: Build, inputs: Inputs, layer: int, current: Tensor, before: int) -> Tensor:
    """The last `before` tokens of each channel from the state, and this batch's behind them; the end is stored."""
    channels, sequences = current.ne[0], build.sequences
    rows = op.reshape(read_states(build, inputs, layer, "r", None), before, channels, sequences)
    joined = op.concat(rows, op.transpose(current), 0)
    nb = (joined.nb[0], joined.nb[1], joined.nb[2], joined.nb[2] * sequences)
    store_states(build, layer, "r", op.view(joined, op.four(before, channels, sequences), nb))
    return joined


def convolved(joined: Tensor, kernel: Tensor, tokens: int) -> Tensor:
    """`ggml_ssm_conv`."""
    return Tensor("ssm_conv", F32, op.four(joined.ne[1], tokens, joined.ne[2]), (joined, kernel))


def weight_of(build: Build, layer: int, name: str) -> Tensor:
    """A weight that the layer needs."""
    weight = build.of_layer(layer, name)
    if weight is None:
        raise IncompleteModelError(f"blk.{layer}.{name}")
    return weight
