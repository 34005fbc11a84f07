"""torch_worker.py CHECKOUT CASE SEED INPUT THREADS: the original in PyTorch, run on demand (workers.py has the protocol)."""
import json
import os
import pathlib
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import torch  # noqa: E402

from measure import cases, originals  # noqa: E402
from measure.originals import original  # noqa: E402
from dump import safetensors_file  # noqa: E402


def main():
    checkout, name, seed, path, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))
    case = next(case for case in cases.CASES if case.name == name)
    inputs = {name: torch.from_numpy(array.copy()) for name, array in safetensors_file.read(path).items()}
    if case.is_core:
        original.load(checkout)
        core = original.attention_functions.ms_deform_attn_core_pytorch

        def run():
            return {"output": core(inputs["value"], inputs["spatial_shapes"], inputs["sampling_locations"], inputs["attention_weights"])}
    else:
        model = originals.build(checkout, case, int(seed))

        def run():
            return originals.outputs(model(original.misc.NestedTensor(inputs["samples.tensor"], inputs["samples.mask"])))

    answer(ready=True, version=f"PyTorch {torch.__version__}")
    out = None
    for line in sys.stdin:
        word, _, argument = line.strip().partition(" ")
        if word == "run":
            out = None
            started = time.perf_counter()
            with torch.no_grad():
                out = run()
            answer(seconds=time.perf_counter() - started)
        elif word == "outputs":
            safetensors_file.write(argument, out)
            answer(written=True)
        elif word == "memory":
            answer(peak_mb=peak_megabytes())
        else:
            raise SystemExit(f"unknown: {line}")


def answer(**facts):
    print(json.dumps(facts), flush=True)


def peak_megabytes():
    status = pathlib.Path(f"/proc/{os.getpid()}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) * 1024 / 1e6


if __name__ == "__main__":
    main()
