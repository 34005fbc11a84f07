"""Target `pictures`: decoding, resize and batch as the original's validation transforms and Pillow do them."""
import io
import struct
import zlib

import numpy
import torch
from PIL import Image

from . import original, png_file
from .golden_case import GoldenCase, case
from .png_file import GREY, GREY_ALPHA, PALETTE, RGB, RGBA, chunk


def decoded(content):
    """As the original's data set opens a picture."""
    return Image.open(io.BytesIO(content)).convert("RGB")


def pixels(image):
    return torch.from_numpy(numpy.array(image))


# ------------------------------------------------------------------------------------------------------------ preprocessing

def picture(seed, h, w):
    """Slanted stripes, a soft gradient and some noise: edges make a wrong resize filter show."""
    random = numpy.random.RandomState(seed)
    y, x = numpy.mgrid[0:h, 0:w]
    planes = [((x * a + y * b) % c < c / 2) * 120 + x * 60 // max(w, 1) + y * 40 // max(h, 1) for a, b, c in ((3, 2, 11), (1, 4, 9), (5, -1, 13))]
    return (numpy.stack(planes, -1) + random.randint(0, 30, (h, w, 3))).astype(numpy.uint8)


def preprocess_case(seed, shortest, longest, sizes):
    resize = original.transforms.RandomResize([shortest], max_size=longest)
    to_tensor = original.transforms.ToTensor()
    normalize = original.transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    files, expected, batch = {}, {}, []
    for index, (h, w) in enumerate(sizes):
        name = f"picture-{index}.png"
        files[name] = png_file.write(picture(seed + index, h, w), RGB, 8, filters=(4,))
        image = decoded(files[name])
        resized, _ = resize(image, None)
        tensor, _ = normalize(to_tensor(resized, None)[0])
        expected[f"images.{index}.decoded"] = pixels(image)
        expected[f"images.{index}.resized"] = pixels(resized)
        batch.append(tensor)
    nested = original.misc.nested_tensor_from_tensor_list(batch)
    expected["samples.tensor"], expected["samples.mask"] = nested.tensors, nested.mask
    extra = {"preprocess": {"shortest": shortest, "longest": longest}, "pictures": list(files)}
    return GoldenCase("pictures", {}, expected=expected, extra=extra, files=files)


# Sizes are (h, w). Comments give the exact size before the original's int() or round().
_PREPROCESS = {
    "pictures-up": (1001, 40, 67, [(24, 30)]),
    "pictures-down": (1002, 20, 34, [(61, 83)]),
    "pictures-odd": (1003, 31, 53, [(17, 23)]),
    "pictures-truncated-wide": (1004, 40, 67, [(24, 32)]),                 # 53.33 -> 53, as 640x480 -> 1066
    "pictures-truncated-tall": (1005, 40, 67, [(47, 32)]),                 # 58.75 -> 58, where rounding gives 59
    "pictures-capped": (1006, 40, 50, [(30, 75)]),                         # 20: the long side comes out at its limit
    "pictures-capped-half-to-even-down": (1007, 40, 49, [(31, 62)]),       # 24.5 -> 24, and then 48 of 49
    "pictures-capped-half-to-even-up": (1008, 40, 51, [(62, 31)]),         # 25.5 -> 26, and then 52: over the limit
    "pictures-capped-long-side-short": (1009, 40, 67, [(21, 40)]),         # 35.175 -> 35, and 35 * 40 / 21 = 66.67 -> 66
    "pictures-extreme-wide": (1010, 40, 67, [(3, 50)]),                    # 4.02 -> 4, and 66.67 -> 66
    "pictures-extreme-tall": (1011, 40, 64, [(90, 2)]),                    # 1.42 -> 1
    "pictures-identity": (1012, 30, 50, [(30, 41)]),
    "pictures-square": (1013, 33, 55, [(20, 20)]),
    "pictures-batch": (1014, 32, 53, [(24, 32), (40, 20), (20, 50)]),
}
for _name, _arguments in _PREPROCESS.items():
    case(_name)(lambda arguments=_arguments: preprocess_case(*arguments))


# -------------------------------------------------------------------------------------------------------------- PNG formats

def formats():
    """File name -> bytes of many small PNGs."""
    random = numpy.random.RandomState(77)
    files = {}

    def samples(h, w, colour, depth, below=None):
        values = random.randint(0, below or 2**depth, (h, w, png_file.CHANNELS[colour]))
        values[: h // 2] = (values[: h // 2] * 0.2 + numpy.arange(w)[None, :, None] % (below or 2**depth) * 0.8).astype(values.dtype)  # half of it smooth
        return values

    def palette(entries):
        return random.randint(0, 256, (entries, 3))

    def add(name, h, w, colour, depth, below=None, **options):
        files[f"{name}.png"] = png_file.write(samples(h, w, colour, depth, below), colour, depth, **options)

    for filter_type, name in enumerate(("none", "sub", "up", "average", "paeth")):
        add(f"rgb8-filter-{name}", 5, 7, RGB, 8, filters=(filter_type,))
    add("rgb8-all-filters", 9, 13, RGB, 8)
    add("rgba8-all-filters", 9, 13, RGBA, 8)
    add("grey8-all-filters", 7, 9, GREY, 8)
    add("grey-alpha8-all-filters", 6, 11, GREY_ALPHA, 8)
    for depth in (1, 2, 4):
        add(f"grey{depth}", 6, 13, GREY, depth)
    for depth in (1, 2, 4, 8):
        add(f"palette{depth}", 6, 13, PALETTE, depth, palette=palette(2**depth))
    add("rgb16", 5, 7, RGB, 16)
    add("rgba16", 5, 7, RGBA, 16)
    add("grey-alpha16", 5, 7, GREY_ALPHA, 16)

    add("rgb8-interlaced", 9, 13, RGB, 8, interlaced=True)
    add("rgba8-interlaced", 7, 5, RGBA, 8, interlaced=True)
    add("grey8-interlaced", 5, 9, GREY, 8, interlaced=True)
    add("grey-alpha8-interlaced", 8, 8, GREY_ALPHA, 8, interlaced=True)
    for depth in (1, 2, 4):
        add(f"grey{depth}-interlaced", 9, 11, GREY, depth, interlaced=True)
    add("palette1-interlaced", 9, 13, PALETTE, 1, palette=palette(2), interlaced=True)
    add("palette4-interlaced", 7, 10, PALETTE, 4, palette=palette(16), interlaced=True)
    add("palette8-interlaced", 7, 10, PALETTE, 8, palette=palette(256), interlaced=True)
    add("rgb16-interlaced", 6, 7, RGB, 16, interlaced=True)
    add("grey-alpha16-interlaced", 6, 7, GREY_ALPHA, 16, interlaced=True)
    add("interlaced-one-pixel", 1, 1, RGB, 8, interlaced=True)      # passes 2 to 7 are empty
    add("interlaced-narrow", 9, 2, RGB, 8, interlaced=True)
    add("interlaced-flat", 1, 6, GREY, 4, interlaced=True)

    add("palette8-transparent", 6, 9, PALETTE, 8, palette=palette(256), transparency=bytes(range(0, 250, 7)))
    add("palette2-transparent", 6, 9, PALETTE, 2, palette=palette(4), transparency=b"\x00\x80")
    add("grey8-transparent", 5, 7, GREY, 8, transparency=struct.pack(">H", 3))
    add("grey2-transparent", 5, 7, GREY, 2, transparency=struct.pack(">H", 1))
    add("rgb8-transparent", 5, 7, RGB, 8, transparency=struct.pack(">HHH", 1, 2, 3))
    add("rgb16-transparent", 5, 7, RGB, 16, transparency=struct.pack(">HHH", 1000, 2, 3))
    add("palette8-short", 6, 9, PALETTE, 8, palette=palette(11), below=40)      # indices up to 39, 11 entries
    add("palette4-short", 6, 9, PALETTE, 4, palette=palette(5))

    profile = chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(range(130))))
    text = chunk(b"tEXt", b"Comment\0not a picture")
    add("chunks-before", 6, 8, RGB, 8, before=[chunk(b"gAMA", struct.pack(">I", 45455)), profile, chunk(b"pHYs", struct.pack(">IIB", 2835, 2835, 1)), text])
    add("chunks-after", 6, 8, RGB, 8, after=[text, chunk(b"tIME", struct.pack(">HBBBBB", 2020, 12, 7, 1, 2, 3))])
    add("chunk-unknown", 6, 8, RGBA, 8, before=[chunk(b"prVt", b"private")])
    add("grey8-gamma", 6, 8, GREY, 8, before=[chunk(b"gAMA", struct.pack(">I", 100000))])
    add("data-in-many-chunks", 9, 13, RGB, 8, parts=17)
    add("data-in-many-chunks-interlaced", 9, 13, PALETTE, 4, palette=palette(16), interlaced=True, parts=5)
    return files


@case("png-formats")
def _():
    files = formats()
    expected = {f"images.{index}.decoded": pixels(decoded(content)) for index, content in enumerate(files.values())}
    extra = {"preprocess": {"shortest": 8, "longest": 16}, "pictures": list(files)}
    return GoldenCase("pictures", {}, expected=expected, extra=extra, files=files)
