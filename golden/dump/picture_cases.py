"""Target `pictures`: decoding, resize and batch as the original's validation transforms and Pillow do them."""
import io
import struct
import zlib

import numpy
import torch
from PIL import Image

from . import jpeg_file, original, png_file
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


# ------------------------------------------------------------------------------------------------------------- JPEG formats

SAMPLINGS = {  # across and down of Y, Cb, Cr
    "444": [(1, 1)] * 3, "422": [(2, 1), (1, 1), (1, 1)], "420": [(2, 2), (1, 1), (1, 1)], "440": [(1, 2), (1, 1), (1, 1)], "411": [(4, 1), (1, 1), (1, 1)],
    "410": [(4, 2), (1, 1), (1, 1)], "mixed": [(2, 2), (2, 1), (1, 2)], "444-as-21": [(2, 1)] * 3, "chroma-finer": [(1, 1), (2, 2), (1, 1)],
}
JFIF = jpeg_file.segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")


def adobe(transform):
    return jpeg_file.segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes([transform]))


def jpegs():
    """File name -> bytes of many small JPEGs."""
    files, seed = {}, [2000]

    def converted(h, w, mode):
        """Pillow makes no black ink of RGB; here it is a picture of its own."""
        seed[0] += 1
        image = Image.fromarray(picture(seed[0], h, w)).convert(mode)
        if mode != "CMYK":
            return image
        black = Image.fromarray(255 - picture(seed[0] + 500, h, w)[..., 0])
        return Image.merge("CMYK", [*image.split()[:3], black])

    def planes(h, w, count):
        """Planes of a picture as they are stored: for three, its Y, Cb, Cr."""
        image = converted(h, w, {1: "L", 3: "YCbCr", 4: "CMYK"}[count])
        return list(numpy.asarray(image).reshape(h, w, count).transpose(2, 0, 1))

    def add(name, h, w, sampling, **options):
        files[f"{name}.jpg"] = jpeg_file.write(planes(h, w, len(sampling)), sampling, **options)

    def by_pillow(name, h, w, mode="RGB", **options):
        stream = io.BytesIO()
        converted(h, w, mode).save(stream, "JPEG", **options)
        files[f"{name}.jpg"] = stream.getvalue()

    for sampling in (0, 1, 2):
        for quality in (5, 50, 75, 95, 100):
            by_pillow(f"pillow-{sampling}-q{quality}", 27 + quality % 7, 35 + sampling, quality=quality, subsampling=sampling)
            by_pillow(f"pillow-{sampling}-q{quality}-progressive", 26, 30 + quality % 9, quality=quality, subsampling=sampling, progressive=True)
    for quality in (30, 90):
        by_pillow(f"pillow-grey-q{quality}", 25, 33, "L", quality=quality)
        by_pillow(f"pillow-grey-q{quality}-progressive", 25, 33, "L", quality=quality, progressive=True)
        by_pillow(f"pillow-cmyk-q{quality}", 19, 23, "CMYK", quality=quality)
        by_pillow(f"pillow-cmyk-q{quality}-progressive", 19, 23, "CMYK", quality=quality, progressive=True)
    by_pillow("pillow-optimized", 40, 50, quality=85, optimize=True)

    for name, sampling in SAMPLINGS.items():
        add(f"{name}", 37, 43, sampling, before=JFIF)
        add(f"{name}-restart", 33, 50, sampling, before=JFIF, restart=2, quality=60)
        script = "bits" if name == "mixed" else "spectral" if name in ("411", "410") else "bands of bits"
        add(f"{name}-progressive", 29, 41, sampling, frame=jpeg_file.SOF_PROGRESSIVE, script=jpeg_file.scripts(3)[script], quality=85)
    for h, w in ((1, 1), (1, 2), (2, 1), (2, 2), (3, 4), (5, 3), (4, 5), (7, 6), (8, 8), (9, 9), (16, 16), (17, 17), (1, 33), (33, 1)):
        for name in ("422", "420", "440"):
            add(f"size-{h}x{w}-{name}", h, w, SAMPLINGS[name], quality=92)

    add("scans-apart", 30, 34, SAMPLINGS["420"], script=[([c], 0, 63, 0, 0) for c in (2, 0, 1)])
    add("scans-one-and-two", 30, 34, SAMPLINGS["422"], script=[([0], 0, 63, 0, 0), ([1, 2], 0, 63, 0, 0)], restart=3)
    add("progressive-restart", 30, 34, SAMPLINGS["420"], frame=jpeg_file.SOF_PROGRESSIVE, script=jpeg_file.scripts(3)["bits"], restart=1)
    add("extended", 30, 34, SAMPLINGS["420"], frame=jpeg_file.SOF_EXTENDED)
    add("steps-of-16-bits", 30, 34, SAMPLINGS["420"], frame=jpeg_file.SOF_EXTENDED, precision=1, steps=[numpy.full(64, 300), numpy.full(64, 700)])
    add("fill-bytes", 30, 34, SAMPLINGS["420"], fill=b"\xff\xff\xff")
    add("bytes-of-nobody", 30, 34, SAMPLINGS["420"], behind=b"\x01\x02\xff\x00\x03")
    add("comments", 30, 34, SAMPLINGS["420"], before=JFIF + jpeg_file.segment(0xFE, b"a comment") + jpeg_file.segment(0xE2, b"ICC_PROFILE\0\1\1none"))
    add("short-codes", 30, 34, SAMPLINGS["420"], deepest=9)
    add("rgb-by-adobe", 30, 34, SAMPLINGS["444"], before=adobe(0))
    add("rgb-by-names", 30, 34, SAMPLINGS["422"], ids=[82, 71, 66])
    add("ycc-by-adobe", 30, 34, SAMPLINGS["422"], before=adobe(1))
    add("ycc-by-jfif-over-adobe", 30, 34, SAMPLINGS["422"], before=JFIF + adobe(0))
    add("ycc-by-default", 30, 34, SAMPLINGS["422"], ids=[7, 3, 200])
    add("grey-as-22", 21, 30, [(2, 2)])
    add("grey-restart", 21, 30, [(1, 1)], restart=1)
    add("cmyk", 21, 30, [(1, 1)] * 4)
    add("cmyk-by-adobe", 21, 30, [(1, 1)] * 4, before=adobe(0))
    add("ycck", 21, 30, [(1, 1)] * 4, before=adobe(2))
    add("ycck-420", 21, 30, [(2, 2), (1, 1), (1, 1), (2, 2)], before=adobe(2))
    add("ycck-420-progressive", 21, 30, [(2, 2), (1, 1), (1, 1), (2, 2)], before=adobe(2), frame=jpeg_file.SOF_PROGRESSIVE,
        script=jpeg_file.scripts(4)["bands of bits"])
    random = numpy.random.RandomState(78)
    for name, amplitude, filled in (("strange-sparse", 300, 0.05), ("strange-full", 60, 1), ("strange-huge", 1023, 0.2)):
        blocks = [random.randint(-amplitude, amplitude + 1, (3, 4, 64)) * (random.rand(3, 4, 64) < filled) for _ in range(3)]
        add(name, 24, 32, SAMPLINGS["444"], blocks=blocks, steps=[random.randint(1, 256, 64) for _ in range(2)])
    return files


@case("jpeg-formats")
def _():
    files = jpegs()
    expected = {f"images.{index}.decoded": pixels(decoded(content)) for index, content in enumerate(files.values())}
    extra = {"preprocess": {"shortest": 8, "longest": 16}, "pictures": list(files)}
    return GoldenCase("pictures", {}, expected=expected, extra=extra, files=files)
