"""How the layers of each architecture are put together (src/models/*.cpp, `llama_model_*::graph`).

What a model's tensors say (biases, norms, experts, shared experts) is read from the tensors; a profile holds the rest.
"""

from __future__ import annotations

import dataclasses

from rocmox.engines.llamacpp.memory.architectures import is_like_llama
from rocmox.engines.llamacpp.memory.graph.style import Experts

_ROUTED = Experts()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Profile:
    """One architecture.

    `layout`: `sequential` (norm, attention, add, norm, network, add), `parallel` (attention and network from one norm;
    `_own_norm`: from two; `_without_norm`: where the network has no norm of its own), `behind` (norms only after each
    part), `streams` (several residuals), or one of `odd_layers.py`.
    `activation` of the dense network; `_halves` when one projection holds gate
    and up. `rotates`: `all`, `none`, `sliding` (windowed layers), `three_of_four`, `small` (models below 40 layers).
    `rows_last`: whether the tokens with logits are chosen after the last layer, `before_norm` or `after_norm`.
    `residual_first`: where the residual is the first summand: `attention`, `network`, `both`.
    `heads_again`: normalised heads are reshaped once more before rotation (January 2025).
    `expands_norm`: whether a layer's first norm is put into the graph before anything that reads it.
    """

    norm: str = "rms_norm"
    layout: str = "sequential"
    activation: str = "silu"
    rotates: str = "all"
    scales_input: bool = False
    norms_input: bool = False
    scales_query: bool = False
    norms_after_rope: bool = False
    heads_again: bool = False
    norms_unweighted_heads: bool = False
    norms_value: bool = False
    rope_factors_in_windows: bool = True
    tempers_attention: bool = False
    post_norm_pinned: bool = True
    residual_before_attention: bool = False
    residual_first: str = ""
    last_norm: str = "output_norm"
    rows_last: str = ""
    shared_first: bool = False
    experts: Experts = _ROUTED
    experts_from_file: bool = False
    expands_norm: bool = False
    dense_beside_experts: bool = False


_PLAIN = Profile()
_GEMMA = Profile(scales_input=True, scales_query=True, activation="gelu", post_norm_pinned=False)
_LAYER_NORM = Profile(norm="norm", activation="gelu")
_FROM_FILE = Profile(experts_from_file=True)
_GATED_QUERY = Profile(rows_last="after_norm", expands_norm=True)
_UNNORMALISED = Profile(experts=Experts(normalizes=False))

_PROFILES: dict[str, Profile] = {
    "llada-moe": _UNNORMALISED,
    "llama4": Profile(
        rotates="three_of_four",
        norms_unweighted_heads=True,
        tempers_attention=True,
        experts=Experts(normalizes=False, gating="sigmoid", weighs_input=True),
    ),
    "smollm3": Profile(rotates="three_of_four"),
    "gemma": _GEMMA,
    "gemma2": _GEMMA,
    "gemma3": _GEMMA,
    "gemma3n": Profile(scales_input=True, layout="streams", norms_value=True, rows_last="before_norm"),
    "gemma4": Profile(
        scales_input=True,
        activation="gelu",
        post_norm_pinned=False,
        norms_value=True,
        rope_factors_in_windows=False,
        rows_last="after_norm",
    ),
    "phi2": Profile(norm="norm", layout="parallel", activation="gelu", scales_query=True),
    "phi3": Profile(activation="silu_halves", scales_query=True, residual_first="network"),
    "phimoe": Profile(activation="silu_halves", scales_query=True, residual_first="network"),
    "command-r": Profile(norm="norm", layout="parallel", residual_before_attention=True, heads_again=True),
    "cohere2": Profile(norm="norm", layout="parallel", residual_before_attention=True, rotates="sliding"),
    "gpt-oss": Profile(
        experts=Experts(activation="swiglu_oai", normalizes=False, gating="softmax_weight"), rows_last="before_norm"
    ),
    "falcon": Profile(norm="norm", layout="parallel", activation="gelu"),
    "gptneox": Profile(norm="norm", layout="parallel_own_norm", activation="gelu", residual_before_attention=True),
    "starcoder2": _LAYER_NORM,
    "starcoder": Profile(norm="norm", activation="gelu", rotates="none"),
    "gpt2": Profile(norm="norm", activation="gelu", rotates="none"),
    "bloom": Profile(norm="norm", activation="gelu", rotates="none"),
    "mpt": Profile(norm="norm", activation="gelu", rotates="none"),
    "codeshell": _LAYER_NORM,
    "orion": Profile(norm="norm"),
    "stablelm": Profile(norm="norm", layout="parallel_without_norm"),
    "nemotron": Profile(norm="norm", activation="relu_sqr"),
    "arcee": Profile(activation="relu_sqr"),
    "olmo": Profile(norm="norm"),
    "olmo2": Profile(layout="behind", post_norm_pinned=False),
    "exaone4": Profile(layout="behind", post_norm_pinned=False, rotates="sliding"),
    "olmoe": _UNNORMALISED,
    "qwen2moe": _UNNORMALISED,
    "deepseek": _UNNORMALISED,
    "dbrx": Profile(norm="norm"),
    "chatglm": Profile(activation="silu_halves"),
    "glm4": Profile(activation="silu_halves"),
    "glm4moe": _FROM_FILE,
    "dots1": _FROM_FILE,
    "bailingmoe2": _FROM_FILE,
    "minimax-m2": _FROM_FILE,
    "deepseek2": _FROM_FILE,
    "afmoe": Profile(scales_input=True, rotates="three_of_four", experts_from_file=True),
    "hunyuan-moe": Profile(norms_after_rope=True, shared_first=True),
    "hunyuan-dense": Profile(norms_after_rope=True),
    "minicpm": Profile(scales_input=True),
    "nemotron_h": Profile(rotates="none", activation="relu_sqr", rows_last="after_norm"),
    "nemotron_h_moe": Profile(rotates="none", activation="relu_sqr", rows_last="after_norm", experts_from_file=True),
    "qwen3next": _GATED_QUERY,
    "qwen35": _GATED_QUERY,
    "qwen35moe": _GATED_QUERY,
    "mimo2": _FROM_FILE,
    "step35": Profile(rows_last="before_norm", experts_from_file=True),
    "hy_v3": Profile(rows_last="after_norm", experts_from_file=True),
    "cohere2moe": Profile(
        norm="norm",
        layout="parallel",
        residual_before_attention=True,
        rotates="sliding",
        rows_last="after_norm",
        experts_from_file=True,
    ),
    "jais": Profile(norm="norm", rotates="none"),
    "falcon-h1": Profile(layout="beside"),
    "arctic": Profile(layout="experts_beside"),
    "baichuan": Profile(rotates="small"),
    "openelm": Profile(residual_first="attention"),
    "plamo": Profile(layout="parallel"),
    "muse-glimmer": Profile(norms_input=True, rotates="sliding", post_norm_pinned=False),
    "plamo3": Profile(activation="silu_halves"),
    "plamo2": Profile(activation="silu_halves"),
    "refact": Profile(rotates="none"),
    "smallthinker": Profile(
        layout="routed_first", rotates="sliding", experts=Experts(activation="relu", gating="file")
    ),
    "grok": Profile(experts=Experts(activation="gelu"), activation="gelu", dense_beside_experts=True),
    "jamba": Profile(rotates="none", residual_first="both", experts=Experts(normalizes=False)),
    "lfm2": Profile(residual_first="both", last_norm="token_embd_norm"),
    "lfm2moe": Profile(residual_first="both", last_norm="token_embd_norm", experts=Experts(gating="sigmoid")),
}


def profile_of(architecture: str) -> Profile:
    """The architecture's profile; one without a line of its own is put together like a llama."""
    return _PROFILES.get(architecture, _PLAIN)


def has_profile(architecture: str) -> bool:
    """Whether the graph of this architecture is the one of its source, node by node."""
    return is_like_llama(architecture) or architecture in _PROFILES
