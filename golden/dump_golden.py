#!/usr/bin/env python3
"""Dumps golden cases from the original Deformable DETR; see README.md beside this file.

dump_golden.py --repo CHECKOUT [--out DIR] [--only GLOB]   compute cases and write them
dump_golden.py --check [--out DIR] [--only GLOB]           judge what is written: errors of the original, missing names
dump_golden.py --repo CHECKOUT --demo                      add the decoder's float64 truth to demo/
dump_golden.py --repo CHECKOUT --photographs                write photographs/
dump_golden.py --manifest                                  rebuild manifest.json
"""
import argparse
import fnmatch
import pathlib
import sys
import time

sys.dont_write_bytecode = True

GOLDEN = pathlib.Path(__file__).resolve().parent


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repo", help="checkout of fundamentalvision/Deformable-DETR at commit 11169a6")
    parser.add_argument("--out", default=GOLDEN / "cases", type=pathlib.Path)
    parser.add_argument("--only", default="*", help="cases whose name matches this pattern")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--demo", action="store_true")
    parser.add_argument("--photographs", action="store_true")
    parser.add_argument("--manifest", action="store_true")
    arguments = parser.parse_args()
    if not (arguments.repo or arguments.check or arguments.manifest):
        parser.error("one of --repo, --check, --manifest is needed")
    failed = False
    if arguments.demo:
        complete_demo(arguments)
    elif arguments.photographs:
        write_photographs(arguments)
    elif arguments.repo:
        dump(arguments)
    if arguments.check:
        from dump import check
        failed = not check.check(arguments.out, arguments.only)
    if arguments.manifest:
        from dump import manifest
        manifest.write(GOLDEN)
    return 1 if failed else 0


def load_original(arguments):
    import torch
    torch.set_num_threads(1)  # one order of every sum, so the same bytes each time
    from dump import original
    original.load(arguments.repo)


def complete_demo(arguments):
    load_original(arguments)
    from dump import demo_truth
    demo_truth.complete(GOLDEN / "demo")


def write_photographs(arguments):
    load_original(arguments)
    from dump import photographs
    photographs.write(GOLDEN)


def dump(arguments):
    load_original(arguments)
    from dump import golden_case
    from dump import attention_cases, model_cases, operator_cases, piece_cases, picture_cases  # noqa: F401, they register their cases
    names = [name for name in golden_case.BUILDERS if fnmatch.fnmatchcase(name, arguments.only)]
    if not names:
        raise SystemExit(f"no case matches {arguments.only}")
    for name in names:
        started = time.time()
        golden_case.write(arguments.out, name, golden_case.BUILDERS[name]())
        size = sum(file.stat().st_size for file in (arguments.out / name).iterdir())
        print(f"{name:45} {size:>10,} bytes  {time.time() - started:5.1f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
