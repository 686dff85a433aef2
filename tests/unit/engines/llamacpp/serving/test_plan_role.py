"""What the role does follows from its variables and one look; of a guest where all is as it should be, nothing."""

import json
from typing import Any

import pytest

from rocmox.facts.served import parse_descriptor
from tests.unit.engines.llamacpp.serving.settings import EMPTY_GUEST, MODEL, SETTINGS, SHA256, ask, settled

IDLE = ("build_wanted", "archive_wanted", "key_wanted", "activate", "launcher_wanted", "served_folder_wanted")
EMPTY = ("models_wanted", "serve", "retired_units", "retired_descriptors", "leftovers", "fit_problems", "preflight")


def busy(decision: dict[str, Any]) -> set[str]:
    return {name for name in (*IDLE, *EMPTY) if decision[name]}


def test_of_a_guest_that_is_as_it_should_be_nothing_is_done() -> None:
    assert busy(ask(settled())) == set()


def test_an_empty_guest_gets_everything() -> None:
    decision = ask(EMPTY_GUEST)
    assert busy(decision) == {
        *("build_wanted", "key_wanted", "activate", "launcher_wanted", "served_folder_wanted"),
        *("models_wanted", "serve", "preflight"),
    }
    assert decision["jobs"] == 4


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"current": "builds/other"}, {"activate"}),
        ({"launcher": "old"}, {"launcher_wanted"}),
        ({"descriptors": {}}, {"serve"}),
        ({"answers": {}}, {"serve"}),
        ({"key": {"exists": True, "mtime": 1764000000.25, "private": False}}, {"key_wanted"}),
        ({"key": {"exists": True, "mtime": 1764000001.0, "private": True}}, {"serve", "preflight"}),
        ({"downloads": ["a", "b.partial"]}, {"leftovers"}),
        ({"models": {"files": {}, "verified": {}}}, {"models_wanted", "preflight"}),
    ],
)
def test_each_difference_has_its_deed(change: dict[str, Any], expected: set[str]) -> None:
    assert busy(ask({**settled(), **change})) == expected


def test_what_is_no_longer_listed_is_retired() -> None:
    gone = ask(settled(), models=[])
    assert gone["retired_units"] == ["llama-server@one.service"]
    assert gone["retired_descriptors"] == ["/etc/rocmox/served/llama_cpp-one.json"]


def test_the_builds_that_went_into_service_last_are_kept() -> None:
    look = settled()
    key = look["installed"][0]
    found = ask({**look, "installed": ["young", key, "old"], "work_builds": ["old", key]})
    assert found["leftovers"] == ["/opt/llama.cpp/builds/old", "/var/lib/llama-cpp/builds/old"]


def test_the_build_key_is_that_of_rocmox_0_1() -> None:
    """Computed by the role's Jinja of 0.1 for the same input: an update of rocmox builds nothing anew."""
    assert ask(EMPTY_GUEST)["build_key"] == "b6170-hip-977851271706"
    changed = ask(EMPTY_GUEST, cmake_options=["GGML_HIP_GRAPHS=ON"])["build_key"]
    assert changed.startswith("b6170-hip-")
    assert changed != ask(EMPTY_GUEST)["build_key"]


def test_nothing_secret_stands_where_it_is_shown() -> None:
    decision = ask(EMPTY_GUEST)
    assert decision["source"]["shown_git_url"] == "https://git.invalid/llama.cpp"
    assert decision["source"]["git_secrets"] == {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.https://git.invalid/.extraHeader",
        "GIT_CONFIG_VALUE_0": "Authorization: Basic dXNlcjpwYS9zcw==",
    }
    assert decision["models_wanted"][0]["shown_url"] == "http://mirror.invalid/one.gguf"
    for unit in decision["units"]:
        assert "secret" not in unit["text"] + unit["descriptor"]


def test_the_descriptor_says_what_others_ask() -> None:
    extra = ["-t", 8, "--ubatch-size", "1024", "-ngl", "20"]
    (unit,) = ask(EMPTY_GUEST, models=[{**MODEL, "extra_arguments": extra}], flash_attention="true")["units"]
    served = parse_descriptor(unit["descriptor"], where="x")
    assert (served.engine, served.unit, served.base_url) == (
        "llama_cpp",
        "llama-server@one.service",
        "http://10.0.0.5:8080",
    )
    assert (served.user, served.groups, served.computes) == ("llama", ("render", "video"), True)
    assert served.model_file == f"/var/lib/llama-models/one-{SHA256[:8]}.gguf"
    bench = served.bench
    assert (bench.threads, bench.ubatch, bench.gpu_layers, bench.flash_attention) == ("8", "1024", "20", "on")


@pytest.mark.parametrize(
    ("version", "has", "lacks"),
    [
        ("b4447", '    "--flash-attn" \\\n', '"--jinja"'),
        ("b6170", '    "--jinja" \\\n    "--flash-attn" \\\n', '"--flash-attn" "on"'),
        ("b6325", '"--flash-attn" "on"', '    "--flash-attn" \\'),
        ("v0.5.0", '"--flash-attn" "on"', '    "--flash-attn" \\'),
    ],
)
def test_options_follow_the_version(version: str, has: str, lacks: str) -> None:
    (unit,) = ask(EMPTY_GUEST, version=version, flash_attention=True)["units"]
    assert has in unit["text"]
    assert lacks not in unit["text"]


def test_words_of_the_unit_are_quoted_for_systemd() -> None:
    (unit,) = ask(EMPTY_GUEST, models=[{**MODEL, "extra_arguments": ['100% "a" $b \\']}])["units"]
    assert '    "100%% \\"a\\" $$b \\\\" \\\n' in unit["text"]


def test_a_processor_build_has_neither_cards_nor_launcher() -> None:
    decision = ask(EMPTY_GUEST, backend="cpu")
    (unit,) = decision["units"]
    assert "start_on_cards" not in unit["text"]
    assert "--n-gpu-layers" not in unit["text"]
    assert not decision["launcher_wanted"]
    assert decision["smoke_test_words"][0] == "none"


def test_going_back_takes_the_kept_build_as_it_describes_itself() -> None:
    kept = {"version": "b6325", "backend": "vulkan", "mmvq": "gfx906", "compared": []}
    decision = ask(EMPTY_GUEST, kept=kept, rollback_to="b6325-vulkan-abc")
    assert (decision["build_key"], decision["build_wanted"]) == ("b6325-vulkan-abc", False)
    assert decision["compared"] == ["gfx906", "gfx900"]
    assert " vulkan " in decision["units"][0]["text"]


def test_problems_of_the_variables_are_named_and_models_not_judged_besides() -> None:
    decision = ask(EMPTY_GUEST, commit="4227", fit="refuse")
    assert "not a full commit id" in decision["problems"][0]
    assert decision["fit_problems"] == []


def test_the_document_is_json_and_the_same_for_the_same_input() -> None:
    assert json.dumps(ask(settled())) == json.dumps(ask(settled()))
    assert ask(None)["look"]
    assert set(SETTINGS) >= {"models", "port"}
