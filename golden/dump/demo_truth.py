"""Adds float64 truth to golden/demo: the decoder's tensors, which it came without.

The demo's float32 tensors were dumped elsewhere, where the original's own rounding in the last decoder layer exceeds what the pass rule grants to a tensor
without truth: there even the exact result would fail. With the truth beside them they are judged like all others.
"""
import json

import torch

from . import original, recorder, safetensors_file


def complete(folder):
    facts = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    config = original.full_config(**facts["config"])

    def tensors(key):
        return {name: torch.from_numpy(array.copy()) for name, array in safetensors_file.read(folder / facts[key]).items()}

    weights, inputs, expected, truth = (tensors(key) for key in ("weights", "inputs", "expected", "expected64"))
    heads = {f"transformer.decoder.{name}": tensor for name, tensor in weights.items() if name.startswith("bbox_embed.")}
    model = original.build_model(config)
    model.load_state_dict({**weights, **heads})
    computed = recorder.run_model(model, inputs, original.FLOAT64)
    for name, tensor in truth.items():
        if tensor.is_floating_point():
            scale = tensor[tensor.isfinite()].abs().max()
            counted = ~inputs_mask(name, tensor, computed)
            assert (tensor - computed[name])[counted].abs().max() <= 1e-12 * scale, f"{name}: this machine's float64 run differs from the demo's"
    added = [name for name in expected if name.startswith("transformer.decoder.layers.") and name not in truth]
    ordered = {name: computed[name] if name in added else truth[name] for name in expected if name in truth or name in added}
    safetensors_file.write(folder / facts["expected64"], ordered)
    print(f"{folder.name}: {len(added)} tensors added to {facts['expected64']}")


def inputs_mask(name, tensor, computed):
    """True where an element does not count: memory under the mask."""
    mask = torch.zeros(tensor.shape, dtype=torch.bool)
    if name == "transformer.memory":
        mask[computed["transformer.mask_flatten"]] = True
    return mask
