#!/usr/bin/env bash
# Makes the golden files again from the independent implementations. Needs Python
# with torch, Pillow, tokenizers, safetensors and pyarrow; PYTHON names one, TORCH
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
"$python" scripts/golden/dataset_parquet.py dataset/testdata/parquet
