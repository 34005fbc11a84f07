"""manifest.json: every file under golden/ but the Python, the READMEs and itself, with its hash, its size and the test that reads it."""
import hashlib
import json

TEST = "DeformDetr.Oracle.Tests.GoldenCaseTests"
TESTS = {name: "DeformDetr.Oracle.Tests.DemoFilesTests" for name in ("demo/truth.json", "demo/pictures.safetensors")}
TESTS["fingerprints.json"] = "DeformDetr.Oracle.Tests.Fingerprints.FingerprintFileTests"
PHOTOGRAPHS_TEST = "DeformDetr.Oracle.Tests.PhotographFilesTests"
CHECKPOINTS_TEST = "DeformDetr.Oracle.Tests.Checkpoints.CheckpointFilesTests"
PORTS_TEST = "DeformDetr.Oracle.Tests.Ports.PortFilesTests"


def _test(path):
    if path.startswith("photographs/"):
        return PHOTOGRAPHS_TEST
    if path.startswith("checkpoints/"):
        return CHECKPOINTS_TEST
    return PORTS_TEST if path.startswith("ports/") else TESTS.get(path, TEST)


def write(golden):
    entries = []
    for path in sorted(golden.rglob("*")):
        relative = path.relative_to(golden)
        hidden = any(part.startswith(".") or part == "__pycache__" for part in relative.parts)
        if not path.is_file() or hidden or path.suffix == ".py" or path.name in ("manifest.json", "README.md"):
            continue
        content = path.read_bytes()
        entries.append({"path": relative.as_posix(), "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content), "test": _test(relative.as_posix())})
    lines = ",\n".join("  " + json.dumps(entry, ensure_ascii=False) for entry in sorted(entries, key=lambda entry: entry["path"]))
    (golden / "manifest.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"manifest.json: {len(entries)} files, {sum(entry['bytes'] for entry in entries):,} bytes")
