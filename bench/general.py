"""A table as CSV and as raw columns, and what xz -9e makes of them: `general.py FOLDER NAME`.

Reads FOLDER/NAME.columns as tables.py writes it; writes FOLDER/NAME.csv and FOLDER/NAME.raw, and prints sizes as JSON. Raw
columns are Arrow's layout, one column behind the other: values, ends of texts as int32 before their bytes, booleans and
validity as bits.
"""

import csv
import json
import lzma
import struct
import sys
from pathlib import Path

import numpy

INT64, FLOAT64, TEXT, BOOLEAN = range(4)


def columns(data):
    """Type, validity and values of each column."""
    count, rows = struct.unpack_from("<II", data)
    at = 8
    for _ in range(count):
        kind, size = struct.unpack_from("<BQ", data, at)
        at += 9
        valid = numpy.frombuffer(data, numpy.uint8, rows, at) == 1
        yield kind, valid, data[at + rows : at + rows + size]
        at += rows + size


def raw(kind, valid, data):
    """The bytes of a column in Arrow's layout."""
    values = numpy.packbits(numpy.frombuffer(data, numpy.uint8), bitorder="little").tobytes() if kind == BOOLEAN else data
    return values + (b"" if valid.all() else numpy.packbits(valid, bitorder="little").tobytes())


def cells(kind, valid, data):
    """The values as text; null is nothing."""
    if kind == TEXT:
        ends = numpy.frombuffer(data, numpy.int32, len(valid) + 1)
        text = data[ends.nbytes :]
        values = [text[start:end].decode() for start, end in zip(ends[:-1], ends[1:])]
    else:
        values = numpy.frombuffer(data, {INT64: numpy.int64, FLOAT64: numpy.float64, BOOLEAN: numpy.bool_}[kind]).tolist()
        values = [repr(value) for value in values]
    return [value if is_valid else "" for value, is_valid in zip(values, valid.tolist())]


def main(folder, name):
    """Writes both files and measures them."""
    data = (folder / f"{name}.columns").read_bytes()
    with open(folder / f"{name}.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(zip(*(cells(*column) for column in columns(data))))
    (folder / f"{name}.raw").write_bytes(b"".join(raw(*column) for column in columns(data)))
    sizes = {}
    for form in ("csv", "raw"):
        plain = (folder / f"{name}.{form}").read_bytes()
        packed = lzma.compress(plain, format=lzma.FORMAT_XZ, preset=9 | lzma.PRESET_EXTREME)
        sizes[form] = {"bytes": len(plain), "xz": len(packed)}
    print(json.dumps(sizes))


main(Path(sys.argv[1]), sys.argv[2])
