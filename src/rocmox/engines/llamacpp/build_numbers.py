"""From which build of llama.cpp on something holds: one table for planning, serving and the patch.

A build number counts commits (`git rev-list --count`); `bNNNN` is also the name of the release. Names of releases since
September 2026 (v0.5.0 …) carry no number: they are later than everything here. `source/data/features.toml` bounds trees
by the same numbers (a test compares them).
"""

from __future__ import annotations

UNNUMBERED = 99999

GGML_FOLDER = 3236  # GGML_… options in place of LLAMA_…; mmvq.cu has its place, #8006
GGML_HIP = 4080  # GGML_HIP in place of GGML_HIPBLAS, #10256
JINJA = 4524  # llama-server --jinja, #11016
GCN_TABLE = 4873  # mmvq has one table for host and device, #12177
SERVER_IN_TOOLS = 5308  # llama-server lies in tools/ at the latest, in examples/ up to b4875 at least, #13249
WINDOWED_CACHE = 5426  # llama_kv_cache_iswa, #13194, 2025-05
GATED_UNITS = 5780  # ggml_swiglu_split and its kin, #14158, 2025-06
ROWS_AND_STREAMS = 5898  # KV cache by ggml_set_rows, one stream per slot, #14363, 2025-07
FLASH_ATTENTION_VALUE = 6325  # -fa on|off|auto in place of a switch, 2025-08-30
PIPELINE_IS_DROPPED = 6840  # a second try without copies when they do not fit, #16748, 2025-10-24
PLAIN_MASK = 6959  # GGML_KQ_MASK_PAD is gone, 2025-11
WINDOW_BY_256 = 7000  # windowed caches are padded to 256, #17037, 2025-11
OUTPUT_FIRST = 7460  # of a partly offloaded model the output is on a GPU first, 2025-12
LATENT_KEYS_ONLY = 7850  # MLA caches K alone, 2026-01
ROTATED_CACHE = 8607  # quantised caches hold rotated values, #21038, 2026-04
SPLIT_TENSOR = 8738  # -sm tensor, #19378, 2026-04-09
HALF_MASK = 9361  # the mask is f16 from the start, #23764, 2026-05-28
SLOT_LOGITS = 9460  # llama-server reserves logits for its slots only, #23861, 2026-06-01
NO_LEAK = 9490  # f16 copies of a quantised cache leave the pool, #23907, 2026-06-03
NO_SPLIT_ROW = 9890  # row split leaves the CUDA/HIP backend, #24216, 2026-07-06
ROWS_CHOSEN_LAST = 9891  # some graphs choose the tokens with logits after the last layer, 2026-07
