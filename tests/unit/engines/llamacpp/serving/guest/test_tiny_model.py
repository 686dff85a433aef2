"""The lab's model is a valid GGUF whose chain leads through the sentence, the same bytes everywhere."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import yaml
from gguf import GGUFReader
from gguf.quants import dequantize

from rocmox.engines.llamacpp.serving.guest import tiny_model

ROOT = Path(__file__).parents[6]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> GGUFReader:
    path = tmp_path_factory.mktemp("model") / "tiny.gguf"
    tiny_model.write(path)
    return GGUFReader(path)


def weights(model: GGUFReader, name: str) -> np.ndarray:
    tensor = next(tensor for tensor in model.tensors if tensor.name == name)
    return dequantize(tensor.data, tensor.tensor_type)


def test_the_inventory_of_the_lab_names_its_checksum() -> None:
    settings = yaml.safe_load((ROOT / "inventory/lab/group_vars/gpu_guests/llama_cpp.yml").read_text())
    assert settings["llama_cpp_models"][0]["sha256"] == hashlib.sha256(tiny_model.encode()).hexdigest()


def test_another_reader_finds_architecture_and_shapes(model: GGUFReader) -> None:
    assert model.fields["general.architecture"].contents() == "llama"
    shapes = {tensor.name: tuple(int(size) for size in tensor.shape) for tensor in model.tensors}
    assert shapes["token_embd.weight"] == shapes["output.weight"] == (64, len(tiny_model.vocabulary()))
    assert shapes["blk.1.attn_k.weight"] == (64, 32)
    assert shapes["blk.0.ffn_down.weight"] == (128, 64)


def test_vocabulary_pads_to_32_and_never_repeats() -> None:
    texts = [token.text for token in tiny_model.vocabulary()]
    assert len(texts) % 32 == 0
    assert len(set(texts)) == len(texts)


def test_following_the_chain_speaks_the_sentence(model: GGUFReader) -> None:
    embedding, output = weights(model, "token_embd.weight"), weights(model, "output.weight")
    tokens = model.fields["tokenizer.ggml.tokens"].contents()
    token, spoken = tokens.index(":"), []
    while (token := int(np.argmax(output @ embedding[token]))) != 2:
        spoken.append(tokens[token].replace("\u2581", " "))
    assert "".join(spoken) == tiny_model.SENTENCE


def test_blocks_add_too_little_to_break_the_chain(model: GGUFReader) -> None:
    noise = [
        np.abs(weights(model, f"blk.{layer}.{name}.weight")).max()
        for layer in (0, 1)
        for name in ("attn_output", "ffn_down")
    ]
    assert max(noise) < 0.01


def test_ensure_writes_only_what_is_missing_or_different(tmp_path: Path) -> None:
    path = tmp_path / "models" / "tiny.gguf"
    tiny_model.ensure(path)
    written = path.stat().st_mtime_ns
    tiny_model.ensure(path)
    assert path.stat().st_mtime_ns == written
    path.write_bytes(b"half a mod")
    tiny_model.ensure(path)
    assert path.read_bytes() == tiny_model.encode()
    assert [entry.name for entry in path.parent.iterdir()] == ["tiny.gguf"]
