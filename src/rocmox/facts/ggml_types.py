"""Tensor types of ggml: how many bytes a row takes (`ggml_row_size`; table `type_traits` of ggml/src/ggml.c)."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class GgmlType:
    """One type: `block_bytes` hold `block_elements` consecutive elements of a row."""

    name: str
    number: int
    block_elements: int
    block_bytes: int

    @property
    def is_quantized(self) -> bool:
        """Whether a block holds more than one element (`ggml_is_quantized`)."""
        return self.block_elements > 1

    def row_bytes(self, elements: int) -> int:
        """Bytes of so many elements (`ggml_row_size`); a part of a block counts by its share, rounded down."""
        return elements * self.block_bytes // self.block_elements


# (name, number in the file, elements per block, bytes per block)
_TABLE = (
    ("f32", 0, 1, 4),
    ("f16", 1, 1, 2),
    ("q4_0", 2, 32, 18),
    ("q4_1", 3, 32, 20),
    ("q5_0", 6, 32, 22),
    ("q5_1", 7, 32, 24),
    ("q8_0", 8, 32, 34),
    ("q8_1", 9, 32, 36),
    ("q2_K", 10, 256, 84),
    ("q3_K", 11, 256, 110),
    ("q4_K", 12, 256, 144),
    ("q5_K", 13, 256, 176),
    ("q6_K", 14, 256, 210),
    ("q8_K", 15, 256, 292),
    ("iq2_xxs", 16, 256, 66),
    ("iq2_xs", 17, 256, 74),
    ("iq3_xxs", 18, 256, 98),
    ("iq1_s", 19, 256, 50),
    ("iq4_nl", 20, 32, 18),
    ("iq3_s", 21, 256, 110),
    ("iq2_s", 22, 256, 82),
    ("iq4_xs", 23, 256, 136),
    ("i8", 24, 1, 1),
    ("i16", 25, 1, 2),
    ("i32", 26, 1, 4),
    ("i64", 27, 1, 8),
    ("f64", 28, 1, 8),
    ("iq1_m", 29, 256, 56),
    ("bf16", 30, 1, 2),
    ("tq1_0", 34, 256, 54),
    ("tq2_0", 35, 256, 66),
    ("mxfp4", 39, 32, 17),
    ("nvfp4", 40, 64, 36),
    ("q1_0", 41, 128, 18),
    ("q2_0", 42, 64, 18),
)

TYPES = tuple(
    GgmlType(name=name, number=number, block_elements=elements, block_bytes=count)
    for name, number, elements, count in _TABLE
)
BY_NUMBER = {kind.number: kind for kind in TYPES}
BY_NAME = {kind.name: kind for kind in TYPES}

F32 = BY_NAME["f32"]
F16 = BY_NAME["f16"]
I32 = BY_NAME["i32"]
I64 = BY_NAME["i64"]
