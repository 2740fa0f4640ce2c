#!/usr/bin/env python3
"""Makes convert/testdata/minilm.safetensors: MiniLM's sentence embeddings by Hugging Face's
transformers, mean over tokens, length one, float64.

    scripts/minilm.sh build/minilm && python scripts/golden/minilm.py build/minilm
"""
import json
import sys

import torch
from safetensors.torch import save_file
from transformers import BertModel, BertTokenizer

SENTENCES = [
    "A brown dog is running on the beach.", "Two young girls, laughing, play in the snow!", "the man's big-small car / a blue ball",
    "Ein Hund läuft über die Wiese", "a", "", "An orange-and-white cat sleeps on a laptop keyboard next to a half-empty cup of coffee (cold?).",
    "Unaffable antidisestablishmentarianism, 1,234.56 & naïve café №5", " ".join(["a long caption about many things on a table"] * 12),
]

folder = sys.argv[1]
tokenizer = BertTokenizer.from_pretrained(folder)
model = BertModel.from_pretrained(folder).double().eval()
rows = []
for text in SENTENCES:
    inputs = tokenizer(text, return_tensors="pt", truncation=True, max_length=256)
    with torch.no_grad():
        states = model(**inputs).last_hidden_state[0]
    rows.append(torch.nn.functional.normalize(states.mean(0), dim=0))
save_file({"embeddings": torch.stack(rows).float()}, "convert/testdata/minilm.safetensors", metadata={"sentences": json.dumps(SENTENCES)})
