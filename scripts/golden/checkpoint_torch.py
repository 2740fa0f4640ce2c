#!/usr/bin/env python3
"""Makes checkpoint/torch/testdata: what torch.save writes, and pickles that would act.

    python scripts/golden/checkpoint_torch.py [checkpoint/torch/testdata]

The malicious files are harmless here: nothing in this repository unpickles them with
Python, and all they would do is to make a file called "was_run".
"""
import argparse
import collections
import io
import os
import pathlib
import pickle
import subprocess
import sys
import zipfile

import torch
from safetensors.torch import save_file

to = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "checkpoint/torch/testdata")
to.mkdir(parents=True, exist_ok=True)
torch.manual_seed(1)

base = torch.randn(6, 4)
values = {
    "float64": torch.randn(3, 2, dtype=torch.float64), "float32": torch.randn(2, 3, 4), "float16": torch.randn(5).half(),
    "bfloat16": torch.randn(5).bfloat16(), "int64": torch.tensor([-3, 7]), "int32": torch.tensor([[1], [-2]], dtype=torch.int32),
    "int16": torch.tensor([300], dtype=torch.int16), "int8": torch.tensor([-5, 5], dtype=torch.int8), "uint8": torch.tensor([200], dtype=torch.uint8),
    "bool": torch.tensor([True, False]), "scalar": torch.tensor(0.07), "empty": torch.zeros(0, 3),
    "whole": base, "transposed": base.t(), "column": base[:, 1], "rows": base[2:5], "strided": base[::2, ::3], "expanded_row": base[:1],
}
state = collections.OrderedDict(values)
state["parameter"] = torch.nn.Parameter(torch.randn(2, 2))
checkpoint = {
    "model": state, "epoch": 3, "lr": 1e-5, "name": "text \u00e9", "big": 1 << 80, "none": None, "flags": {True, False},
    "args": argparse.Namespace(lr=0.1, layers=[1, 2]), "optimizer": {"state": {0: {"exp_avg": torch.ones(2), "step": 7}}, "param_groups": [{"betas": (0.9, 0.999)}]},
    "counts": collections.defaultdict(int, a=1), "device": torch.device("cpu"), "dtype": torch.float16, "size": torch.Size([2, 3]),
}
torch.save(checkpoint, to / "zip.pth")
torch.save(checkpoint, to / "legacy.pth", _use_new_zipfile_serialization=False)
expected = {f"model.{k}": v.detach().float().contiguous().clone() for k, v in state.items()}
expected["optimizer.state.0.exp_avg"] = torch.ones(2)
save_file(expected, str(to / "expected.safetensors"))


class Call:
    """Unpickles as a call of f."""

    def __init__(self, f, *args):
        self.call = (f, args)

    def __reduce__(self):
        return self.call


class State:
    """Unpickles by giving state to what a call made."""

    def __reduce__(self):
        return (collections.OrderedDict, (), {"x": Call(os.system, "touch was_run")})


attacks = {
    "os_system": Call(os.system, "touch was_run"),
    "eval": Call(eval, "open('was_run','w')"),
    "exec": Call(exec, "open('was_run','w')"),
    "popen": Call(subprocess.Popen, ["touch", "was_run"]),
    "getattr": Call(getattr, "", "join"),
    "open": Call(open, "was_run", "w"),
    "import": Call(__import__, "os"),
    "load": Call(torch.load, "was_run"),
    "state": State(),
    "key": {"model": {"weight": torch.ones(2), "bias": Call(os.system, "touch was_run")}},
}
for name, attack in attacks.items():
    torch.save(attack, to / f"attack_{name}.pth")
    torch.save(attack, to / f"attack_{name}_legacy.pth", _use_new_zipfile_serialization=False)
for protocol in (0, 1, 2, 3, 4, 5):
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w") as z:
        z.writestr("archive/data.pkl", pickle.dumps({"a": Call(os.system, "touch was_run")}, protocol))
    (to / f"attack_protocol{protocol}.pth").write_bytes(b.getvalue())
    (to / f"attack_bare{protocol}.pth").write_bytes(pickle.dumps(Call(os.system, "touch was_run"), protocol))
