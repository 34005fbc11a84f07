#!/usr/bin/env python3
"""Measures the model beside its peers, in turns: the original in PyTorch, ONNX Runtime, and this project; see ../README.md.

run.py --repo CHECKOUT --onnxruntime FOLDER --work SCRATCH              every case
run.py --repo CHECKOUT --work SCRATCH --prepare                         inputs and ONNX files only, nothing is timed
run.py --repo CHECKOUT --onnxruntime FOLDER --work SCRATCH --only r50   cases whose name matches a pattern
run.py --merge A.json B.json                                            one table of several runs
run.py --list                                                           the cases
"""
import argparse
import fnmatch
import json
import pathlib
import sys

sys.dont_write_bytecode = True

PEERS = pathlib.Path(__file__).resolve().parent
REPOSITORY = PEERS.parent.parent
sys.path.insert(0, str(REPOSITORY / "golden"))  # dump: how the original is imported, and weights by recipe

from measure import cases, preparing, report, turns  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repo", type=pathlib.Path, help="checkout of fundamentalvision/Deformable-DETR at commit 11169a6")
    parser.add_argument("--onnxruntime", type=pathlib.Path, help="folder in which npm installed onnxruntime-node; without it that peer is left out")
    parser.add_argument("--work", type=pathlib.Path, help="scratch folder: inputs, ONNX files (0.2 GB each), outputs")
    parser.add_argument("--bench", type=pathlib.Path, default=REPOSITORY / "bench/DeformDetr.Bench/bin/Release/net10.0/DeformDetr.Bench",
                        help="the built bench program")
    parser.add_argument("--only", default="*", help="cases whose name matches this pattern")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7, help="of the weights' recipe")
    parser.add_argument("--without", action="append", default=[], choices=["pytorch", "onnxruntime"], help="leave a peer out")
    parser.add_argument("--keep-memory", action="store_true", help="tell glibc to keep freed memory: much faster for PyTorch where new pages are dear")
    parser.add_argument("--prepare", action="store_true", help="write inputs and ONNX files, and stop")
    parser.add_argument("--json", type=pathlib.Path, help="write what was measured to this file")
    parser.add_argument("--merge", type=pathlib.Path, nargs="+", metavar="JSON", help="files that --json wrote")
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    chosen = [case for case in cases.CASES if fnmatch.fnmatchcase(case.name, arguments.only)]
    if arguments.list:
        print("\n".join(f"{case.name:24} {case.what}" for case in cases.CASES))
        return 0
    if arguments.merge:
        print(report.markdown(report.merge([json.loads(path.read_text()) for path in arguments.merge])))
        return 0
    if not chosen:
        parser.error(f"no case matches {arguments.only}")
    if not (arguments.repo and arguments.work):
        parser.error("--repo and --work are needed")
    if not (arguments.prepare or arguments.bench.exists()):
        parser.error(f"{arguments.bench}: no such program; build bench/DeformDetr.Bench or say --bench")
    arguments.work.mkdir(parents=True, exist_ok=True)

    for case in chosen:
        preparing.prepare(case, arguments)
    if arguments.prepare:
        return 0
    measured = [turns.measure(case, arguments) for case in chosen]
    run = report.facts(measured, turns.peak(arguments), arguments)
    print(report.markdown(run))
    if arguments.json:
        arguments.json.write_text(json.dumps(run, indent=1) + "\n")
    return 0 if all(case["agrees"] for case in measured) else 1


if __name__ == "__main__":
    sys.exit(main())
