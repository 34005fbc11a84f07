"""A PNG writer for every colour type, bit depth and filter, with Adam7: Pillow writes only a few of them. (PNG specification, sections 7 to 11.)"""
import struct
import zlib

import numpy

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
_ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]  # first row, first column, steps


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def write(samples, colour, depth, *, interlaced=False, filters=(0, 1, 2, 3, 4), palette=None, transparency=None, before=(), after=(), parts=1):
    """The bytes of a PNG. `samples` is (h, w, channels); `filters` are used row after row in turn; `before` and `after` are ancillary chunks on both
    sides of the image data; `parts` is the number of IDAT chunks."""
    h, w, _ = samples.shape
    passes = [samples[r::dr, c::dc] for r, c, dr, dc in _ADAM7] if interlaced else [samples]
    raw, row_number = bytearray(), 0
    for image in passes:
        if image.shape[0] == 0 or image.shape[1] == 0:
            continue
        step = max(1, CHANNELS[colour] * depth // 8)
        previous = bytes(len(_pack(image[0], depth)))
        for row in image:
            line = _pack(row, depth)
            kind = filters[row_number % len(filters)]
            raw += bytes([kind]) + _filter(kind, line, previous, step)
            previous, row_number = line, row_number + 1
    data = zlib.compress(bytes(raw), 9)
    out = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, int(interlaced)))
    out += b"".join(before)
    if palette is not None:
        out += chunk(b"PLTE", palette.astype(numpy.uint8).tobytes())
    if transparency is not None:
        out += chunk(b"tRNS", transparency)
    size = -(-len(data) // parts)
    for start in range(0, len(data), size):
        out += chunk(b"IDAT", data[start:start + size])
    return out + b"".join(after) + chunk(b"IEND", b"")


def _pack(row, depth):
    values = row.reshape(-1)
    if depth == 16:
        return values.astype(">u2").tobytes()
    if depth == 8:
        return values.astype(numpy.uint8).tobytes()
    per_byte = 8 // depth
    padded = numpy.zeros(-(-len(values) // per_byte) * per_byte, dtype=numpy.uint8)
    padded[:len(values)] = values
    shifts = numpy.arange(per_byte - 1, -1, -1, dtype=numpy.uint8) * depth  # the leftmost pixel is in the highest bits
    return (padded.reshape(-1, per_byte) << shifts).sum(1).astype(numpy.uint8).tobytes()


def _filter(kind, line, previous, step):
    out = bytearray(len(line))
    for i, value in enumerate(line):
        left = line[i - step] if i >= step else 0
        up = previous[i]
        corner = previous[i - step] if i >= step else 0
        predicted = (0, left, up, (left + up) // 2, _paeth(left, up, corner))[kind]
        out[i] = (value - predicted) & 255
    return bytes(out)


def _paeth(left, up, corner):
    estimate = left + up - corner
    distances = abs(estimate - left), abs(estimate - up), abs(estimate - corner)
    return (left, up, corner)[distances.index(min(distances))]
