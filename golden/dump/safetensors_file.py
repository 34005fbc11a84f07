"""Reading and writing safetensors files: as much of the format as golden cases need.

Layout: 8 bytes little-endian header length, a JSON header padded with spaces to a multiple of 8, then the data of all tensors without holes.
"""
import json
import struct

import numpy
import torch

DTYPES = {
    "F32": numpy.dtype("<f4"),
    "F16": numpy.dtype("<f2"),
    "F64": numpy.dtype("<f8"),
    "I64": numpy.dtype("<i8"),
    "U8": numpy.dtype("u1"),
    "BOOL": numpy.dtype("?"),
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


def write(path, tensors):
    """Writes a dict of name -> torch tensor, in the dict's order (the order of computation, which readers keep)."""
    header, blobs, offset = {}, [], 0
    for name, tensor in tensors.items():
        bfloat16 = tensor.dtype == torch.bfloat16  # numpy has none
        array = numpy.ascontiguousarray((tensor.detach().view(torch.int16) if bfloat16 else tensor.detach()).cpu().numpy())
        blob = array.tobytes()
        header[name] = {"dtype": "BF16" if bfloat16 else NAMES[array.dtype], "shape": list(tensor.shape), "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        file.writelines(blobs)


def read(path):
    """Reads a file into a dict of name -> numpy array."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = numpy.frombuffer(data[begin:end], DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors
