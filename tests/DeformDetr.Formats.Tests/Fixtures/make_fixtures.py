"""Makes the files beside it, with numpy 1.24.

    python3 make_fixtures.py

Element i of every array, in row-major order, is given by VALUES; Fixture.cs has the same formulas.
"""
import os
import zipfile

import numpy

HERE = os.path.dirname(os.path.abspath(__file__))
COUNT = 24
SHAPE = (2, 3, 4)
i = numpy.arange(COUNT)
VALUES = {
    "f8": ((i - 7) * 0.1).astype("<f8"),
    "f4": ((i - 7) * 0.5).astype("<f4"),
    "f2": ((i - 7) * 0.5).astype("<f2"),
    "i8": ((i - 7) * 1000000007 * 1000000009).astype("<i8"),
    "i4": ((i - 7) * 10000019).astype("<i4"),
    "u1": (i * 10).astype("u1"),
    "b1": i % 3 == 0,
}


def path(name):
    return os.path.join(HERE, name)


def main():
    arrays = {}
    for name, values in VALUES.items():
        array = values.reshape(SHAPE)
        arrays[name] = array
        arrays[f"deep/er/{name}.fortran"] = numpy.asfortranarray(array)
        numpy.save(path(f"{name}.npy"), array)
        numpy.save(path(f"{name}_fortran.npy"), numpy.asfortranarray(array))
    numpy.savez(path("stored.npz"), **arrays)
    numpy.savez_compressed(path("compressed.npz"), **arrays)

    numpy.save(path("scalar.npy"), numpy.float32(2.5))
    numpy.save(path("vector.npy"), numpy.arange(5, dtype="<i4"))
    numpy.save(path("empty.npy"), numpy.zeros((0, 3), "<f4"))
    numpy.save(path("many_axes.npy"), numpy.zeros((1,) * 18, "u1"))
    for version in (2, 3):
        with open(path(f"version{version}.npy"), "wb") as file:
            numpy.lib.format.write_array(file, arrays["f4"], version=(version, 0))

    numpy.save(path("refused_big_endian.npy"), arrays["f4"].astype(">f4"))
    numpy.save(path("refused_objects.npy"), numpy.array([None, 1], object))
    numpy.save(path("refused_structured.npy"), numpy.zeros(2, [("a", "<f4"), ("b", "<i4")]))
    numpy.save(path("refused_int16.npy"), numpy.zeros(2, "<i2"))
    with zipfile.ZipFile(path("refused_other_member.npz"), "w") as archive:
        archive.writestr("notes.txt", "no array")


if __name__ == "__main__":
    main()
