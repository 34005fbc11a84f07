"""golden/photographs: the demo's pictures as JPEG files of many kinds, and what the original finds in each, alone.

Kept are the best detections of a picture, as many as are told apart: neighbouring scores further apart than twice what the pass rule grants, in the same order in
both precisions, and the first one left out further below too. So any correct implementation has the same list.
"""
import io
import json

import numpy
import torch
from PIL import Image

from . import jpeg_file, original, recorder, safetensors_file
from .picture_cases import decoded, pixels

LEAST_SCORE = 0.02


def by_pillow(image, **options):
    stream = io.BytesIO()
    image.save(stream, "JPEG", **options)
    return stream.getvalue()


def by_ourselves(image, sampling, **options):
    planes = numpy.asarray(image.convert("YCbCr"))
    jfif = jpeg_file.segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
    return jpeg_file.write([planes[..., c] for c in range(3)], sampling, before=jfif, **options)


def with_black(image):
    """In four inks: half of what the three have in common becomes black."""
    inks = [numpy.asarray(ink).astype(int) for ink in image.convert("CMYK").split()[:3]]
    black = numpy.minimum.reduce(inks) // 2
    return Image.merge("CMYK", [Image.fromarray(plane.astype(numpy.uint8)) for plane in [*(ink - black for ink in inks), black]])


def files(demo):
    shapes = [Image.open(demo / f"shapes-{number}.png").convert("RGB") for number in (1, 2, 3, 4)]
    turned = Image.Exif()
    turned[0x0112] = 6
    return {
        "000000000001.jpg": by_pillow(shapes[0], quality=75, subsampling="4:2:0"),
        "000000000002.jpg": by_pillow(shapes[1], quality=85, subsampling="4:2:2", exif=turned),
        "000000000003.jpg": by_pillow(shapes[2], quality=60, subsampling="4:2:0", progressive=True),
        "000000000004.jpg": by_pillow(shapes[3], quality=95, subsampling="4:4:4"),
        "000000000011.jpg": by_pillow(shapes[0].convert("L"), quality=90),
        "000000000012.jpg": by_ourselves(shapes[1], [(1, 2), (1, 1), (1, 1)], quality=85, restart=5),
        "000000000014.jpg": by_pillow(with_black(shapes[3]), quality=90),
        "000000000021.png": by_pillow(shapes[0], quality=90, subsampling="4:4:4", progressive=True),  # not what its name says
        "000000000024.png": (demo / "shapes-4.png").read_bytes(),
    }


def write(golden):
    demo, folder = golden / "demo", golden / "photographs"
    facts = json.loads((demo / "case.json").read_text(encoding="utf-8"))
    weights = {name: torch.from_numpy(array.copy()) for name, array in safetensors_file.read(demo / facts["weights"]).items()}
    heads = {f"transformer.decoder.{name}": tensor for name, tensor in weights.items() if name.startswith("bbox_embed.")}
    folder.mkdir(exist_ok=True)
    contents = files(demo)
    runs = {original.FLOAT32: {}, original.FLOAT64: {}}
    for index, (name, content) in enumerate(contents.items()):
        (folder / name).write_bytes(content)
        inputs = prepared(content, facts["preprocess"])
        results = []
        for dtype in runs:
            model = original.build_model(original.full_config(**facts["config"]))
            model.load_state_dict({**weights, **heads})
            tensors = recorder.run_model(model, inputs, dtype)
            results.append([tensors[f"results.0.{part}"] for part in ("scores", "labels", "boxes")])
        count = told_apart(*results)
        print(f"{name}: {count} detections, the last of score {results[1][0][count - 1]:.3f}, {len(content):,} bytes")
        for dtype, parts in zip(runs, results):
            for part, tensor in zip(("scores", "labels", "boxes"), parts):
                runs[dtype][f"results.{index}.{part}"] = tensor[:count].clone()
    safetensors_file.write(folder / "expected.safetensors", runs[original.FLOAT32])
    safetensors_file.write(folder / "expected64.safetensors", runs[original.FLOAT64])


def prepared(content, preprocess):
    image = decoded(content)
    resized, _ = original.transforms.RandomResize([preprocess["shortest"]], max_size=preprocess["longest"])(image, None)
    tensor, _ = original.transforms.ToTensor()(resized, None)
    tensor, _ = original.transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])(tensor, None)
    nested = original.misc.nested_tensor_from_tensor_list([tensor])
    return {"samples.tensor": nested.tensors, "samples.mask": nested.mask, "target_sizes": torch.tensor([pixels(image).shape[:2]])}


def told_apart(single, double):
    scores, truth = single[0].double(), double[0]
    allowance = 4 * max((scores - truth).abs().max().item(), 4 * 2.0 ** -24 * truth.max().item())
    count = 0
    while count + 1 < len(truth) and truth[count] >= LEAST_SCORE and truth[count] - truth[count + 1] > 2 * allowance and single[1][count] == double[1][count]:
        count += 1
    assert count >= 2, count
    return count
