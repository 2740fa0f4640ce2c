#!/usr/bin/python3
"""Writes network/testdata/golden_*.safetensors: what PyTorch computes, in float64, for three tiny
networks: forward results, every loss, gradients, and ten AdamW steps.

Run from the repository's root with torch 1.13 or later:
    OPENBLAS_NUM_THREADS=1 python3 scripts/golden/network_golden.py network/testdata
"""
import json
import math
import struct
import sys

import torch

import loss as losses
import network

torch.set_num_threads(2)
torch.set_default_dtype(torch.float64)

SAMPLERS = ["multinomial", "top", "random"]
MATCHES = ["binary", "listwise", "both"]
OBJECTIVES = ["listwise", "pointwise", "margin", "rank"]
DIRECTIONS = ["cross-to-dual", "dual-to-cross", "both"]
STEPS, WARMUP, RATE, DECAY = 10, 4, 2e-3, 0.05


def tower(width, heads, layers, hidden, epsilon):
    return {"width": width, "heads": heads, "layers": layers, "hidden": hidden, "layer_norm_epsilon": epsilon}


def cases():
    text = {"vocabulary": 24, "max_tokens": 8, **tower(12, 3, 2, 20, 1e-12)}
    yield "pixels", {
        "vision": {"input": "pixels", "image_size": 12, "patch_size": 4, **tower(12, 2, 2, 24, 1e-6)},
        "text": {**text, "masked_modeling": True},
        "cross": {"layers": 2, "pool": "cls"}, "projection": 6, "dropout": 0, "init_deviation": 0.02,
    }, {"padded": True, "count": 2, "sampler": "multinomial", "match": "binary",
        "distill": {"objective": "listwise", "direction": "cross-to-dual"}}
    yield "tokens", {
        "vision": {"input": "tokens", "tokens": 5, "features": 7, **tower(8, 2, 1, 16, 1e-6)},
        "text": text,
        "cross": {"layers": 1, "pool": "mean"}, "projection": 6, "dropout": 0, "init_deviation": 0.02,
    }, {"padded": False, "count": 5, "sampler": "random", "match": "both",
        "distill": {"objective": "rank", "direction": "both"}}
    yield "stem", {
        "vision": {"input": "pixels", "image_size": 12, "patch_size": 4, "stem": "conv", **tower(8, 2, 1, 16, 1e-6)},
        "text": {**text, "masked_modeling": True},
        "cross": {"layers": 1, "pool": "cls"}, "projection": 6, "dropout": 0, "init_deviation": 0.02,
    }, {"padded": True, "count": 2, "sampler": "top", "match": "binary",
        "distill": {"objective": "listwise", "direction": "cross-to-dual"}}


def distillation(**given):
    return {"objective": "listwise", "direction": "cross-to-dual", "temperature": 1.5, "teacher_gradient": False,
            "scale": 0.6, "bias": -0.4, **given}


class Case:
    def __init__(self, config, recipe):
        self.config, self.recipe = config, recipe
        self.model = network.LoopITR(config)
        for name, p in self.model.named_parameters():
            if name != "temp":
                center = 1.0 if name.endswith(("norm.weight", "norm1.weight", "norm2.weight", "LayerNorm.weight")) else 0.0
                p.data.normal_(center, 0.2)
        # Weights are float32 numbers in both programs; only the arithmetic differs.
        self.model.load_state_dict({k: v.float().double() for k, v in self.model.state_dict().items()})
        b, t = 6, 7
        v = config["vision"]
        shape = (b, 3, v["image_size"], v["image_size"]) if v["input"] == "pixels" else (b, v["tokens"], v["features"])
        self.pictures = torch.randn(shape).float().double()
        self.ids = torch.randint(4, config["text"]["vocabulary"], (b, t))
        self.ids[:, 0] = 2
        self.mask = None
        if recipe["padded"]:
            self.mask = torch.ones(b, t)
            for i, length in enumerate([7, 3, 5, 1, 6, 4]):
                self.mask[i, length:] = 0
                self.ids[i, length:] = 0
        # Pairs 0 and 3 share a picture, 1 and 4 a caption text.
        self.picture_ids, self.caption_ids = torch.tensor([10, 11, 12, 10, 14, 15]), torch.tensor([0, 1, 2, 3, 1, 5])
        self.same = (self.picture_ids[:, None] == self.picture_ids) | (self.caption_ids[:, None] == self.caption_ids)
        self.noise = (-torch.log(-torch.log(torch.rand(STEPS, 2, b, b)))).float().double()
        self.masked_ids, self.masked = self.ids.clone(), torch.zeros(b, t)
        for i, j in [(0, 1), (0, 4), (2, 2), (4, 5), (5, 3)]:
            self.masked[i, j] = 1
            self.masked_ids[i, j] = 3

    def weights(self):
        return network.renamed((n, p.data) for n, p in self.model.named_parameters())

    def forward(self):
        m = self.model
        tokens, states = m.visual_encoder(self.pictures), m.text(self.ids, self.mask)
        images, texts = m.image_vector(tokens), m.text_vector(states)
        cross = m.cross(states, self.mask, tokens)
        return {"tokens": tokens, "states": states, "images": images, "texts": texts, "cosine": images @ texts.t(),
                "cross": cross, "match": m.match(cross, self.mask)}

    def judged(self, out, noise, sampler):
        """The two sides, judged pair by pair."""
        s = out["cosine"] / self.model.temp

        def z(caption, picture):
            mask = None if self.mask is None else self.mask[caption:caption + 1]
            states = self.model.cross(out["states"][caption:caption + 1], mask, out["tokens"][picture:picture + 1])
            logits = self.model.match(states, mask)[0]
            return logits[1] - logits[0]

        b = len(s)
        positive = (s.diagonal(), torch.stack([z(i, i) for i in range(b)]))
        sides = []
        for side, similarity in enumerate([s, s.t()]):
            chosen = losses.negatives(similarity, self.same, noise[side], self.recipe["count"], sampler)
            dual = [[similarity[i, j] for j in row] for i, row in enumerate(chosen)]
            cross = [[z(j, i) if side == 0 else z(i, j) for j in row] for i, row in enumerate(chosen)]
            sides.append({"positive": positive, "chosen": chosen, "rows": list(losses.rows(positive, dual, cross))})
        return s, sides

    def masked_tokens(self, out):
        states = self.model.cross(self.model.text(self.masked_ids, self.mask), self.mask, out["tokens"])
        return losses.masked_tokens(self.model.token_logits(states), self.ids, self.masked)

    def all_losses(self):
        """Every loss by name, on the first noise."""
        out = self.forward()
        found = {}
        for sampler in SAMPLERS:
            s, sides = self.judged(out, self.noise[0], sampler)
            found["contrast"] = losses.contrast(s, self.same)
            for objective in MATCHES:
                found[f"match {objective} {sampler}"] = losses.match(objective, sides)
            for objective in OBJECTIVES:
                for direction in DIRECTIONS:
                    for taught in (False, True):
                        c = distillation(objective=objective, direction=direction, teacher_gradient=taught)
                        found[f"distill {objective} {direction} {'taught' if taught else 'stopped'} {sampler}"] = losses.distill(c, sides)
        if self.config["text"].get("masked_modeling"):
            found["masked_tokens"] = self.masked_tokens(out)
        return found

    def total(self, step):
        out = self.forward()
        s, sides = self.judged(out, self.noise[step], self.recipe["sampler"])
        total = losses.contrast(s, self.same) + losses.match(self.recipe["match"], sides)
        total = total + 0.5 * losses.distill(distillation(**self.recipe["distill"]), sides)
        if self.config["text"].get("masked_modeling"):
            total = total + 0.7 * self.masked_tokens(out)
        return total

    def gradients(self, value):
        named = list(self.model.named_parameters())
        found = torch.autograd.grad(value, [p for _, p in named], retain_graph=True, allow_unused=True)
        return network.renamed((n, torch.zeros_like(p) if g is None else g) for (n, p), g in zip(named, found))


def digest(gradient):
    """Three numbers that any error in a gradient moves: its length, and two uneven sums."""
    g = gradient.flatten()
    i = torch.arange(len(g))
    return torch.stack([g.norm(), (g * torch.cos(i * 0.7)).sum(), (g * torch.sin(i * i * 0.11 + 1)).sum()])


def steps(case, out):
    """Ten AdamW steps: warm-up, clipping by global norm 1, decay on tensors of two or more axes."""
    named = [(network.ours(n, p.data)[0][1].dim(), p) for n, p in case.model.named_parameters()]
    optimizer = torch.optim.AdamW([
        {"params": [p for d, p in named if d >= 2], "weight_decay": DECAY},
        {"params": [p for d, p in named if d < 2], "weight_decay": 0.0},
    ], lr=RATE)
    values, norms, rates = [], [], []
    for step in range(STEPS):
        rate = RATE * min(1.0, (step + 1) / WARMUP)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        value = case.total(step)
        value.backward()
        if step == 0:
            found = network.renamed((n, torch.zeros_like(p) if p.grad is None else p.grad) for n, p in case.model.named_parameters())
            out.update({"gradient/" + n: g.clone() for n, g in found.items()})
        norms.append(torch.nn.utils.clip_grad_norm_([p for _, p in named], 1.0))
        optimizer.step()
        with torch.no_grad():
            case.model.temp.clamp_(0.001, 0.5)
        values.append(value.detach())
        rates.append(torch.tensor(rate))
    out["steps/loss"], out["steps/norm"], out["steps/rate"] = torch.stack(values), torch.stack(norms), torch.stack(rates)
    out.update({"after/" + n: w.clone() for n, w in case.weights().items()})


def write(path, tensors, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name, t in tensors.items():
        t = t.detach().contiguous()
        kind = "I64" if t.dtype == torch.int64 else "F32"
        raw = (t if kind == "I64" else t.float()).numpy().tobytes()
        header[name] = {"dtype": kind, "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    encoded = json.dumps(header, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(encoded)) + encoded + data)


def main(folder):
    for name, config, recipe in cases():
        torch.manual_seed(20261123)
        case = Case(config, recipe)
        out = {}
        out.update({"weight/" + n: w.clone() for n, w in case.weights().items()})
        pictures = case.pictures.permute(0, 2, 3, 1) if case.pictures.dim() == 4 else case.pictures
        out.update({"input/pictures": pictures, "input/ids": case.ids, "input/noise": case.noise,
                    "input/picture_ids": case.picture_ids, "input/caption_ids": case.caption_ids,
                    "input/masked_ids": case.masked_ids, "input/masked": case.masked})
        if case.mask is not None:
            out["input/mask"] = case.mask
        for k, v in case.forward().items():
            out["output/" + k] = v
        found = case.all_losses()
        for k, v in found.items():
            out["loss/" + k] = v
            if k.split()[-1] in ("contrast", "multinomial", "masked_tokens"):
                out["digest/" + k] = torch.stack([digest(g) for g in case.gradients(v).values()])
        steps(case, out)
        order = list(case.weights())
        metadata = {"config": json.dumps(config), "recipe": json.dumps(recipe), "order": json.dumps(order),
                    "distill": json.dumps(distillation()), "decay": str(DECAY)}
        assert all(math.isfinite(v) for t in out.values() for v in t.flatten().tolist()), name
        write(f"{folder}/golden_{name}.safetensors", out, metadata)


if __name__ == "__main__":
    main(sys.argv[1])
