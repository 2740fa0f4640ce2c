#!/usr/bin/env bash
# Makes the golden files again from the independent implementations. Needs Python
# with torch, transformers (4.30.2 runs with Debian's torch 1.13), Pillow, tokenizers, safetensors and pyarrow; PYTHON names one, TORCH
# another where torch lives elsewhere. git diff then shows what changed.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}
torch=${TORCH:-$python}
bert=$(go mod download -json github.com/sugarme/tokenizer@v0.3.0 | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')

OPENBLAS_NUM_THREADS=1 "$torch" scripts/golden/network_golden.py network/testdata
"$python" scripts/golden/pixels.py pixels/testdata
"$python" scripts/golden/jpeg.py pixels/jpeg/testdata
"$python" scripts/golden/wordpiece.py "$bert/pretrained/model/bert-base-uncased-vocab.txt"
"$python" scripts/golden/checkpoint.py
"$torch" scripts/golden/checkpoint_torch.py checkpoint/torch/testdata
"$torch" scripts/golden/convert.py convert/testdata
"$python" scripts/golden/dataset_parquet.py dataset/testdata/parquet
