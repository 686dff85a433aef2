"""The architectures that llama.cpp's generations load (`LLM_ARCH_NAMES` of src/llama-arch.cpp)."""

from __future__ import annotations

from rocmox.fit.builds import LlamaBuild

# Known at b4447.
_EARLY = frozenset(
    (
        "arctic",
        "baichuan",
        "bert",
        "bitnet",
        "bloom",
        "chameleon",
        "chatglm",
        "codeshell",
        "cohere2",
        "command-r",
        "dbrx",
        "deci",
        "deepseek",
        "deepseek2",
        "exaone",
        "falcon",
        "gemma",
        "gemma2",
        "gpt2",
        "gptj",
        "gptneox",
        "granite",
        "granitemoe",
        "grok",
        "internlm2",
        "jais",
        "jina-bert-v2",
        "llama",
        "mamba",
        "minicpm",
        "minicpm3",
        "mpt",
        "nemotron",
        "nomic-bert",
        "olmo",
        "olmo2",
        "olmoe",
        "openelm",
        "orion",
        "phi2",
        "phi3",
        "plamo",
        "qwen",
        "qwen2",
        "qwen2moe",
        "qwen2vl",
        "refact",
        "rwkv6",
        "stablelm",
        "starcoder",
        "starcoder2",
        "t5",
        "t5encoder",
        "wavtokenizer-dec",
        "xverse",
    )
)

# New by b6170.
_SINCE_2025_08 = frozenset(
    (
        "arcee",
        "arwkv7",
        "bailingmoe",
        "dots1",
        "dream",
        "ernie4_5",
        "ernie4_5-moe",
        "exaone4",
        "falcon-h1",
        "gemma3",
        "gemma3n",
        "glm4",
        "glm4moe",
        "gpt-oss",
        "granitehybrid",
        "hunyuan-dense",
        "hunyuan-moe",
        "jamba",
        "lfm2",
        "llada",
        "llama4",
        "mamba2",
        "neo-bert",
        "nomic-bert-moe",
        "phimoe",
        "plamo2",
        "plm",
        "qwen3",
        "qwen3moe",
        "rwkv6qwen2",
        "rwkv7",
        "smallthinker",
        "smollm3",
    )
)

# New by October 2026.
_SINCE_2026_10 = frozenset(
    (
        "afmoe",
        "apertus",
        "bailingmoe2",
        "bailingmoe3",
        "clip",
        "cogvlm",
        "cohere2moe",
        "deepseek2-ocr",
        "deepseek32",
        "deepseek4",
        "dflash",
        "dots3note",
        "eagle3",
        "eurobert",
        "exaone-moe",
        "gemma-embedding",
        "gemma4",
        "gemma4-assistant",
        "glm-dsa",
        "glm5-next",
        "granite_swa",
        "graniteswitch",
        "grovemoe",
        "hrm_text",
        "hunyuan_vl",
        "hy_v3",
        "hy_v4",
        "jais2",
        "jina-bert-v3",
        "kimi-k3",
        "kimi-linear",
        "laguna",
        "lfm2moe",
        "llada-moe",
        "llama-embed",
        "maincoder",
        "maple",
        "mellum",
        "mimo2",
        "minimax-01",
        "minimax-m2",
        "minimax-m3",
        "mistral3",
        "mistral4",
        "modern-bert",
        "muse-glimmer",
        "nanbeige",
        "nemotron_h",
        "nemotron_h_moe",
        "paddleocr",
        "pangu-embedded",
        "plamo3",
        "pockettts",
        "qwen35",
        "qwen35moe",
        "qwen3next",
        "qwen3tts",
        "qwen3vl",
        "qwen3vlmoe",
        "qwen4exp",
        "rnd1",
        "seed_oss",
        "spark2_5",
        "step35",
        "talkie",
    )
)

# `llm_arch_supports_sm_tensor` says no.
_NO_TENSOR_SPLIT = frozenset(
    (
        "bailingmoe3",
        "bitnet",
        "deepseek2",
        "deepseek32",
        "dots3note",
        "falcon-h1",
        "gemma3n",
        "glm-dsa",
        "glm5-next",
        "granitehybrid",
        "grok",
        "hy_v4",
        "jamba",
        "kimi-k3",
        "kimi-linear",
        "mamba",
        "mamba2",
        "minicpm3",
        "minimax-01",
        "minimax-m2",
        "minimax-m3",
        "mistral4",
        "mpt",
        "nemotron_h",
        "nemotron_h_moe",
        "olmo2",
        "olmoe",
        "plamo2",
        "qwen3tts",
        "qwen4exp",
        "t5",
    )
)

_B6170 = 6170
_B6170_FROM = 5000


def loads(build: LlamaBuild, architecture: str) -> bool:
    """Whether a build knows an architecture; between the measured builds the later list decides."""
    if architecture in _EARLY:
        return True
    if architecture in _SINCE_2025_08:
        return build.number >= _B6170_FROM
    return architecture in _SINCE_2026_10 and build.number > _B6170


def is_known(architecture: str) -> bool:
    """Whether any build knows it."""
    return architecture in _EARLY | _SINCE_2025_08 | _SINCE_2026_10


def splits_tensors(architecture: str) -> bool:
    """Whether `-sm tensor` is implemented for it."""
    return architecture not in _NO_TENSOR_SPLIT
