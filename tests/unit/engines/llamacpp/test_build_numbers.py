"""The numbers of builds stand in one table; what a source tree shows is bounded by the same ones."""

from rocmox.engines.llamacpp import build_numbers
from rocmox.engines.llamacpp.source.features import load_probes


def test_the_features_of_a_tree_are_bounded_by_the_same_numbers() -> None:
    probes = {probe.name: probe for probe in load_probes()}
    assert probes["hip_switch"].since_value == {
        "GGML_HIPBLAS": build_numbers.GGML_FOLDER,
        "GGML_HIP": build_numbers.GGML_HIP,
    }
    assert probes["split_row"].until == build_numbers.NO_SPLIT_ROW
    assert probes["flash_attention_value"].since == build_numbers.FLASH_ATTENTION_VALUE
    assert probes["gcn_mmvq_table"].since == build_numbers.GCN_TABLE
