"""Reads NCF files and compares them with what NAME.json says they hold.

This decoder shares nothing with the package: it knows the format from its description only, and uses Python's own
pickle, hashlib and decimal, and zstandard, msgpack and numpy. Argument: the folder of the files.
"""

import datetime
import decimal
import hashlib
import json
import math
import pathlib
import pickle
import struct
import sys

import msgpack
import numpy
import zstandard

SCHEMA_KEYS = [
    "table_name", "version", "created_at", "modified_at", "row_count", "default_compression",
    "enable_learned_indexes", "columns", "column_groups",
]  # fmt: skip
COLUMN_KEYS = [
    "name", "data_type", "nullable", "semantic_type", "description", "statistics", "compression_model",
    "use_dictionary", "create_learned_index", "index_model_type", "contains_pii", "typical_query_patterns",
    "column_group",
]  # fmt: skip
STATISTICS_KEYS = ["min_value", "max_value", "null_count", "distinct_count", "total_count", "avg_length"]
OPTIONAL_KEYS = {
    "description": "description", "compression_model": "compressionModel", "use_dictionary": "useDictionary",
    "create_learned_index": "createLearnedIndex", "index_model_type": "indexModelType", "contains_pii": "containsPii",
    "column_group": "columnGroup",
}  # fmt: skip
RUST_SEMANTICS = {"pii_name": "PiiName", "pii_email": "PiiEmail", "pii_phone": "PiiPhone", "pii_address": "PiiAddress", "categorical": "Categorical"}
RUST_TYPES = {"int64": "Int64", "float64": "Float64", "string": "String"}
WIDTHS = {"8": "b", "16": "h", "32": "i", "64": "q"}


def equal(actual, expected, what):
    if actual != expected or type(actual) is not type(expected):
        raise AssertionError(f"{what}: found {str(actual)[:200]!r}, expected {str(expected)[:200]!r}")


def plain(blob, codec, what):
    """One frame with its content size and nothing behind it."""
    if codec == 0:
        return blob
    equal(codec, 1, f"codec of {what}")
    parameters = zstandard.get_frame_parameters(blob)
    equal((parameters.dict_id, parameters.has_checksum), (0, False), f"frame of {what}")
    stream = zstandard.ZstdDecompressor().decompressobj()
    content = stream.decompress(blob)
    equal((stream.eof, stream.unused_data), (True, b""), f"end of the frame of {what}")
    equal(zstandard.frame_content_size(blob), len(content), f"content size of {what}")
    equal(zstandard.ZstdDecompressor().decompress(blob), content, what)
    return content


def decode_text(content):
    (rows,) = struct.unpack_from("<I", content)
    offsets = struct.unpack_from(f"<{rows + 1}I", content, 4)
    text = content[4 * (rows + 2) :]
    equal((offsets[0], offsets[-1]), (0, len(text)), "text area")
    return [text[start:end].decode("utf-8") for start, end in zip(offsets, offsets[1:])]


def number_code(data_type):
    if data_type.startswith("float"):
        return {"float32": "f", "float64": "d"}[data_type]
    code = WIDTHS[data_type.lstrip("uint")]
    return code.upper() if data_type.startswith("u") else code


def decode_payload(content, data_type):
    """A list of Python values."""
    if data_type == "string":
        return decode_text(content)
    if data_type.startswith(("int", "uint", "float")):
        code = number_code(data_type)
        return list(struct.unpack(f"<{len(content) // struct.calcsize(code)}{code}", content))
    array = pickle.loads(content)
    equal(type(array), numpy.ndarray, "pickle")
    equal(array.ndim, 1, "dimensions")
    kinds = {"boolean": "bO", "date": "M", "timestamp": "M", "decimal": "O", "binary": "O"}
    assert array.dtype.kind in kinds[data_type], f"{data_type} as {array.dtype}"
    if data_type == "date":
        equal(str(array.dtype), "datetime64[D]", "dtype")
    return list(array) if array.dtype.kind in "M" else array.tolist()


def expected_values(column):
    data_type, values = column["type"], column["values"]
    special = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf, "-0": -0.0}

    def convert(value):
        if value is None:
            units = {"date": "D", "timestamp": column.get("unit", "us")}
            return numpy.datetime64("NaT", units[data_type]) if data_type in units else None
        if data_type.startswith(("int", "uint")):
            return int(value)
        if data_type.startswith("float"):
            return float(special.get(value, value))
        if data_type == "binary":
            return bytes.fromhex(value)
        if data_type == "date":
            return numpy.datetime64(value, "D")
        if data_type == "timestamp":
            return numpy.datetime64(value["iso"], value["unit"])
        if data_type == "decimal":
            return decimal.Decimal(value)
        return value

    return [convert(value) for value in values]


def identity(value):
    """Equal only for what is the same value of the same type."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else struct.pack("<d", value)
    if isinstance(value, numpy.datetime64):
        return str(value.dtype), str(value)
    return type(value).__name__, value


def is_null(value):
    return value is None or isinstance(value, numpy.datetime64) and bool(numpy.isnat(value))


def python_text(value, data_type):
    if data_type == "float32":
        return str(numpy.float32(value))
    return str(value)


def statistics_of(values, data_type):
    present = [value for value in values if not is_null(value)]
    ordered = [value for value in present if not (isinstance(value, float) and math.isnan(value))]
    order = (lambda value: value.encode()) if data_type == "string" else None
    return {
        "min_value": python_text(min(ordered, key=order), data_type) if ordered else None,
        "max_value": python_text(max(ordered, key=order), data_type) if ordered else None,
        "null_count": len(values) - len(ordered),
        "distinct_count": len({identity(value) for value in present}),
        "total_count": len(values),
        "avg_length": sum(map(len, present)) / len(present) if data_type == "string" and present else None,
    }


def compare(found, expected, data_type, what):
    if data_type == "string" and what.startswith("python"):
        # Nothing tells None and "" apart.
        found = [value or None for value in found]
    equal(len(found), len(expected), f"rows of {what}")
    for row, (one, other) in enumerate(zip(found, expected)):
        equal(identity(one), identity(other), f"{what}, row {row}")


def unpack(bytes_, what):
    """Exactly one object, and the one encoding that msgpack calls canonical."""
    value = msgpack.unpackb(bytes_, strict_map_key=False)
    equal(msgpack.packb(value), bytes_, f"encoding of the {what}")
    return value


def check_python10(data, expected):
    columns = expected["columns"]
    rows = len(columns[0]["values"])
    codec = {"none": 0, "zstd": 1}[expected["compression"]]
    header = struct.unpack_from("<4sIIIIIIQQQBB14s", data)
    magic, version, schema_at, statistics_at, index_at, data_at, footer_at, row_count, created, modified = header[:10]
    equal((magic, version, schema_at, index_at, row_count), (b"NCF\x01", 1, 68, 0, rows), "header")
    equal((created, modified), (expected["created"], expected["modified"]), "times")
    equal(header[10:], (codec, 0, bytes(14)), "end of the header")

    (schema_size,) = struct.unpack_from("<I", data, 68)
    equal(statistics_at, 72 + schema_size, "statistics offset")
    (statistics_size,) = struct.unpack_from("<I", data, statistics_at)
    equal(data_at, statistics_at + 4 + statistics_size, "data offset")
    schema = unpack(data[72:statistics_at], "schema")
    equal(list(schema), SCHEMA_KEYS, "schema keys")
    equal((schema["table_name"], schema["row_count"], schema["default_compression"]), (expected["tableName"], rows, expected["compression"]), "schema")
    equal((schema["version"], schema["created_at"], schema["modified_at"]), (1, None, None), "schema")
    equal((schema["enable_learned_indexes"], schema["column_groups"]), (True, {}), "schema")
    equal([field["name"] for field in schema["columns"]], [column["name"] for column in columns], "names")
    for field, column in zip(schema["columns"], columns):
        equal(list(field), COLUMN_KEYS + list(column.get("extra", {})), "column keys")
        equal((field["data_type"], field["nullable"]), (column["type"], column.get("nullable", True)), "column")
        equal(field["semantic_type"], column.get("semanticType", "unknown"), "semantic type")
        equal(field["typical_query_patterns"], column.get("typicalQueryPatterns", []), "patterns")
        for key, name in OPTIONAL_KEYS.items():
            is_flag = key in ("use_dictionary", "create_learned_index", "contains_pii")
            equal(field[key], column.get(name, False if is_flag else None), key)
        equal({key: field[key] for key in column.get("extra", {})}, column.get("extra", {}), "unknown keys")

    statistics = unpack(data[statistics_at + 4 : data_at], "statistics")
    equal(list(statistics), [column["name"] for column in columns], "statistics")

    # Groups in the order of their first columns.
    groups = {}
    for column in columns:
        groups.setdefault(column.get("columnGroup", 0), []).append(column)
    at = data_at
    for group, members in groups.items():
        equal(struct.unpack_from("<II", data, at), (group, len(members)), "group")
        at += 8
        for column in members:
            name, data_type = column["name"], column["type"]
            end = data.index(b"\0", at)
            equal(data[at:end].decode("utf-8"), name, "name")
            size, own_codec = struct.unpack_from("<QB", data, end + 1)
            equal(own_codec, codec, "codec")
            at = end + 10 + size
            values = expected_values(column)
            content = plain(data[end + 10 : at], codec, name)
            compare(decode_payload(content, data_type), values, data_type, f"python {name}")
            stated = statistics[name]
            equal(list(stated), STATISTICS_KEYS, "statistics keys")
            equal(stated, statistics_of(values, data_type), f"statistics of {name}")
    equal(at, footer_at, "footer offset")

    equal(struct.unpack_from("<4sIB", data, footer_at), (b"NCFE", 1, 2), "footer")
    equal(data[footer_at + 9 : footer_at + 41], hashlib.sha256(data[:footer_at]).digest(), "checksum")
    index = [struct.unpack_from("<16sQ", data, footer_at + 45 + 24 * entry) for entry in range(5)]
    places = {b"header": 8, b"schema": 68, b"stats": statistics_at, b"data": data_at, b"footer": footer_at}
    equal(struct.unpack_from("<I", data, footer_at + 41), (5,), "entries")
    equal(index, [(name.ljust(16, b"\0"), offset) for name, offset in places.items()], "index")
    equal(len(data), footer_at + 165, "size")


def check_rust20(data, expected):
    columns = expected["columns"]
    rows = len(columns[0]["values"])
    magic, version, schema_at, statistics_at, data_at, footer_at, row_count, rest = struct.unpack_from("<4sI5Q16s", data)
    equal((magic, version, schema_at, row_count, rest), (b"NCF\x01", 1, 64, rows, bytes(16)), "header")
    schema = unpack(data[64:statistics_at], "schema")
    fields = [
        [column["name"], RUST_TYPES[column["type"]], RUST_SEMANTICS.get(column.get("semanticType")), column.get("nullable", True)]
        for column in columns
    ]
    equal(schema, [expected["tableName"], fields, rows, 1], "schema")
    statistics = unpack(data[statistics_at:data_at], "statistics")
    equal(len(statistics), len(columns), "statistics")
    at = data_at
    for column, stated in zip(columns, statistics):
        name, data_type = column["name"], column["type"]
        (size,) = struct.unpack_from("<I", data, at)
        content = plain(data[at + 4 : at + 4 + size], 1, name)
        at += 4 + size
        values = expected_values(column)
        compare(decode_payload(content, data_type), values, data_type, f"rust {name}")
        numbers = [] if data_type == "string" else [float(value) for value in values if value == value]
        # Empty text counts as null, as NaN does.
        nulls = sum(value == "" or value != value for value in values)
        bounds = [min(numbers), max(numbers)] if numbers else [None, None]
        equal(list(map(identity, stated)), list(map(identity, [*bounds, nulls, len(values), None])), f"statistics of {name}")
    equal(at, footer_at, "footer offset")
    equal((data[footer_at : footer_at + 4], len(data)), (b"NCFE", footer_at + 36), "footer")
    # The original hashes before it fills in its header; a digest of the finished file is right as well.
    unfilled = data[:8] + bytes(56) + data[64:footer_at]
    digests = [hashlib.sha256(bytes_).digest() for bytes_ in (data[:footer_at], unfilled)]
    assert data[footer_at + 4 :] in digests, "checksum"


CHECKS = {"python-1.0": check_python10, "rust-2.0": check_rust20}


def main():
    failed = 0
    paths = sorted(pathlib.Path(sys.argv[1]).glob("*.ncf"))
    for path in paths:
        expected = json.loads(path.with_suffix(".json").read_text("utf-8"))
        try:
            CHECKS[expected["dialect"]](path.read_bytes(), expected)
            print(f"ok  {path.stem}")
        except Exception as error:
            failed += 1
            print(f"FAILED  {path.stem}: {type(error).__name__}: {error}")
    print(json.dumps({"numpy": numpy.__version__, "passed": len(paths) - failed, "failed": failed}))


main()
