#!/usr/bin/env python3
"""Makes convert/testdata: small random networks in the layouts of public files, with
what the original implementations compute of them.

    python scripts/golden/convert.py [convert/testdata]

BLIP, BERT and ViT are the classes of Hugging Face's transformers; ALBEF and X-VLM are
convert_models.py. Networks are saved as their authors save them, computed in float64
from the saved values. Made with transformers 4.30.2 and torch 1.13 (Debian's).
"""
import argparse
import copy
import json
import pathlib
import re
import sys

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from transformers import (BertConfig, BertForMaskedLM, BertModel, BertTokenizer, BlipConfig, BlipForImageTextRetrieval,
                          ViTConfig, ViTForImageClassification, ViTModel)

from convert_models import ALBEF, XVLM, ViT

WORDS = """a the an in on of and with two red green blue dog cat ball bird car beach snow grass
man woman boy girl running play ##ing ##s ##ed sits stand big small , . ' ? - / ! # 1 2 s x ##x""".split()
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + WORDS
CAPTIONS = ["A red dog running on the beach", "Two girls, in snow!", "the man's big-small car / blue ball"]
HALF = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32}


def randomise(model, seed):
    """Gives every parameter values of the size that trained networks have."""
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            noise = torch.randn(p.shape, generator=g)
            if name.endswith("temp"):
                p.fill_(0.03 + 0.04 * torch.rand((), generator=g))
            elif re.search(r"(norm|LayerNorm|layernorm)\w*\.weight$|itm_head\.1\.weight$", name):
                p.copy_(1 + 0.1 * noise)
            elif p.dim() >= 2 and "embed" not in name and "token" not in name:
                p.copy_(noise * p[0].numel() ** -0.5)
            else:
                p.copy_(0.3 * noise if p.dim() >= 2 else 0.1 * noise)
    return model.eval()


def rounded(model, store):
    """The model with its values rounded as the file rounds them, in float64."""
    return model.to(HALF[store]).double()


def stored(state, store):
    return {k: v.to(HALF[store]) if v.is_floating_point() else v for k, v in state.items()}


def pictures(size, seed, count=3):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(count, 3, size, size, generator=g).float()


def tokens_of(rows, vocab, seed, count=3, padded=True):
    """Random ids [CLS] ... [SEP] and their mask, the captions of different lengths."""
    g = torch.Generator().manual_seed(seed)
    ids, mask = torch.zeros(count, rows, dtype=torch.long), torch.zeros(count, rows)
    for i in range(count):
        n = rows - 2 * i if padded else rows
        ids[i, :n] = torch.randint(5, vocab, (n,), generator=g)
        ids[i, 0], ids[i, n - 1], mask[i, :n] = 2, 3, 1
    return ids, mask


class Case:
    """One folder of testdata: a source, its vocabulary, and its golden values."""

    def __init__(self, root, name, **told):
        self.dir = root / name
        self.dir.mkdir(parents=True, exist_ok=True)
        self.tensors, self.told = {}, told
        (self.dir / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")

    def add(self, run, inputs, outputs):
        for kind, values in (("input", inputs), ("output", outputs)):
            for name, value in values.items():
                if name == "pictures":
                    value = value.permute(0, 2, 3, 1)
                value = value if value.dtype == torch.long else value.float()
                self.tensors[f"{run}/{kind}/{name}"] = value.contiguous().clone()

    def save(self):
        save_file(self.tensors, str(self.dir / "golden.safetensors"), metadata={"case": json.dumps(self.told)})


def runs(case, model, c, resize):
    """Golden values at the source's resolution and at a larger and a smaller one,
    captions padded and not."""
    for i, (size, padded) in enumerate([(c["size"], True), (c["size"], False), (c["size"] + c["patch"], True), (c["size"] - c["patch"], True)]):
        m = copy.deepcopy(model)
        if size != c["size"]:
            resize(m, size // c["patch"])
        x = pictures(size, 10 + i)
        ids, mask = tokens_of(9, len(VOCABULARY), 20 + i, padded=padded)
        with torch.no_grad():
            out = m.outputs(x.double(), ids, mask.double() if padded else None)
        inputs = {"pictures": x, "ids": ids}
        if padded:
            inputs["mask"] = mask
        case.add(f"{size}_{'padded' if padded else 'whole'}", inputs, out)


def captions(case, model, c, first=None):
    """What captions come to through the library's tokenizer, each alone."""
    tokenizer = BertTokenizer(str(case.dir / "vocab.txt"), do_lower_case=True)
    x = pictures(c["size"], 30)
    scale = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(3, 1, 1)
    mean = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(3, 1, 1)
    rgb = ((x * 0.25 + 0.5).clamp(0, 1) * 255).round()
    out = {"texts": [], "match": []}
    for text, picture in zip(case.told["cleaned"], rgb):
        ids = tokenizer(text, return_tensors="pt").input_ids
        with torch.no_grad():
            one = model.outputs(((picture / 255 - mean) / scale)[None].double(), ids, None)
        out["texts"].append(one["texts"])
        out["match"].append(one["match"])
    case.add("captions", {"rgb": rgb}, {k: torch.cat(v) for k, v in out.items()})


def cleaned(rule):
    """ALBEF's and BLIP's pre_caption, by the facts of their code."""
    texts = []
    for t in CAPTIONS:
        t = t.lower()
        if rule == "albef":
            t = re.sub(r"[,.'!?\"()*#:;~]", "", t).replace("-", " ").replace("/", " ")
        else:
            t = re.sub(r"[.!\"()*#:;~]", " ", t)
        texts.append(" ".join(re.sub(r"\s{2,}", " ", t).strip().split(" ")[:30]))
    return texts


def resize_own(part):
    return lambda m, side: getattr(m, part).resize(side)


def albef(root):
    """A fine-tuned file of today and a pre-trained one of PyTorch before 1.6, in half precision."""
    c = dict(size=32, patch=8, vision=64, vision_heads=4, vision_layers=3, vocabulary=len(VOCABULARY), places=40,
             text=64, text_heads=2, layers=4, fusion=2, projection=24)
    case = Case(root, "albef_finetuned", kind="albef", vision_heads=4, text_heads=2, captions=CAPTIONS, cleaned=cleaned("albef"))
    m = randomise(ALBEF(c, queue=8), 1)
    torch.save({"model": m.state_dict(), "optimizer": {"state": {0: {"step": 3, "exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 1e-5, "betas": (0.9, 0.999)}]},
                "lr_scheduler": {"t": [1.0]}, "config": {"image_res": 32, "alpha": 0.4}, "epoch": 4}, case.dir / "checkpoint_best.pth")
    m = rounded(m, "float32")
    runs(case, m, c, resize_own("visual_encoder"))
    captions(case, m, c)
    case.save()

    c = dict(size=24, patch=4, vision=32, vision_heads=2, vision_layers=2, vocabulary=len(VOCABULARY), places=24,
             text=48, text_heads=3, layers=5, fusion=2, projection=16)
    case = Case(root, "albef_pretrained", kind="albef", vision_heads=2, text_heads=3)
    m = randomise(ALBEF(c, queue=8), 2).half()
    state = {re.sub(r"^(text_encoder(_m)?)\.", r"\1.bert.", k): v for k, v in m.state_dict().items()}
    for twin in ("text_encoder", "text_encoder_m"):
        state[f"{twin}.cls.predictions.bias"] = torch.zeros(c["vocabulary"]).half()
        state[f"{twin}.cls.predictions.transform.dense.weight"] = torch.zeros(48, 48).half()
    torch.save({"model": state, "epoch": 29, "config": argparse.Namespace(seed=42)}, case.dir / "ALBEF.pth", _use_new_zipfile_serialization=False)
    runs(case, m.double(), c, resize_own("visual_encoder"))
    case.save()


def xvlm(root):
    c = dict(size=32, patch=8, vision=48, vision_heads=3, vision_layers=2, vocabulary=len(VOCABULARY), places=40,
             text=32, text_heads=2, layers=3, fusion=1, projection=16)
    case = Case(root, "xvlm", kind="xvlm", vision_heads=3, text_heads=2)
    m = randomise(XVLM(c), 3)
    torch.save({"model": m.state_dict()}, case.dir / "checkpoint_best.pth")
    runs(case, rounded(m, "float32"), c, resize_own("vision_encoder"))
    case.save()


class Blip(torch.nn.Module):
    """Hugging Face's model with the outputs that are stored; first is put in [CLS]'s place to match."""

    def __init__(self, model, first=None):
        super().__init__()
        self.model, self.first = model, first

    def outputs(self, x, ids, mask):
        dual = self.model(input_ids=ids, pixel_values=x, attention_mask=mask, use_itm_head=False)
        states = dual.question_embeds
        if self.first is not None:
            ids = ids.clone()
            ids[:, 0] = self.first
        match = self.model(input_ids=ids, pixel_values=x, attention_mask=mask, use_itm_head=True)
        images = F.normalize(self.model.vision_proj(dual.last_hidden_state[:, 0]), dim=-1)
        texts = F.normalize(self.model.text_proj(states[:, 0]), dim=-1)
        return {"tokens": dual.last_hidden_state, "states": states, "images": images, "texts": texts,
                "cosine": dual.itm_score, "match": match.itm_score}


def resize_blip(m, side):
    e = m.model.vision_model.embeddings
    v = ViT(e.patch_size, e.patch_size, e.embed_dim, 1, 0)
    v.pos_embed = torch.nn.Parameter(e.position_embedding.data)
    v.resize(side)
    e.position_embedding = v.pos_embed


def blip_config(c, epsilon):
    return BlipConfig(
        text_config=dict(vocab_size=c["vocabulary"], hidden_size=c["text"], encoder_hidden_size=c["vision"], intermediate_size=4 * c["text"],
                         projection_dim=c["projection"], num_hidden_layers=c["layers"], num_attention_heads=c["text_heads"],
                         max_position_embeddings=c["places"], bos_token_id=c["vocabulary"] - 2, sep_token_id=3, pad_token_id=0),
        vision_config=dict(hidden_size=c["vision"], intermediate_size=4 * c["vision"], projection_dim=c["projection"],
                           num_hidden_layers=c["vision_layers"], num_attention_heads=c["vision_heads"], image_size=c["size"],
                           patch_size=c["patch"], layer_norm_eps=epsilon),
        projection_dim=c["projection"], image_text_hidden_size=c["projection"])


BLIP_BASE = dict(size=32, patch=8, vision=64, vision_heads=4, vision_layers=2, vocabulary=len(VOCABULARY) + 2, places=40,
                 text=64, text_heads=8, layers=3, projection=32)
BLIP_LARGE = dict(size=24, patch=8, vision=96, vision_heads=6, vision_layers=4, vocabulary=len(VOCABULARY) + 2, places=40,
                  text=48, text_heads=4, layers=2, projection=16)


def original_blip(name):
    """Hugging Face's name of a BLIP parameter -> its authors' (Hugging Face's converter)."""
    for pattern, to in [(r"^vision_model\.encoder\.layers\.", "visual_encoder.blocks."), (r"^vision_model\.post_layernorm", "visual_encoder.norm"),
                        (r"^vision_model\.embeddings\.patch_embedding", "visual_encoder.patch_embed.proj"),
                        (r"^vision_model\.embeddings\.position_embedding", "visual_encoder.pos_embed"),
                        (r"^vision_model\.embeddings\.class_embedding", "visual_encoder.cls_token"),
                        (r"\.self_attn\.projection", ".attn.proj"), (r"\.self_attn\.", ".attn."), (r"layer_norm([12])", r"norm\1")]:
        name = re.sub(pattern, to, name)
    return name


def blip(root):
    """The library's BLIP: saved by itself in three ways, and in its authors' layout."""
    for seed, (name, c, epsilon, store) in enumerate([("blip_hf_base", BLIP_BASE, 1e-5, "float32"), ("blip_hf_large", BLIP_LARGE, 1e-6, "bfloat16")]):
        case = Case(root, name, kind="blip-hf", captions=CAPTIONS, cleaned=cleaned("blip"))
        m = randomise(BlipForImageTextRetrieval(blip_config(c, epsilon)), 40 + seed).to(HALF[store])
        m.save_pretrained(case.dir, safe_serialization=True, max_shard_size="300KB" if store == "bfloat16" else "10GB")
        (case.dir / "preprocessor_config.json").write_text(json.dumps({
            "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711], "resample": 3}))
        whole = Blip(m.double())
        runs(case, whole, c, resize_blip)
        captions(case, whole, c)
        case.save()

    case = Case(root, "blip_original", kind="blip", vision_heads=4, text_heads=8, captions=CAPTIONS, cleaned=cleaned("blip"))
    m = randomise(BlipForImageTextRetrieval(blip_config(BLIP_BASE, 1e-6)), 50)
    state = {original_blip(k): v for k, v in m.state_dict().items()}
    for k in list(state):
        part, rest = k.split(".", 1)
        if part in ("visual_encoder", "text_encoder", "vision_proj", "text_proj"):
            state[f"{part}_m.{rest}"] = state[k]  # shares its storage, as copies do not: a smaller file
    state |= {"temp": torch.tensor(0.041), "image_queue": torch.zeros(32, 8), "text_queue": torch.zeros(32, 8),
              "idx_queue": torch.full((1, 8), -100.0), "ptr_queue": torch.zeros(1, dtype=torch.long)}
    torch.save({"model": state}, case.dir / "model_base_retrieval.pth")
    whole = Blip(m.double(), first=len(VOCABULARY) + 1)
    runs(case, whole, BLIP_BASE, resize_blip)
    captions(case, whole, BLIP_BASE)
    case.save()


def bert(root):
    for seed, (name, model, width, heads, layers, legacy) in enumerate([
            ("bert_safetensors", BertModel, 64, 4, 3, False), ("bert_masked", BertForMaskedLM, 48, 3, 2, True)]):
        case = Case(root, name, kind="bert", layers=layers)
        m = randomise(model(BertConfig(vocab_size=len(VOCABULARY) + 3, hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
                                       intermediate_size=3 * width, max_position_embeddings=24)), 60 + seed)
        m.save_pretrained(case.dir, safe_serialization=not legacy)
        m = m.double()
        inner = m.bert if legacy else m
        for padded in (True, False):
            ids, mask = tokens_of(11, len(VOCABULARY), 62, padded=padded)
            with torch.no_grad():
                states = inner(input_ids=ids, attention_mask=mask.double() if padded else None).last_hidden_state
            case.add("padded" if padded else "whole", {"ids": ids, **({"mask": mask} if padded else {})}, {"states": states})
        case.save()


def vit(root):
    for seed, (name, model, width, heads, layers, store) in enumerate([
            ("vit_hf", ViTModel, 64, 4, 3, "float32"), ("vit_classifier", ViTForImageClassification, 48, 2, 2, "float16")]):
        case = Case(root, name, kind="vit")
        m = randomise(model(ViTConfig(hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads, intermediate_size=4 * width,
                                      image_size=32, patch_size=8, num_labels=5)), 70 + seed).to(HALF[store])
        m.save_pretrained(case.dir, safe_serialization=True)
        m = m.double()
        inner = m.vit if "Classification" in model.__name__ else m
        x = pictures(32, 72)
        with torch.no_grad():
            case.add("32", {"pictures": x}, {"tokens": inner(pixel_values=x.double()).last_hidden_state})
        case.save()

    case = Case(root, "deit_timm", kind="vit", vision_heads=3)
    m = ViT(32, 4, 48, 3, 2)
    m.head = torch.nn.Linear(48, 10)
    m = randomise(m, 80)
    torch.save({"model": m.state_dict()}, case.dir / "deit.pth")
    m = m.double()
    for size in (32, 40):
        if size != 32:
            m.resize(size // 4)
        x = pictures(size, 81)
        with torch.no_grad():
            case.add(str(size), {"pictures": x}, {"tokens": m(x.double())})
    case.save()


if __name__ == "__main__":
    to = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "convert/testdata")
    torch.manual_seed(0)
    for make in (albef, xvlm, blip, bert, vit):
        make(to)
