#!/usr/bin/env python3
"""Checks that exports load strictly where they are meant to, and compute the golden values.

    go build -o build/loopitr ./cmd/loopitr
    python scripts/golden/convert_strict.py build/loopitr

Imports two cases of convert/testdata with loopitr, exports them, loads the exports with
load_state_dict(strict=True) and from_pretrained, and compares what they compute.
"""
import pathlib
import subprocess
import sys
import tempfile

import torch
from safetensors import safe_open
from transformers import BlipForImageTextRetrieval

from convert import Blip
from convert_models import ALBEF

loopitr, data = sys.argv[1], pathlib.Path("convert/testdata")


def compare(case, model, run):
    with safe_open(str(data / case / "golden.safetensors"), "pt") as f:
        stored = {k.removeprefix(run + "/"): f.get_tensor(k) for k in f.keys() if k.startswith(run + "/")}
    x = stored["input/pictures"].permute(0, 3, 1, 2).double()
    with torch.no_grad():
        got = model.outputs(x, stored["input/ids"], stored["input/mask"].double())
    worst = max((got[n].float() - stored[f"output/{n}"]).abs().max().item() for n in ("tokens", "images", "texts", "cosine", "match"))
    print(f"{case}: loaded strictly, furthest output {worst:.1e} away")
    assert worst < 1e-5


def export(work, case, source, form, *flags):
    subprocess.run([loopitr, "import", str(data / case / source), "--out", f"{work}/{case}", *flags], check=True)
    subprocess.run([loopitr, "export", f"{work}/{case}", "--format", form, "--out", f"{work}/{case}-out"], check=True)
    return pathlib.Path(f"{work}/{case}-out")


with tempfile.TemporaryDirectory() as work:
    out = export(work, "albef_finetuned", "checkpoint_best.pth", "albef", "--vision-heads", "4", "--text-heads", "2")
    c = dict(size=32, patch=8, vision=64, vision_heads=4, vision_layers=3, vocabulary=51, places=40, text=64, text_heads=2, layers=4, fusion=2, projection=24)
    m = ALBEF(c, queue=65536)
    m.load_state_dict(torch.load(out / "model.pth")["model"], strict=True)
    assert all(torch.equal(p, dict(m.named_parameters())[n.replace(".", "_m.", 1)]) for n, p in m.visual_encoder.named_parameters(prefix="visual_encoder"))
    compare("albef_finetuned", m.double().eval(), "32_padded")

    out = export(work, "blip_hf_base", "", "blip-hf")
    m, told = BlipForImageTextRetrieval.from_pretrained(out, output_loading_info=True)
    assert not any(told.values()), told
    compare("blip_hf_base", Blip(m.double().eval()), "32_padded")
