#!/usr/bin/env python3
"""Dumps of the original in PyTorch as a port's author would make them, right ones and ones with a mistake; see README.md of golden/.

dump_port.py --repo CHECKOUT [--only GLOB]    bases and mutants, or those whose name matches; mutants.json is written when all are
"""
import argparse
import contextlib
import fnmatch
import importlib.machinery
import json
import os
import pathlib
import sys

sys.dont_write_bytecode = True

PORTS = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(PORTS.parent))

import torch  # noqa: E402

from dump import original, rankings, recipe, recorder, safetensors_file  # noqa: E402
from ports.mutants import MUTANTS  # noqa: E402

# Small enough for a repository: few layers, queries and classes, a narrow feed-forward; everything else is as published. The seeds leave no ties in any ranking.
BASES = {
    # Two pictures of a batch, neither of which fills it.
    "r50": dict(seed=401, weights_seed=402, sizes=[(16, 29), (7, 40)], canvas=(16, 40), target_sizes=[(320, 580), (70, 400)],
                config=dict(enc_layers=2, dec_layers=2, dim_feedforward=256, num_queries=10, num_classes=11)),
    # One picture on a canvas of fixed size, as exporters want it.
    "r50-two-stage": dict(seed=403, weights_seed=436, sizes=[(15, 29)], canvas=(24, 40), target_sizes=[(300, 580)],
                          config=dict(enc_layers=1, dec_layers=2, dim_feedforward=256, num_queries=10, num_classes=11, with_box_refine=True, two_stage=True)),
}
HALVES = {"float16": torch.float16, "bfloat16": torch.bfloat16}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repo", required=True, help="checkout of fundamentalvision/Deformable-DETR at commit 11169a6")
    parser.add_argument("--only", default="*", help="bases and mutants whose name matches this pattern")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # one order of every sum, so the same bytes each time
    runs = {name: dump_base(arguments.repo, name) for name in BASES if fnmatch.fnmatchcase(name, arguments.only)}
    for mutant in MUTANTS:
        if fnmatch.fnmatchcase(mutant.name, arguments.only):
            if mutant.base not in runs:
                runs[mutant.base] = run_base(arguments.repo, mutant.base)
            dump_mutant(arguments.repo, mutant, *runs[mutant.base])
    if arguments.only == "*":
        facts = [{"name": m.name, "base": m.base, "file": m.file, "line": m.line, "first_tensor": m.first_tensor, "mistake": m.mistake} for m in MUTANTS]
        text = ",\n".join(" " + json.dumps(fact, ensure_ascii=False) for fact in facts)
        (PORTS / "mutants.json").write_text(f"[\n{text}\n]\n", encoding="utf-8")


# ------------------------------------------------------------------------------------------------------------------------ right ones

def dump_base(checkout, name):
    full, seed, inputs, tensors = run_base(checkout, name)
    folder = PORTS / name
    folder.mkdir(exist_ok=True)
    facts = {"config": full, "weights": {"recipe": recipe.RECIPE, "seed": seed},
             "source": {"repository": original.REPOSITORY, "commit": original.COMMIT, "torch": torch.__version__}}
    (folder / "config.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    safetensors_file.write(folder / "inputs.safetensors", inputs)
    write(folder / "port.safetensors", tensors)
    if name == "r50":
        for precision, dtype in HALVES.items():
            write(folder / f"port-{precision}.safetensors", run_half(full, seed, inputs, dtype))
    return full, seed, inputs, tensors


def run_base(checkout, name):
    load(checkout)
    base = BASES[name]
    full = {key: value for key, value in original.full_config(**base["config"]).items() if not (key == "activation" and value == "relu")}
    inputs = pictures(base["seed"], base["sizes"], base["canvas"], base["target_sizes"])
    for seed in range(base["weights_seed"], base["weights_seed"] + 60):
        model = build(full, seed)
        tensors = run(model, inputs)
        try:
            rankings.require_distinct_outputs(full, tensors, recorder.run_model(model, inputs, original.FLOAT64))
            return full, seed, inputs, tensors
        except rankings.Tie as tie:
            print(f"  {name}: seed {seed}: {tie}")
    raise SystemExit(f"{name}: every seed has ties")


def pictures(seed, sizes, canvas, target_sizes):
    from dump import model_cases
    tensors, mask = model_cases.pictures(seed, sizes)
    below, right = canvas[0] - tensors.shape[2], canvas[1] - tensors.shape[3]
    return {"samples.tensor": torch.nn.functional.pad(tensors, (0, right, 0, below)), "samples.mask": torch.nn.functional.pad(mask, (0, right, 0, below), value=True),
            "target_sizes": torch.tensor(target_sizes, dtype=torch.int64)}


def build(full, seed):
    model = original.build_model({"activation": "relu", **full})
    recipe.fill(model, seed, shared_heads=not full["with_box_refine"])
    return model


def run(model, inputs):
    given = {name: inputs[name] for name in ("samples.tensor", "samples.mask")}
    tensors = {**given, **recorder.run_model(model, inputs, original.FLOAT32)}
    # Outputs in the order in which the reference gives them: of the last layer, of the others, results.
    return {name: tensors[name] for name in sorted(tensors, key=lambda name: name.startswith("aux_outputs") + 2 * name.startswith("results"))}


# ------------------------------------------------------------------------------------------------------------------------ half precision

def run_half(full, seed, inputs, dtype):
    """Weights and every named tensor rounded to half precision, float32 between two names: on a CPU this PyTorch has no half-precision kernels for most of the model."""
    def round_(tensor):
        rounded = tensor.to(dtype).to(tensor.dtype)
        if not torch.equal(rounded, tensor):  # an expanded weight can't be written to, and need not be
            tensor.copy_(rounded)

    class CoreOnHalves(original.attention.MSDeformAttnFunction):
        @staticmethod
        def apply(value, spatial_shapes, level_start_index, sampling_locations, attention_weights, im2col_step):
            for tensor in (value, sampling_locations, attention_weights):
                round_(tensor)
            return original_core.apply(value, spatial_shapes, level_start_index, sampling_locations, attention_weights, im2col_step)

    class RoundingRecorder(recorder.Recorder):
        def record(self, name, tensor):
            if tensor.is_floating_point():
                round_(tensor)  # in place: what comes next is computed from it
            super().record(name, tensor)

    model = build(full, seed)
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.is_floating_point():
                round_(tensor)
    given = {**inputs, "samples.tensor": inputs["samples.tensor"].to(dtype).to(torch.float32)}
    original_core, recorder_class = original.attention.MSDeformAttnFunction, recorder.Recorder
    original.attention.MSDeformAttnFunction, recorder.Recorder = CoreOnHalves, RoundingRecorder
    try:
        tensors = run(model, given)
    finally:
        original.attention.MSDeformAttnFunction, recorder.Recorder = original_core, recorder_class
    halves = {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    for name, half in halves.items():
        assert not half.is_floating_point() or torch.equal(half.to(torch.float32), tensors[name]), f"{name} was not rounded where it was computed"
        assert not half.is_floating_point() or half.isfinite().all(), f"{name} is out of range"
    return halves


# ------------------------------------------------------------------------------------------------------------------------ mistakes

def dump_mutant(checkout, mutant, full, seed, inputs, right):
    with changed_line(checkout, mutant):
        load(checkout)
    wrong = run(build(full, seed), inputs)
    assert list(wrong) == list(right), f"{mutant.name}: other names"
    assert all(wrong[n].shape == right[n].shape and wrong[n].dtype == right[n].dtype for n in right), f"{mutant.name}: other shapes"
    changed = {name: tensor for name, tensor in wrong.items() if not same_bits(tensor, right[name])}
    assert not any(tensor.is_floating_point() and tensor.isnan().any() for tensor in changed.values()), f"{mutant.name}: NaN"
    assert next(iter(changed), None) == mutant.first_tensor, f"{mutant.name}: the first change is in {next(iter(changed), None)}"
    write(PORTS / mutant.base / f"{mutant.name}.safetensors", changed)


def same_bits(a, b):
    return a.numpy().tobytes() == b.numpy().tobytes()


@contextlib.contextmanager
def changed_line(checkout, mutant):
    """While it lasts, the original's file is imported with one line changed."""
    path = os.path.join(os.path.abspath(checkout), mutant.file)
    get_code = importlib.machinery.SourceFileLoader.get_code
    imported = []

    def get_changed_code(loader, name):
        if os.path.abspath(loader.path) != path:
            return get_code(loader, name)
        source = loader.get_data(loader.path).decode("utf-8")
        assert source.count(mutant.find) == 1, f"{mutant.name}: {source.count(mutant.find)} places to change"
        imported.append(name)
        return compile(source.replace(mutant.find, mutant.replace), loader.path, "exec")

    importlib.machinery.SourceFileLoader.get_code = get_changed_code
    try:
        yield
    finally:
        importlib.machinery.SourceFileLoader.get_code = get_code
    assert imported, f"{mutant.name}: {mutant.file} was not imported"


def load(checkout):
    """Imports the original anew."""
    for name in list(sys.modules):
        if name.split(".")[0] in ("models", "util"):
            del sys.modules[name]
    original.load(checkout)


def write(path, tensors):
    safetensors_file.write(path, tensors)
    print(f"{str(path.relative_to(PORTS)):55} {len(tensors):4} tensors {path.stat().st_size:>10,} bytes", flush=True)


if __name__ == "__main__":
    main()
