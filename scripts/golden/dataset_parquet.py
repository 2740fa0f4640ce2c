"""Writes small Parquet files as Hugging Face datasets lay them out, with pyarrow.

Usage: python3 dataset_parquet.py FOLDER   (pyarrow 26.0.1)

Each holds twelve rows: picture i is the bytes "picture i " times i + 1, row 5 has
none, captions are "caption c of i", the last two rows are of the split test.
"""

import sys

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = range(12)


def picture(i):
    return None if i == 5 else (f"picture {i} " * (i + 1)).encode()


def captions(i):
    return [f"caption {c} of {i}" for c in range(i % 3 + 1)]


def struct(i):
    return {"bytes": picture(i), "path": f"{i:02d}.jpg"}


splits = ["test" if i > 9 else "train" for i in ROWS]
image = pa.array([struct(i) for i in ROWS], pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
listed = pa.array([captions(i) for i in ROWS], pa.list_(pa.string()))
flat = pa.table({"image": image, "caption": listed, "split": splits, "label": list(ROWS)})
raw = pa.table({
    "filename": [f"{i:02d}.jpg" for i in ROWS],
    "jpg": pa.array([picture(i) for i in ROWS], pa.binary()),
    "sentences": pa.array([[{"raw": c, "tokens": c.split()} for c in captions(i)] for i in ROWS]),
    "split": splits,
})
# One caption a row: rows of a picture follow each other.
single = pa.table({
    "image": pa.array([struct(i) for i in ROWS for _ in captions(i)], image.type),
    "text": [c for i in ROWS for c in captions(i)],
    "split": [splits[i] for i in ROWS for _ in captions(i)],
})

folder = sys.argv[1]
write = lambda name, table, **options: pq.write_table(table, f"{folder}/{name}.parquet", **options)
write("snappy", flat, row_group_size=5)
write("zstd_v2", flat, compression="zstd", data_page_version="2.0", row_group_size=7)
write("gzip_plain", flat, compression="gzip", use_dictionary=False, write_statistics=False, row_group_size=12)
write("none_small_pages", raw, compression="none", use_dictionary=False, data_page_size=64, write_batch_size=2, write_page_checksum=True)
write("delta", raw, use_dictionary=False, column_encoding={"filename": "DELTA_BYTE_ARRAY", "sentences.list.element.raw": "DELTA_LENGTH_BYTE_ARRAY", "jpg": "DELTA_LENGTH_BYTE_ARRAY"})
write("single", single)
