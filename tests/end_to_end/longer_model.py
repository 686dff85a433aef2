"""A model whose requests take tenths of a second on a processor: the lab's own answers too soon to be measured.

Its weights are nought, so it packs to a few kilobytes; computing with them takes as long as with any others.
"""

import gzip
import tempfile
from pathlib import Path

import gguf
import numpy as np

from rocmox.engines.llamacpp.serving.guest.tiny_model import vocabulary

_WIDTH, _LAYERS, _FEED_FORWARD, _HEADS, _CONTEXT = 512, 8, 1408, 8, 4096
_Q8_0 = gguf.GGMLQuantizationType.Q8_0


def packed() -> bytes:
    """The file, of 25 MB, as gzip."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "longer.gguf"
        write(path)
        return gzip.compress(path.read_bytes(), compresslevel=1)


def write(path: Path) -> None:
    """The file itself."""
    writer = gguf.GGUFWriter(path, "llama")
    tokens = vocabulary()
    writer.add_name("constructed, of noughts")
    writer.add_context_length(_CONTEXT)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(_LAYERS)
    writer.add_feed_forward_length(_FEED_FORWARD)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list([token.text for token in tokens])
    writer.add_token_scores([token.score for token in tokens])
    writer.add_token_types([token.kind for token in tokens])
    for name in ("token_embd", "output"):
        _matrix(writer, f"{name}.weight", len(tokens), _WIDTH)
    writer.add_tensor("output_norm.weight", np.ones(_WIDTH, dtype=np.float32))
    for layer in range(_LAYERS):
        _block(writer, f"blk.{layer}")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _block(writer: gguf.GGUFWriter, name: str) -> None:
    for norm in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"{name}.{norm}.weight", np.ones(_WIDTH, dtype=np.float32))
    for matrix in ("attn_q", "attn_k", "attn_v", "attn_output"):
        _matrix(writer, f"{name}.{matrix}.weight", _WIDTH, _WIDTH)
    for matrix, rows, columns in (("gate", _FEED_FORWARD, _WIDTH), ("up", _FEED_FORWARD, _WIDTH)):
        _matrix(writer, f"{name}.ffn_{matrix}.weight", rows, columns)
    _matrix(writer, f"{name}.ffn_down.weight", _WIDTH, _FEED_FORWARD)


def _matrix(writer: gguf.GGUFWriter, name: str, rows: int, columns: int) -> None:
    blocks = np.zeros((rows, columns // 32 * 34), dtype=np.uint8)
    writer.add_tensor(name, blocks, raw_dtype=_Q8_0)
