"""The parts of the .tflite schema that are read here: numbers of fields, of types and of operators.

tests/test_tflite_schema.py holds them against the schema that comes with LiteRT.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

IDENTIFIER = b"TFL3"


class Model(IntEnum):
    """Fields of the root."""

    OPERATOR_CODES = 1
    SUBGRAPHS = 2
    BUFFERS = 4


class OperatorCode(IntEnum):
    """Fields of a kind of operator."""

    DEPRECATED_BUILTIN_CODE = 0
    CUSTOM_CODE = 1
    BUILTIN_CODE = 3


class SubGraph(IntEnum):
    """Fields of a graph."""

    TENSORS = 0
    INPUTS = 1
    OUTPUTS = 2
    OPERATORS = 3


class Tensor(IntEnum):
    """Fields of a tensor."""

    SHAPE = 0
    TYPE = 1
    BUFFER = 2
    NAME = 3
    QUANTIZATION = 4


class Quantization(IntEnum):
    """Fields of a tensor's quantization."""

    SCALE = 2
    ZERO_POINT = 3


class Operator(IntEnum):
    """Fields of an operator."""

    OPCODE_INDEX = 0
    INPUTS = 1
    OUTPUTS = 2
    OPTIONS_TYPE = 3
    OPTIONS = 4


BUFFER_DATA = 0
"""Field of a buffer."""

STRING = "string"

Options = Mapping[str, tuple[int, str, int]]
"""Name, as the schema has it -> field, struct's letter or STRING, default."""

_WINDOW = {"padding": (0, "b", 0), "strideW": (1, "i", 0), "strideH": (2, "i", 0)}
_ACTIVATION = (0, "b", 0)

OPTIONS: Mapping[str, Options] = {
    "ADD": {"fusedActivationFunction": _ACTIVATION},
    "AVERAGE_POOL_2D": {
        **_WINDOW,
        "filterWidth": (3, "i", 0),
        "filterHeight": (4, "i", 0),
        "fusedActivationFunction": (5, "b", 0),
    },
    "CALL_ONCE": {"initSubgraphIndex": (0, "i", 0)},
    "CONCATENATION": {"axis": (0, "i", 0), "fusedActivationFunction": (1, "b", 0)},
    "CONV_2D": {
        **_WINDOW,
        "fusedActivationFunction": (3, "b", 0),
        "dilationWFactor": (4, "i", 1),
        "dilationHFactor": (5, "i", 1),
    },
    "DEPTHWISE_CONV_2D": {
        **_WINDOW,
        "depthMultiplier": (3, "i", 0),
        "fusedActivationFunction": (4, "b", 0),
        "dilationWFactor": (5, "i", 1),
        "dilationHFactor": (6, "i", 1),
    },
    "FULLY_CONNECTED": {"fusedActivationFunction": _ACTIVATION, "weightsFormat": (1, "b", 0)},
    "LEAKY_RELU": {"alpha": (0, "f", 0)},
    "MAX_POOL_2D": {
        **_WINDOW,
        "filterWidth": (3, "i", 0),
        "filterHeight": (4, "i", 0),
        "fusedActivationFunction": (5, "b", 0),
    },
    "MUL": {"fusedActivationFunction": _ACTIVATION},
    "PACK": {"valuesCount": (0, "i", 0), "axis": (1, "i", 0)},
    "STRIDED_SLICE": {
        "beginMask": (0, "i", 0),
        "endMask": (1, "i", 0),
        "ellipsisMask": (2, "i", 0),
        "newAxisMask": (3, "i", 0),
        "shrinkAxisMask": (4, "i", 0),
    },
    "SUB": {"fusedActivationFunction": _ACTIVATION},
    "VAR_HANDLE": {"sharedName": (1, STRING, 0)},
}
"""Operator -> the options of it that matter here."""

_TYPES = (
    "float32 float16 int32 uint8 int64 string bool int16 complex64 int8 float64 complex128 uint64 resource "
    "variant uint32 uint16 int4 bfloat16 int2 uint4"
)
TYPES = tuple(_TYPES.split())
"""Types of tensors by number, as NumPy calls them where it knows them."""

_OPERATORS = """
ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE
EMBEDDING_LOOKUP FLOOR FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D
LOCAL_RESPONSE_NORMALIZATION LOGISTIC LSH_PROJECTION LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1 RELU6
RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH SVDF TANH CONCAT_EMBEDDINGS SKIP_GRAM CALL CUSTOM
EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND
TRANSPOSE MEAN SUB DIV SQUEEZE UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE BIDIRECTIONAL_SEQUENCE_RNN
EXP TOPK_V2 SPLIT LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM ARG_MAX
MINIMUM LESS NEG PADV2 GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV
SPARSE_TO_DENSE TILE EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW ARG_MIN FAKE_QUANT
REDUCE_PROD REDUCE_MAX PACK LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV
REDUCE_ANY SQUARE ZEROS_LIKE FILL FLOOR_MOD RANGE RESIZE_NEAREST_NEIGHBOR LEAKY_RELU
SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL REVERSE_V2 ADD_N GATHER_ND COS WHERE RANK ELU
REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND HARD_SWISH IF WHILE
NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM BATCH_MATMUL
PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM CALL_ONCE BROADCAST_TO RFFT2D CONV_3D IMAG REAL COMPLEX_ABS
HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL CONV_3D_TRANSPOSE VAR_HANDLE
READ_VARIABLE ASSIGN_VARIABLE BROADCAST_ARGS RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM
MULTINOMIAL GELU DYNAMIC_UPDATE_SLICE RELU_0_TO_1 UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX
UNSORTED_SEGMENT_SUM ATAN2 UNSORTED_SEGMENT_MIN SIGN BITCAST BITWISE_XOR RIGHT_SHIFT
STABLEHLO_LOGISTIC STABLEHLO_ADD STABLEHLO_DIVIDE STABLEHLO_MULTIPLY STABLEHLO_MAXIMUM
STABLEHLO_RESHAPE STABLEHLO_CLAMP STABLEHLO_CONCATENATE STABLEHLO_BROADCAST_IN_DIM
STABLEHLO_CONVOLUTION STABLEHLO_SLICE STABLEHLO_CUSTOM_CALL STABLEHLO_REDUCE STABLEHLO_ABS
STABLEHLO_AND STABLEHLO_COSINE STABLEHLO_EXPONENTIAL STABLEHLO_FLOOR STABLEHLO_LOG STABLEHLO_MINIMUM
STABLEHLO_NEGATE STABLEHLO_OR STABLEHLO_POWER STABLEHLO_REMAINDER STABLEHLO_RSQRT STABLEHLO_SELECT
STABLEHLO_SUBTRACT STABLEHLO_TANH STABLEHLO_SCATTER STABLEHLO_COMPARE STABLEHLO_CONVERT
STABLEHLO_DYNAMIC_SLICE STABLEHLO_DYNAMIC_UPDATE_SLICE STABLEHLO_PAD STABLEHLO_IOTA
STABLEHLO_DOT_GENERAL STABLEHLO_REDUCE_WINDOW STABLEHLO_SORT STABLEHLO_WHILE STABLEHLO_GATHER
STABLEHLO_TRANSPOSE DILATE STABLEHLO_RNG_BIT_GENERATOR REDUCE_WINDOW STABLEHLO_COMPOSITE
STABLEHLO_SHIFT_LEFT STABLEHLO_CBRT STABLEHLO_CASE
"""
OPERATORS = tuple(_OPERATORS.split())
"""Built-in operators by number."""
