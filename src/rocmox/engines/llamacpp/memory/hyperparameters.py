"""The numbers of a model that memory depends on (`llama_model_base::load_hparams`, src/llama-model.cpp)."""

from __future__ import annotations

import dataclasses

from rocmox.engines.llamacpp.memory.metadata import Metadata
from rocmox.engines.llamacpp.memory.sliding_window import read_sliding_layers, read_window_tokens
from rocmox.errors import UsageError
from rocmox.facts.gguf import GgufHeader

_MOST_IMAGE_LAYERS = 16
_WITHOUT_CACHE = frozenset({"dream", "llada", "llada-moe", "rnd1"})  # src/models/*.cpp: `build_attn_inp_no_cache`
_LONGEST_MODEL_LAYERS = 512  # LLAMA_MAX_LAYERS


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recurrent:
    """State-space and linear-attention sizes (`ssm.*`, `wkv.*`, `shortconv.*`, `kda.*`); 0 where there are none."""

    conv_kernel: int = 0
    inner: int = 0
    state: int = 0
    groups: int = 0
    step_rank: int = 0
    wkv_head: int = 0
    token_shifts: int = 2
    short_conv: int = 0
    kda_head: int = 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """Widths in elements; per-layer values are tuples over `all_layers`, which counts draft (NextN) layers too.

    `causal` False: diffusion over the batch, without a cache. `image_layers` take a part of the embeddings each.
    """

    architecture: str
    all_layers: int
    draft_layers: int
    context_train: int
    embedding: int
    vocabulary: int
    heads: tuple[int, ...]
    kv_heads: tuple[int, ...]
    head_k: int
    head_v: int
    head_k_sliding: int
    head_v_sliding: int
    head_k_mla: int
    head_v_mla: int
    kv_lora_rank: int
    rope_dimensions: int
    feed_forward: tuple[int, ...]
    experts: int
    experts_used: tuple[int, ...]
    expert_groups: int
    expert_groups_used: int
    dense_layers: int
    normalizes_experts: bool
    scales_experts: bool
    gating: int
    softcaps_attention: bool
    softcaps_logits: bool
    scales_logits: bool
    scales_residual: bool
    scales_embedding: bool
    clamps_kqv: bool
    alibi: bool
    window_tokens: int
    sliding: tuple[bool, ...]
    kv_from_start: int
    causal: bool
    image_layers: int
    recurrent: Recurrent
    norms_steps: bool
    attention_interval: int
    recurrent_layers: tuple[bool, ...]
    file_type: int

    @property
    def layers(self) -> int:
        """Layers that answer a prompt (`llama_hparams::n_layer`)."""
        return self.all_layers - self.draft_layers

    @property
    def is_mla(self) -> bool:
        """Whether keys and values are cached compressed, which the file's keys decide (`llama_hparams::is_mla`)."""
        return bool(self.head_k_mla and self.head_v_mla)

    @property
    def has_window(self) -> bool:
        """Whether some layers attend to a window of the context only."""
        return any(self.sliding)

    def head_k_of(self, layer: int) -> int:
        """Width of a head of K in a layer (`n_embd_head_k`)."""
        return self.head_k_sliding if self.sliding[layer] else self.head_k

    def head_v_of(self, layer: int) -> int:
        """Width of a head of V in a layer (`n_embd_head_v`)."""
        return self.head_v_sliding if self.sliding[layer] else self.head_v

    def k_width(self, layer: int) -> int:
        """Elements of K per token in a layer (`n_embd_k_gqa`)."""
        return self.head_k_of(layer) * self.kv_heads[layer]

    def v_width(self, layer: int) -> int:
        """Elements of V per token in a layer (`n_embd_v_gqa`)."""
        return self.head_v_of(layer) * self.kv_heads[layer]


def read_hyperparameters(header: GgufHeader, *, where: str) -> Hyperparameters:
    """From a file's metadata; UsageError names the key that is missing or makes no sense."""
    data = Metadata(header=header, where=where)
    architecture = header.architecture
    if not architecture:
        raise UsageError(
            f"{where}: general.architecture is missing", remedy="Name a language model; a split one by its first part."
        )
    all_layers = data.positive("block_count")
    if all_layers > _LONGEST_MODEL_LAYERS:
        raise UsageError(f"{where}: {all_layers} layers, more than llama.cpp loads ({_LONGEST_MODEL_LAYERS})")
    draft = min(data.whole("nextn_predict_layers"), all_layers - 1)
    embedding = data.positive("embedding_length")
    heads = data.per_layer("attention.head_count", all_layers, 0)
    kv_heads = data.per_layer("attention.head_count_kv", all_layers, heads)
    if any(cached and not queries for cached, queries in zip(kv_heads, heads, strict=True)):
        data.refuse("attention.head_count", data.get("attention.head_count"))
    default_head = embedding // heads[0] if heads[0] else 0
    head_k = data.whole("attention.key_length", default_head)
    head_v = data.whole("attention.value_length", default_head)
    sliding = read_sliding_layers(data, architecture, all_layers, all_layers - draft)
    stated = layers if isinstance(layers := data.get("attention.recurrent_layers"), tuple) else ()
    used = data.per_layer("expert_used_count", all_layers, 0)
    return Hyperparameters(
        architecture=architecture,
        all_layers=all_layers,
        draft_layers=draft,
        context_train=data.whole("context_length"),
        embedding=embedding,
        vocabulary=_vocabulary(data, header),
        heads=heads,
        kv_heads=kv_heads,
        head_k=head_k,
        head_v=head_v,
        head_k_sliding=data.whole("attention.key_length_swa", head_k),
        head_v_sliding=data.whole("attention.value_length_swa", head_v),
        head_k_mla=data.whole("attention.key_length_mla"),
        head_v_mla=data.whole("attention.value_length_mla"),
        kv_lora_rank=data.whole("attention.kv_lora_rank"),
        rope_dimensions=data.whole("rope.dimension_count", head_k),
        feed_forward=data.per_layer("feed_forward_length", all_layers, 0),
        experts=data.whole("expert_count"),
        experts_used=used,
        expert_groups=data.whole("expert_group_count"),
        expert_groups_used=data.whole("expert_group_used_count"),
        dense_layers=data.whole("leading_dense_block_count"),
        normalizes_experts=data.truth("expert_weights_norm"),
        scales_experts=data.number("expert_weights_scale") not in {0.0, 1.0},
        gating=data.whole("expert_gating_func"),
        softcaps_attention=bool(data.number("attn_logit_softcapping")) or architecture in {"gemma2", "grok"},
        softcaps_logits=bool(data.number("final_logit_softcapping")) or architecture in {"gemma2", "gemma3n", "grok"},
        scales_logits=bool(data.number("logit_scale")) or architecture == "grok",
        scales_residual=bool(data.number("residual_scale")),
        scales_embedding=bool(data.number("embedding_scale")) or architecture == "grok",
        clamps_kqv=data.number("attention.clamp_kqv") > 0,
        alibi=data.number("attention.max_alibi_bias") > 0,
        window_tokens=read_window_tokens(data, architecture) if any(sliding) else 0,
        sliding=sliding,
        kv_from_start=_kv_from_start(data, architecture, all_layers),
        causal=architecture not in _WITHOUT_CACHE,
        image_layers=min(data.whole("n_deepstack_layers"), _MOST_IMAGE_LAYERS),
        recurrent=_recurrent(data),
        norms_steps=data.truth("ssm.dt_b_c_rms"),
        attention_interval=data.whole("full_attention_interval", 4) or 4,
        recurrent_layers=tuple(map(bool, stated))[:all_layers] if len(stated) >= all_layers else (),
        file_type=file_type if isinstance(file_type := header.metadata.get("general.file_type"), int) else -1,
    )


def _vocabulary(data: Metadata, header: GgufHeader) -> int:
    size = data.whole("vocab_size")
    tokens = header.lengths.get("tokenizer.ggml.tokens", 0)
    rows = next((tensor.shape[1] for tensor in header.tensors if tensor.name == "token_embd.weight"), 0)
    return rows or tokens or size


def _kv_from_start(data: Metadata, architecture: str, all_layers: int) -> int:
    """Layers that have a KV cache of their own; later ones read an earlier one's (gemma3n, gemma4)."""
    if architecture == "gemma3n":
        return 20
    return all_layers - data.whole("attention.shared_kv_layers")


def _recurrent(data: Metadata) -> Recurrent:
    return Recurrent(
        conv_kernel=data.whole("ssm.conv_kernel"),
        inner=data.whole("ssm.inner_size"),
        state=data.whole("ssm.state_size"),
        groups=data.whole("ssm.group_count"),
        step_rank=data.whole("ssm.time_step_rank"),
        wkv_head=data.whole("wkv.head_size"),
        token_shifts=data.whole("token_shift_count", 2),
        short_conv=data.whole("shortconv.l_cache"),
        kda_head=data.whole("kda.head_dim"),
    )
