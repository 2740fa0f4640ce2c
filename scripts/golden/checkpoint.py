"""Golden files of checkpoint/safetensors, made by the format's own Python package.

    pip install safetensors==0.8.0 numpy
    python scripts/golden/checkpoint.py

Run from the repository's root. Writes
    checkpoint/safetensors/testdata/reference.safetensors  every element type, metadata, a scalar, an empty tensor
    checkpoint/safetensors/testdata/rounding.safetensors   float32 values beside their float16 and bfloat16 roundings
and prints the SHA-256 of all 65,536 float16 values widened by NumPy. Then it has
Go write a file (scripts/golden/checkpoint/main.go) and reads that back here.
"""

import hashlib
import pathlib
import subprocess
import tempfile

import numpy as np
from safetensors import TensorSpec, deserialize, safe_open, serialize

OUT = pathlib.Path("checkpoint/safetensors/testdata")
DTYPES = {"I64": "int64", "F64": "float64", "F32": "float32", "I32": "int32", "BF16": "bfloat16",
          "F16": "float16", "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool"}


def bfloat16(x):
    """Round float32 to bfloat16 (as uint16) by arithmetic in float64, ties to even."""
    x64 = x.astype(np.float64)
    _, exponent = np.frexp(x64)
    quantum = np.ldexp(1.0, np.maximum(exponent, -125) - 8)
    rounded = (np.rint(x64 / quantum) * quantum)
    with np.errstate(over="ignore"):
        return (rounded.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)


def spec(dtype, array):
    return TensorSpec(dtype=dtype, shape=list(array.shape), data_ptr=array.ctypes.data, data_len=array.nbytes)


def reference():
    arrays = {
        "int64": ("int64", np.array([-(2**40), 0, 7], np.int64)),
        "float64": ("float64", np.array([[1.5, -0.1]], np.float64)),
        "float32": ("float32", np.arange(6, dtype=np.float32).reshape(2, 3) / 4),
        "int32": ("int32", np.array([-70000, 70000], np.int32)),
        "float16": ("float16", np.array([0.1, -65504], np.float16)),
        "bfloat16": ("bfloat16", bfloat16(np.array([0.1, -3e38], np.float32))),
        "int16": ("int16", np.array([-300, 300], np.int16)),
        "int8": ("int8", np.array([-128, 127, 1], np.int8)),
        "uint8": ("uint8", np.array([0, 255], np.uint8)),
        "bool": ("bool", np.array([True, False, True])),
        "scalar": ("float32", np.array(2.5, np.float32)),
        "empty": ("float32", np.zeros((0, 3), np.float32)),
        'na"me/\u00fc<': ("uint8", np.array([9], np.uint8)),
    }
    return serialize({n: spec(d, a) for n, (d, a) in arrays.items()}, {"made by": 'Python, "\u00fc" <b>\n'})


def rounding():
    rng = np.random.default_rng(1)
    x = rng.integers(0, 2**32, 1500, dtype=np.uint32).view(np.float32)
    x = np.concatenate([
        x[np.isfinite(x)],
        (rng.standard_normal(500) * np.exp2(rng.integers(-28, 18, 500))).astype(np.float32),
        # Exact ties and their neighbours, across normal and subnormal float16.
        np.array([(2 * k + 1) * 2.0**e for e in (-26, -25, -16, -12, 4) for k in range(0, 2100, 97)], np.float32),
        np.array([65504, 65519.996, 65520, 2**-24, 2**-25, 2**-25 * 1.0000001, 0, -0.0, 3.3895314e38, 3.4e38], np.float32),
    ])
    with np.errstate(over="ignore"):
        half = x.astype(np.float16)
    brain = bfloat16(x)
    return serialize({"float32": spec("float32", x), "float16": spec("float16", half), "bfloat16": spec("bfloat16", brain)})


def read_ours():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "ours.safetensors"
        subprocess.run(["go", "run", "./scripts/golden/checkpoint", str(path)], check=True)
        tensors = dict(deserialize(path.read_bytes()))
        assert sorted(tensors) == sorted(DTYPES), sorted(tensors)
        for name, t in tensors.items():
            assert t["dtype"] == name and t["shape"] == [2, 1], (name, t)
        with safe_open(path, framework="numpy") as f:
            assert f.metadata() == {"a": "1", "b": "\u00fc<>"}, f.metadata()
            for name in set(DTYPES) - {"BF16"}:
                value = f.get_tensor(name)
                assert value.dtype == np.dtype(DTYPES[name]), value.dtype
                assert value.ravel().tolist() == [1, 0], (name, value)
        assert bytes(tensors["BF16"]["data"]) == b"\x80\x3f\x00\x00"
    print("the package reads what Go wrote")


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "reference.safetensors").write_bytes(reference())
    (OUT / "rounding.safetensors").write_bytes(rounding())
    # Signalling NaNs are left out: whether widening makes them quiet depends on the processor.
    half = np.arange(65536, dtype=np.uint16).view(np.float16)
    half = half[~np.isnan(half)]
    print("float16 widened:", hashlib.sha256(half.astype(np.float32).tobytes()).hexdigest())
    read_ours()


main()
