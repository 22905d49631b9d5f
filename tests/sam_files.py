"""Small ONNX files with the inputs and outputs that SAM is exported with, whose masks can be foretold."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

AROUND = 40  # pixels, each way, that the decoder marks around a click


def write_encoder(path: Path, side: int = 1024) -> Path:
    """Means over 16 × 16 pixels of the picture it is given."""
    pool = helper.make_node("AveragePool", ["x"], ["features"], kernel_shape=[16, 16], strides=[16, 16])
    return _write(
        path, [pool], [_value("x", 1, 3, side, side)], [_value("features", 1, 3, side // 16, side // 16)]
    )


def write_decoder(path: Path, without: str = "") -> Path:
    """Of two masks the second is better: the box between the points with labels 2 and 3, or `AROUND` a point
    with label 1 that is followed by a filler. Of all else nothing. `without`: an input that it lacks.
    """
    constants: dict[str, np.ndarray] = {
        "zero": np.array(0, dtype=np.int64),
        "one": np.array(1, dtype=np.int64),
        "half": np.array(0.5, dtype=np.float32),
        "around": np.array(AROUND, dtype=np.float32),
        "box_labels": np.array([2, 3], dtype=np.float32),
        "click_labels": np.array([1, -1], dtype=np.float32),
        "iou_predictions_value": np.array([[0.2, 0.9]], dtype=np.float32),
        "reach": np.array([1, 1, -1, 1], dtype=np.int64),
        "across": np.array([1, 1, 1, -1], dtype=np.int64),
        "first_axis": np.array([0], dtype=np.int64),
    }
    nodes = [
        _node("Cast", ["orig_im_size"], "size", to=TensorProto.INT64),
        _node("Gather", ["size", "zero"], "height"),
        _node("Gather", ["size", "one"], "width"),
        _node("Range", ["zero", "height", "one"], "rows_int"),
        _node("Range", ["zero", "width", "one"], "columns_int"),
        _node("Cast", ["rows_int"], "rows_flat", to=TensorProto.FLOAT),
        _node("Cast", ["columns_int"], "columns_flat", to=TensorProto.FLOAT),
        _node("Reshape", ["rows_flat", "reach"], "rows"),
        _node("Reshape", ["columns_flat", "across"], "columns"),
        _node("Squeeze", ["point_coords", "first_axis"], "points"),
        _node("Squeeze", ["point_labels", "first_axis"], "labels"),
        _node("Gather", ["points", "zero"], "first"),
        _node("Gather", ["points", "one"], "second"),
        _node("Sub", ["first", "around"], "click_low"),
        _node("Add", ["first", "around"], "click_high"),
        *_all_equal("box"),
        *_all_equal("click"),
        _node("Where", ["is_click", "click_low", "first"], "low"),
        _node("Where", ["is_click", "click_high", "second"], "high"),
        *(
            node
            for axis, places, index in (("x", "columns", "zero"), ("y", "rows", "one"))
            for node in (
                _node("Gather", ["low", index], f"low_{axis}"),
                _node("Gather", ["high", index], f"high_{axis}"),
                _node("GreaterOrEqual", [places, f"low_{axis}"], f"from_{axis}"),
                _node("Less", [places, f"high_{axis}"], f"until_{axis}"),
                _node("And", [f"from_{axis}", f"until_{axis}"], f"in_{axis}"),
            )
        ),
        _node("And", ["in_x", "in_y"], "inside"),
        _node("Or", ["is_box", "is_click"], "is_known"),
        _node("And", ["inside", "is_known"], "marked"),
        _node("Cast", ["marked"], "amount", to=TensorProto.FLOAT),
        _node("Sub", ["amount", "half"], "better"),
        _node("Neg", ["better"], "worse"),
        _node("Concat", ["worse", "better"], "masks", axis=1),
        _node("Identity", ["iou_predictions_value"], "iou_predictions"),
        _node("Identity", ["mask_input"], "low_res_masks"),
    ]
    inputs = [
        _value("image_embeddings", 1, 3, 64, 64),
        _value("point_coords", 1, "points", 2),
        _value("point_labels", 1, "points"),
        _value("mask_input", 1, 1, 256, 256),
        _value("has_mask_input", 1),
        _value("orig_im_size", 2),
    ]
    outputs = [
        _value("masks", 1, 2, "height", "width"),
        _value("iou_predictions", 1, 2),
        _value("low_res_masks", 1, 1, 256, 256),
    ]
    if without:
        nodes = nodes[-2:]
        inputs = [value for value in inputs if value.name != without]
        outputs = outputs[1:]
    return _write(path, nodes, inputs, outputs, constants)


def _all_equal(kind: str) -> list[onnx.NodeProto]:
    return [
        _node("Sub", ["labels", f"{kind}_labels"], f"{kind}_off"),
        _node("ReduceL1", [f"{kind}_off"], f"{kind}_far", keepdims=0),
        _node("Less", [f"{kind}_far", "half"], f"is_{kind}"),
    ]


def _node(kind: str, inputs: list[str], output: str, **settings: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, [output], **settings)


def _value(name: str, *shape: int | str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))


def _write(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    constants: dict[str, np.ndarray] | None = None,
) -> Path:
    held = [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()]
    graph = helper.make_graph(nodes, "sam", inputs, outputs, held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path
