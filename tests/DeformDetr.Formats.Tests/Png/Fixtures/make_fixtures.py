"""Writes decoding.json: PNG files of every kind, and what Pillow 9.4 makes of them with Image.open(f).convert("RGB").

    python3 make_fixtures.py            (needs Pillow 9.4 and numpy)

Each entry: name, png (base64), height, width, rgb (base64 of the h*w*3 bytes).
"""
import base64
import io
import json
import os
import struct
import warnings
import zlib

import numpy as np
import PIL
from PIL import Image

assert PIL.__version__ == "9.4.0", PIL.__version__
HERE = os.path.dirname(os.path.abspath(__file__))
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
NAMES = {GREY: "grey", RGB: "rgb", PALETTE: "palette", GREY_ALPHA: "grey-alpha", RGBA: "rgba"}
ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
random = np.random.RandomState(20240517)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def paeth(a, b, c):
    p = a + b - c
    pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
    return a if pa <= pb and pa <= pc else b if pb <= pc else c


def pack(samples, depth):
    """One row of samples to bytes, as the format packs them."""
    if depth == 16:
        return b"".join(struct.pack(">H", int(s)) for s in samples)
    if depth == 8:
        return bytes(int(s) for s in samples)
    bits = "".join(format(int(s), "0%db" % depth) for s in samples)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))


def filtered(rows, bpp, choose):
    out, above = b"", None
    for y, row in enumerate(rows):
        above = above or bytes(len(row))
        kind = choose(y)
        line = bytearray()
        for x, value in enumerate(row):
            a = row[x - bpp] if x >= bpp else 0
            b = above[x]
            c = above[x - bpp] if x >= bpp else 0
            line.append((value - [0, a, b, (a + b) // 2, paeth(a, b, c)][kind]) % 256)
        out += bytes([kind]) + bytes(line)
        above = row
    return out


def png(samples, depth, colour, interlace=False, before=b"", after=b"", choose=lambda y: random.randint(5), pieces=1, extra=b""):
    """samples: (h, w, channels). before: chunks between IHDR and IDAT; pieces: number of IDATs."""
    height, width = samples.shape[:2]
    bpp = max(1, CHANNELS[colour] * depth // 8)
    passes = ADAM7 if interlace else [(0, 0, 1, 1)]
    raw = b""
    for y0, x0, dy, dx in passes:
        part = samples[y0::dy, x0::dx]
        if part.size:
            raw += filtered([pack(row.reshape(-1), depth) for row in part], bpp, choose)
    data = zlib.compress(raw, 9) + extra
    cuts = [len(data) * i // pieces for i in range(pieces + 1)]
    idats = b"".join(chunk(b"IDAT", data[a:b]) for a, b in zip(cuts, cuts[1:]))
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlace))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + idats + after + chunk(b"IEND", b"")


def samples_of(height, width, depth, colour):
    """A slope with noise, so that filters meet all of their cases."""
    top = 2 ** depth - 1
    y, x, c = np.mgrid[0:height, 0:width, 0:CHANNELS[colour]]
    slope = (x * 7 + y * 5 + c * 40) / 160.0 * top
    noise = random.randint(0, top + 1, slope.shape) * 0.4
    return ((slope + noise) % (top + 1)).astype(np.int64)


def plte(colours):
    return chunk(b"PLTE", random.randint(0, 256, 3 * colours).astype(np.uint8).tobytes())


def frame(sequence, width, height):
    return chunk(b"fcTL", struct.pack(">IIIIIHHBB", sequence, width, height, 0, 0, 1, 10, 0, 0))


def pillow_saves(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


cases = []


def case(name, data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        picture = np.array(Image.open(io.BytesIO(data)).convert("RGB"))
    cases.append({
        "name": name, "png": base64.b64encode(data).decode(),
        "height": picture.shape[0], "width": picture.shape[1], "rgb": base64.b64encode(picture.tobytes()).decode()})


KINDS = [(GREY, 1), (GREY, 2), (GREY, 4), (GREY, 8), (RGB, 8), (RGB, 16), (PALETTE, 1), (PALETTE, 2), (PALETTE, 4), (PALETTE, 8),
         (GREY_ALPHA, 8), (GREY_ALPHA, 16), (RGBA, 8), (RGBA, 16)]
for colour, depth in KINDS:
    for interlace in (False, True):
        before = plte(2 ** depth) if colour == PALETTE else b""
        name = "%s, %d bits%s" % (NAMES[colour], depth, ", interlaced" if interlace else "")
        case(name, png(samples_of(10, 13, depth, colour), depth, colour, interlace, before))

# Passes of Adam7 that hold nothing, and rows that end inside a byte.
for height in range(1, 6):
    for width in range(1, 10 if height < 3 else 6):
        case("grey, 2 bits, interlaced, %d x %d" % (height, width), png(samples_of(height, width, 2, GREY), 2, GREY, True))
case("rgb, 8 bits, interlaced, 9 x 17", png(samples_of(9, 17, 8, RGB), 8, RGB, True))
case("grey, 1 bit, one row of 17", png(samples_of(1, 17, 1, GREY), 1, GREY))

# Every filter alone, on one and on several bytes per pixel.
for kind in range(5):
    case("rgb, filter %d" % kind, png(samples_of(5, 7, 8, RGB), 8, RGB, choose=lambda y, kind=kind: kind))
    case("grey, 4 bits, filter %d" % kind, png(samples_of(5, 7, 4, GREY), 4, GREY, choose=lambda y, kind=kind: kind))

# Palettes and transparency.
indices = np.arange(16).reshape(4, 4, 1)
case("palette with fewer colours than indices", png(indices * 17, 8, PALETTE, before=plte(5)))
case("palette of 4 bits with fewer colours than indices", png(indices, 4, PALETTE, before=plte(3)))
case("palette of 2 bits with 256 colours", png(indices % 4, 2, PALETTE, before=plte(256)))
case("palette with one transparent colour", png(indices, 8, PALETTE, before=plte(16) + chunk(b"tRNS", b"\xff\xff\x00\xff")))
case("palette with half transparent colours", png(indices, 8, PALETTE, before=plte(16) + chunk(b"tRNS", bytes(range(0, 160, 10)))))
case("palette of 1 bit with transparency", png(indices % 2, 1, PALETTE, before=plte(2) + chunk(b"tRNS", b"\x00")))
case("grey with a transparent value", png(indices * 16, 8, GREY, before=chunk(b"tRNS", b"\x00\x20")))
case("grey of 1 bit with a transparent value", png(indices % 2, 1, GREY, before=chunk(b"tRNS", b"\x00\x01")))
case("grey of 2 bits with a transparent value", png(indices % 4, 2, GREY, before=chunk(b"tRNS", b"\x00\x03")))
case("rgb with a transparent value", png(samples_of(4, 4, 8, RGB), 8, RGB, before=chunk(b"tRNS", b"\x00\x20\x00\x30\x00\x40")))
case("rgb of 16 bits with a transparent value", png(samples_of(4, 4, 16, RGB), 16, RGB, before=chunk(b"tRNS", b"\x12\x20\x34\x30\x56\x40")))
case("rgb with a suggested palette", png(samples_of(4, 4, 8, RGB), 8, RGB, before=plte(7)))
case("grey with a palette that means nothing", png(indices * 16, 8, GREY, before=plte(7)))
case("rgb of 16 bits, all high and low bytes", png(np.arange(0, 65536, 65536 // 192)[:192].reshape(8, 8, 3), 16, RGB))

# Chunks.
some = samples_of(6, 7, 8, RGB)
case("several IDATs", png(some, 8, RGB, pieces=9))
case("IDATs of which some are empty", png(some, 8, RGB, pieces=500))
ancillary = (chunk(b"gAMA", struct.pack(">I", 45455)) + chunk(b"cHRM", struct.pack(">8I", *range(8))) + chunk(b"sRGB", b"\x00")
             + chunk(b"pHYs", struct.pack(">IIB", 2835, 2835, 1)) + chunk(b"tEXt", b"Comment\x00hello") + chunk(b"prVt", b"anything")
             + chunk(b"bKGD", bytes(6)) + chunk(b"eXIf", b"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"))
case("ancillary chunks, a gamma and a rotation among them", png(some, 8, RGB, before=ancillary, after=chunk(b"tIME", bytes(7)) + chunk(b"zTXt", b"a\x00\x00oops")))
broken = bytearray(chunk(b"tEXt", b"Comment\x00hello"))
broken[-1] ^= 1
case("an ancillary chunk with a wrong CRC after the image data", png(some, 8, RGB, after=bytes(broken)))
case("bytes after IEND", png(some, 8, RGB) + b"\x00junk")
case("bytes after the zlib stream", png(some, 8, RGB, extra=b"junk"))
header = chunk(b"acTL", struct.pack(">II", 2, 0))
second = frame(1, 7, 6) + chunk(b"fdAT", struct.pack(">I", 2) + zlib.compress(bytes(22 * 6)))
case("animation whose first frame is the picture", png(some, 8, RGB, before=header + frame(0, 7, 6), after=second))
header = chunk(b"acTL", struct.pack(">II", 1, 0))
second = frame(0, 7, 6) + chunk(b"fdAT", struct.pack(">I", 1) + zlib.compress(bytes(22 * 6)))
case("animation with a picture of its own", png(some, 8, RGB, before=header, after=second))

# Written by Pillow itself.
big = Image.fromarray(samples_of(24, 31, 8, RGB).astype(np.uint8))
case("saved by Pillow, rgb", pillow_saves(big, optimize=True))
case("saved by Pillow, palette", pillow_saves(big.quantize(11)))
case("saved by Pillow, 1 bit", pillow_saves(big.convert("1")))
case("saved by Pillow, grey and alpha", pillow_saves(big.convert("LA")))

with open(os.path.join(HERE, "decoding.json"), "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
print(len(cases), "cases")
