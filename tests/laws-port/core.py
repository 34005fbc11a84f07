"""The core of deformable attention in NumPy, by itself: a port for `deform-detr laws` to try its laws on.

    deform-detr laws --op ms_deform_attn_core --command "python3 tests/laws-port/core.py {in} {out}"

A third argument plants a fault: align-corners, clamped-border, swapped-axes, floor-only, level-order.
"""
import json
import sys

import numpy as np

TYPES = {"F32": np.float32, "I64": np.int64, "BOOL": np.bool_}


def read(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        tensors[name] = np.frombuffer(data[first:last], TYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors, metadata


def write(path, tensors):
    header, parts, at = {}, [], 0
    for name, tensor in tensors.items():
        part = np.ascontiguousarray(tensor, np.float32).tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [at, at + len(part)]}
        parts.append(part)
        at += len(part)
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + b"".join(parts))


def core(value, shapes, starts, locations, weights, fault):
    n, _, heads, channels = value.shape
    queries = locations.shape[1]
    output = np.zeros((n, queries, heads, channels), np.float32)
    if fault == "swapped-axes":
        locations = locations[..., ::-1]
    for level, (height, width) in enumerate(shapes):
        start = starts[level]
        field = value[:, start:start + height * width]
        # Queries and heads are looked up together: [N, Lq, M, P].
        x, y = locations[:, :, :, level, :, 0], locations[:, :, :, level, :, 1]
        if fault == "align-corners":
            px, py = x * np.float32(width - 1), y * np.float32(height - 1)
        else:
            px, py = x * np.float32(width) - np.float32(0.5), y * np.float32(height) - np.float32(0.5)
        if fault == "clamped-border":
            px, py = np.clip(px, 0, width - 1), np.clip(py, 0, height - 1)
        weight = weights[:, :, :, len(shapes) - 1 - level if fault == "level-order" else level]
        left, top = np.floor(px), np.floor(py)
        for down in (0, 1):
            for right in (0, 1):
                column, row = left + right, top + down
                share = (1 - abs(px - column)) * (1 - abs(py - row))
                if fault == "floor-only":
                    share = np.full_like(share, 1 - right) * (1 - down)
                inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
                token = np.where(inside, row * width + column, 0).astype(np.int64)
                picture = np.arange(n)[:, None, None, None]
                head = np.arange(heads)[None, None, :, None]
                part = np.where(inside, share * weight, 0).astype(np.float32)
                output += (field[picture, token, head] * part[..., None]).sum(axis=3, dtype=np.float32)
    return output.reshape(n, queries, heads * channels)


def main():
    tensors, metadata = read(sys.argv[1])
    assert metadata["target"] == "ms_deform_attn_core"
    fault = sys.argv[3] if len(sys.argv) > 3 else ""
    outputs = {}
    for k in range(int(metadata["cases"])):
        case = [tensors[f"{k}/{name}"] for name in
                ("value", "spatial_shapes", "level_start_index", "sampling_locations", "attention_weights")]
        outputs[f"{k}/output"] = core(*case, fault)
    write(sys.argv[2], outputs)


main()
