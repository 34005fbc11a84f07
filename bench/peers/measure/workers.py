"""One process per peer, so that each has its own memory. Told over standard input, a worker answers every line with a line of JSON:

run            runs once                             {"seconds": 1.5}
outputs PATH   writes the last run's outputs         {...}
memory         its largest resident memory so far    {"peak_mb": 1000}
"""
import json
import os
import pathlib
import subprocess
import sys

from measure import preparing

HERE = pathlib.Path(__file__).resolve().parent


# By default glibc gives every large block back to the system when it is freed, and PyTorch pays for new pages at each operator. With these it keeps them.
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40), "MALLOC_TOP_PAD_": str(1 << 26)}


class Worker:
    def __init__(self, name, command, threads, folder, keep_memory):
        self.name = name
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads), **(KEEP_MEMORY if keep_memory else {}))
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self.outputs_path = folder / f"outputs-{name}.safetensors"
        self.version = self._answer().get("version", "")

    def run(self):
        return self._ask("run")["seconds"]

    def outputs(self):
        from dump import safetensors_file
        self._ask(f"outputs {self.outputs_path}")
        return safetensors_file.read(self.outputs_path)

    def peak_megabytes(self):
        return self._ask("memory")["peak_mb"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    def _ask(self, line):
        print(line, file=self.process.stdin, flush=True)
        return self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name}: ended with status {self.process.wait()}")
        return json.loads(line)


def start(name, case, arguments):
    input_path, threads = preparing.input_path(case, arguments), arguments.threads
    folder = arguments.work.resolve()
    if name == "pytorch":
        command = [sys.executable, HERE / "torch_worker.py", arguments.repo.resolve(), case.name, arguments.seed, input_path, threads]
    elif name == "onnxruntime":
        command = ["node", HERE / "ort_worker.js", arguments.onnxruntime, preparing.onnx_path(case, arguments), input_path, threads]
    elif case.is_core:
        command = [arguments.bench, "core", "--input", input_path, "--threads", threads]
    else:
        command = [arguments.bench, "model", "--serve", "--variant", case.variant, "--weights", f"recipe:{arguments.seed}",
                   "--input", input_path, "--threads", threads, "--dtype", "float64" if name == "float64" else "float32"]
    return Worker(name, command, threads, folder, arguments.keep_memory)
