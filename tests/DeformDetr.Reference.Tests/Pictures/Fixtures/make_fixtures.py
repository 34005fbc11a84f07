"""Writes sizes.csv, resize.json, normalization.json and batch.json: what the original, Pillow 9.4 and torchvision 0.14.1 compute.

    python3 make_fixtures.py ORIGINAL       (a checkout of fundamentalvision/Deformable-DETR at 11169a6; needs Pillow 9.4, torchvision 0.14.1)

Larger pictures are made by splitmix64 on both sides, and their results are kept as SHA-256.
"""
import base64
import hashlib
import importlib.util
import json
import os
import sys

import numpy as np
import PIL
import torch
import torchvision
from PIL import Image

assert PIL.__version__ == "9.4.0" and torchvision.__version__.startswith("0.14"), (PIL.__version__, torchvision.__version__)
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, sys.argv[1])
torchvision.__version__ = "9.9"  # util.misc compares the first three characters with 0.5 and 0.7, so it takes 0.14 for 0.1
import util.misc  # noqa: E402

# The file alone: the package around it wants pycocotools.
spec = importlib.util.spec_from_file_location("original_transforms", os.path.join(sys.argv[1], "datasets", "transforms.py"))
original = importlib.util.module_from_spec(spec)
spec.loader.exec_module(original)

random = np.random.RandomState(42)


def write(name, entries):
    with open(os.path.join(HERE, name), "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(entry) for entry in entries) + "\n]\n")
    print(name, len(entries))


def base(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def recipe(height, width, seed):
    """(h, w, 3) bytes: a slope plus noise from splitmix64, mod 256."""
    with np.errstate(over="ignore"):
        i = np.arange(height * width * 3, dtype=np.uint64)
        z = np.uint64(seed) + (i + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    pixel = i // np.uint64(3)
    slope = pixel % np.uint64(width) + np.uint64(2) * (pixel // np.uint64(width)) + np.uint64(50) * (i % np.uint64(3))
    return ((slope + (z >> np.uint64(58))) % np.uint64(256)).astype(np.uint8).reshape(height, width, 3)


# --- sizes: the original's resize() with the pixels left out -------------------------------------------------------------------------
class Sized:
    def __init__(self, size):
        self.size = size


def size_of(height, width, shortest, longest):
    seen = []
    keep = original.F.resize
    original.F.resize = lambda image, size: seen.append(tuple(size)) or Sized((size[1], size[0]))
    try:
        original.resize(Sized((width, height)), None, shortest, longest)
    finally:
        original.F.resize = keep
    return seen[0]


table = []
for h, w in [(480, 640), (640, 480), (375, 500), (500, 375), (426, 640), (640, 426), (427, 640), (640, 427), (428, 640), (333, 500), (640, 640), (800, 800),
             (800, 1066), (800, 1333), (800, 1334), (1333, 800), (1334, 800), (800, 600), (600, 800), (1, 1), (1, 2), (2, 1), (3, 5), (1080, 1920), (1920, 1080),
             (2160, 3840), (3000, 4000), (4000, 3000), (100, 1000), (1000, 100), (50, 1333), (10, 1333), (1, 1333), (1, 2000), (2, 3000), (799, 1332), (801, 1334),
             (479, 640), (481, 640), (768, 1024), (200, 334), (480, 800), (800, 480), (600, 1000), (99999, 100), (178956, 1000)]:
    table.append((h, w, 800, 1333))
for _ in range(150):
    table.append((random.randint(1, 1500), random.randint(1, 1500), 800, 1333))
for _ in range(60):
    table.append((random.randint(1, 1500), random.randint(1, 1500), [480, 512, 544, 576, 608, 640, 672, 704, 736, 768][random.randint(10)], 1333))
for _ in range(100):
    table.append((random.randint(1, 200), random.randint(1, 200), random.randint(1, 60), random.randint(1, 100)))
halves = 0
for longest in range(1, 60):           # longest * min / max ends in exactly one half: to the even neighbour
    for small in range(1, 12):
        for big in (2 * small, 4 * small, 2, 4, 6, 8, 10, 12):
            if big > small and (2 * longest * small) % (2 * big) == big and big / small * 50 > longest and longest * small > big and halves < 120:
                halves += 1
                table.append((small, big, 50, longest) if halves % 2 else (big, small, 50, longest))
# Where the order of float64 operations shows: longest * (min / max) rounds elsewhere.
orders = 0
while orders < 40:
    longest = int(random.randint(1, 1500)) if orders % 2 else 1333
    big = 2 * int(random.randint(1, 1500))
    small = int(random.randint(1, big))
    if round(longest * float(small) / float(big)) != round(longest * (float(small) / float(big))) and big / small * 800 > longest:
        orders += 1
        table.append((small, big, 800, longest))
# Where the cap is passed by less than one pixel and still takes one off the shorter side.
near = 0
while near < 40:
    small, big = int(random.randint(400, 1200)), int(random.randint(400, 2000))
    longest = [1333, 900, 1000][random.randint(3)]
    if 0 < big / small * 800 - longest < 1 and round(longest * small / big) < 800:
        near += 1
        table.append((small, big, 800, longest))
with open(os.path.join(HERE, "sizes.csv"), "w") as file:
    file.write("height,width,shortest,longest,resized_height,resized_width\n")
    rows = 0
    for h, w, shortest, longest in table:
        out = size_of(int(h), int(w), int(shortest), int(longest))
        file.write("%d,%d,%d,%d,%d,%d\n" % (h, w, shortest, longest, out[0], out[1]))
        rows += 1
print("sizes.csv", rows, "of which halves", halves)

# --- resize -----------------------------------------------------------------------------------------------------------------------------
entries = []


def resized(picture, height, width):
    return np.array(original.F.resize(Image.fromarray(picture), (height, width)))


def small(height, width, to_height, to_width, kind="noise"):
    if kind == "noise":
        picture = random.randint(0, 256, (height, width, 3)).astype(np.uint8)
    elif kind == "extremes":
        picture = (random.randint(0, 2, (height, width, 3)) * 255).astype(np.uint8)
    else:
        picture = np.zeros((height, width, 3), np.uint8)
        picture[height // 2, width // 2] = 255
    entries.append({
        "name": "%s, %d x %d to %d x %d" % (kind, height, width, to_height, to_width), "picture": base(picture), "height": height, "width": width,
        "resized": base(resized(picture, to_height, to_width)), "resizedHeight": to_height, "resizedWidth": to_width})


for kind in ("noise", "extremes", "point"):
    small(7, 5, 14, 10, kind)
    small(14, 10, 7, 5, kind)
    small(9, 11, 13, 8, kind)
    small(9, 11, 4, 17, kind)
    small(12, 13, 12, 13, kind)
    small(12, 13, 12, 7, kind)
    small(12, 13, 5, 13, kind)
small(1, 1, 5, 4)
small(1, 1, 1, 1)
small(6, 7, 1, 1)
small(1, 9, 3, 4)
small(9, 1, 4, 3)
small(16, 16, 3, 3)
small(17, 19, 5, 6)
small(30, 40, 8, 11)
small(5, 6, 16, 19)


def large(height, width, to_height, to_width):
    digest = hashlib.sha256(resized(recipe(height, width, height), to_height, to_width).tobytes()).hexdigest()
    entries.append({"name": "recipe, %d x %d to %d x %d" % (height, width, to_height, to_width), "height": height, "width": width,
                    "resizedHeight": to_height, "resizedWidth": to_width, "sha256": digest})


large(480, 640, 800, 1066)
large(375, 500, 800, 1066)
large(426, 640, 800, 1201)
large(427, 640, 800, 1199)
large(1080, 1920, 750, 1333)
large(640, 427, 1199, 800)
large(1000, 37, 333, 12)
large(3, 20000, 5, 999)
large(20000, 3, 123, 5)
large(613, 877, 611, 877)
write("resize.json", entries)

# --- normalisation: every byte in every channel -------------------------------------------------------------------------------------------
normalize = torchvision.transforms.Compose([torchvision.transforms.ToTensor(), torchvision.transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
bytes_ = np.stack([np.arange(256, dtype=np.uint8).reshape(16, 16)] * 3, axis=-1)
write("normalization.json", [{"name": "byte v of channel c is at [c, v / 16, v % 16]", "float32": base(normalize(Image.fromarray(bytes_)).numpy())}])

# --- batches: pictures through the original's transforms and nested_tensor_from_tensor_list -----------------------------------------------------
entries = []
for name, shapes, shortest, longest in [
        ("two of unequal shape", [(30, 44), (44, 30)], 20, 33), ("one", [(17, 23)], 20, 33), ("three, one capped, one at size", [(10, 60), (20, 25), (90, 90)], 20, 33),
        ("at the original's sizes", [(120, 160), (160, 100)], 800, 1333)]:
    pictures = [recipe(h, w, 100 + i) for i, (h, w) in enumerate(shapes)]
    tensors = []
    for picture in pictures:
        image, _ = original.resize(Image.fromarray(picture), None, shortest, longest)
        tensors.append(normalize(image))
    nested = util.misc.nested_tensor_from_tensor_list(tensors)
    entries.append({"name": name, "shapes": shapes, "shortest": shortest, "longest": longest, "padded": list(nested.tensors.shape),
                    "tensorSha256": hashlib.sha256(nested.tensors.numpy().tobytes()).hexdigest(),
                    "maskSha256": hashlib.sha256(nested.mask.numpy().tobytes()).hexdigest()})
write("batch.json", entries)
