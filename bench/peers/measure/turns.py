"""A case, measured: the engines run in turns, so that what disturbs the machine disturbs all of them alike."""
import json
import statistics
import subprocess
import sys
import time

from measure import agreement, workers

OURS = "ours"

# Runs before the first that counts. ONNX Runtime's arena still grows in its second run.
WARM_UP = {"ours": 2, "onnxruntime": 3, "pytorch": 1}


def engines(case, arguments):
    names = [OURS]
    if not case.is_core and arguments.onnxruntime and "onnxruntime" not in arguments.without:
        names.append("onnxruntime")
    if "pytorch" not in arguments.without:
        names.append("pytorch")
    return names


def peak(arguments):
    """What the cores can do, by the probe of our bench: GFLOP/s of float32 by number of threads."""
    text = subprocess.run([arguments.bench, "probe", "--rounds", "3", "--json"], check=True, stdout=subprocess.PIPE).stdout
    rows = json.loads(text)["Peak of fused multiply-add"]
    return {str(row["threads"]): row["GFLOP/s"] for row in rows if row["dtype"] == "float32"}


def measure(case, arguments):
    names = engines(case, arguments)
    print(f"{case.name}: starting {', '.join(names)}", file=sys.stderr, flush=True)
    started = {name: workers.start(name, case, arguments) for name in names}
    seconds = {name: [] for name in names}
    for name in names:
        warm = [started[name].run() for _ in range(WARM_UP[name])]
        print(f"{case.name}: {name} warms up, " + ", ".join(f"{took:.3f} s" for took in warm), file=sys.stderr, flush=True)
    for _ in range(arguments.rounds):
        for name in names:
            time.sleep(0.1)  # idle threads of the engine that ran stop spinning
            started[name].run()  # while others ran, its memory went cold, and a virtual machine may take cold pages back
            seconds[name].append(started[name].run())
        print(f"{case.name}: " + ", ".join(f"{name} {seconds[name][-1]:.3f} s" for name in names), file=sys.stderr, flush=True)
    memory = {name: started[name].peak_megabytes() for name in names}
    outputs = {name: started[name].outputs() for name in names}
    versions = {name: started[name].version for name in names}
    for worker in started.values():
        worker.close()

    compared = {}
    if not case.is_core:
        # Our float64 run is what all of them should come close to.
        truth = workers.start("float64", case, arguments)
        truth.run()
        outputs["float64"] = truth.outputs()
        truth.close()
        compared = {name: agreement.compare(outputs["float64"], outputs[name], case.two_stage) for name in names}
        if "pytorch" in compared:
            agreement.judge_by_original(compared[OURS], compared["pytorch"])
    pairs = {name: agreement.compare(outputs[name], outputs[OURS], case.two_stage) for name in names if name != OURS}
    return {
        "case": case.name, "what": case.what, "threads": arguments.threads, "versions": versions, "seconds": seconds,
        "median": {name: statistics.median(seconds[name]) for name in names},
        "ratio_of_best": {name: min(seconds[OURS]) / min(seconds[name]) for name in names if name != OURS},
        "ratio": {name: statistics.median(ours / theirs for ours, theirs in zip(seconds[OURS], seconds[name])) for name in names if name != OURS},
        "peak_mb": memory, "from_float64": compared, "from_ours": pairs,
        "agrees": all(result["agrees"] for result in (*compared.values(), *pairs.values())),
    }
