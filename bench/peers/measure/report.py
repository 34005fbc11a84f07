"""What was measured, as Markdown tables and as JSON."""
import os
import pathlib

TITLES = {"ours": "ours", "onnxruntime": "ONNX Runtime", "pytorch": "original"}
HEADS = ("pred_logits", "pred_boxes", "output")


def machine():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown processor")
    flags = next((line for line in lines if line.startswith("flags")), "")
    width = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else "no AVX2"
    return f"{model}, {os.cpu_count()} cores, {width}"


def facts(measured, peak, arguments):
    return {"machine": machine(), "peak_gflops": peak, "threads": arguments.threads, "rounds": arguments.rounds, "seed": arguments.seed,
            "keeps_memory": arguments.keep_memory, "cases": measured}


def merge(runs):
    """Several runs as one: cases of all, and the largest peak, since another program may have had a core while one was probed."""
    for fact in ("machine", "threads", "seed", "keeps_memory"):
        if any(run[fact] != runs[0][fact] for run in runs):
            raise SystemExit(f"merge: runs differ in {fact}; expected one machine and one way of running")
    peak = {threads: max(run["peak_gflops"][threads] for run in runs) for threads in runs[0]["peak_gflops"]}
    return {**runs[0], "peak_gflops": peak, "cases": [case for run in runs for case in run["cases"]]}


def versions(measured):
    found = {}
    for case in measured:
        found.update({name: version for name, version in case["versions"].items() if version})
    return ", ".join(found.values())


def table(heading, rows):
    lines = [heading] + [["---"] * len(heading)] + rows
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def number(value, form):
    return "" if value is None else format(value, form)


def markdown(run):
    measured = run["cases"]
    peak = ", ".join(f"{gflops:.0f} GFLOP/s on {threads} {'thread' if threads == '1' else 'threads'}" for threads, gflops in run["peak_gflops"].items())
    blocks = [f"{run['machine']}, peak of float32 multiply-add {peak}; {versions(measured)}; {run['threads']} threads. Engines in turns; medians."
              + (" The peers' allocator keeps freed memory." if run["keeps_memory"] else "")]
    heading = ["case", "rounds", "ours, s", "ONNX Runtime, s", "original, s", "ours / ORT", "of best", "ours / original", "of best", "MB ours", "MB ORT", "MB original"]
    rows = []
    for case in measured:
        names = ("ours", "onnxruntime", "pytorch")
        rows.append([case["case"], len(case["seconds"]["ours"])] + [number(case["median"].get(name), ".3f") for name in names]
                    + [number(case[kind].get(name), ".3f") for name in names[1:] for kind in ("ratio", "ratio_of_best")]
                    + [number(case["peak_mb"].get(name), ".0f") for name in names])
    blocks.append(table(heading, rows))

    heading = ["case", "compared", "largest difference over the largest element", "worst of all outputs", "queries in another place", ""]
    rows = []
    for case in measured:
        for base, results in (("float64", case["from_float64"]), ("ours", case["from_ours"])):
            for name, result in results.items():
                heads = ", ".join(f"{head} {result['errors'][head]:.1e}" for head in HEADS if head in result["errors"])
                rows.append([case["case"], f"{TITLES[name]} with {base}", heads, f"{max(result['errors'].values()):.1e}", result["moved"] or "",
                             "agrees" if result["agrees"] else "**differs**"])
    blocks.append(table(heading, rows))
    return "\n\n".join(blocks)
