"""The same work in PyTorch, eager, with its own attention: every pair is judged by itself."""
import os
import re

import torch
import torch.nn.functional as F
from torch import nn

if not hasattr(F, "scaled_dot_product_attention"):
    raise ImportError(f"PyTorch {torch.__version__} is there, 2.0 or later is needed")
attend = F.scaled_dot_product_attention

BLAS = re.search(r"BLAS_INFO=(\w+)", torch.__config__.show())
VERSION = f"PyTorch {torch.__version__} (BLAS {BLAS[1] if BLAS else 'unknown'}, OPENBLAS_NUM_THREADS={os.environ['OPENBLAS_NUM_THREADS']})"


def threads(sizes):
    torch.set_num_threads(sizes["threads"])
    torch.manual_seed(1)


def product(sizes):
    threads(sizes)
    a, b = torch.randn(sizes["a"]), torch.randn(sizes["b"])
    a, b = a.mT if sizes["turn_a"] else a, b.mT if sizes["turn_b"] else b
    return lambda: torch.matmul(a, b)


def attention(sizes):
    threads(sizes)
    q, k, v = torch.randn(sizes["q"]), torch.randn(sizes["k"]), torch.randn(sizes["k"])

    def run():
        with torch.no_grad():
            attend(q, k, v)

    return run


def attention_gradient(sizes):
    threads(sizes)
    operands = [torch.randn(sizes[s], requires_grad=True) for s in "qkk"]
    slope = torch.randn(sizes["q"])
    return lambda: torch.autograd.grad(attend(*operands), operands, slope)


class Attention(nn.Module):
    def __init__(self, width, source, heads):
        super().__init__()
        self.heads = heads
        self.query, self.output = nn.Linear(width, width), nn.Linear(width, width)
        self.key, self.value = nn.Linear(source, width), nn.Linear(source, width)

    def forward(self, x, source, bias=None):
        def split(y):
            return y.view(*y.shape[:2], self.heads, -1).transpose(1, 2)

        out = attend(split(self.query(x)), split(self.key(source)), split(self.value(source)), bias)
        return self.output(out.transpose(1, 2).reshape(x.shape))


def mlp(c):
    return nn.Sequential(nn.Linear(c["width"], c["hidden"]), nn.GELU(), nn.Linear(c["hidden"], c["width"]))


def norm(c):
    return nn.LayerNorm(c["width"], c["layer_norm_epsilon"])


class VisionBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.norm1, self.norm2, self.mlp = norm(c), norm(c), mlp(c)
        self.attention = Attention(c["width"], c["width"], c["heads"])

    def forward(self, x):
        h = self.norm1(x)
        x = x + self.attention(h, h)
        return x + self.mlp(self.norm2(x))


class TextBlock(nn.Module):
    """BERT's block; with a source it also looks at pictures."""

    def __init__(self, c, source=None):
        super().__init__()
        self.attention, self.norm = Attention(c["width"], c["width"], c["heads"]), norm(c)
        self.cross = source and Attention(c["width"], source, c["heads"])
        self.cross_norm = source and norm(c)
        self.mlp, self.mlp_norm = mlp(c), norm(c)

    def forward(self, x, bias, tokens=None):
        x = self.norm(x + self.attention(x, x, bias))
        if tokens is not None:
            x = self.cross_norm(x + self.cross(x, tokens))
        return self.mlp_norm(x + self.mlp(x))


class LoopITR(nn.Module):
    def __init__(self, c):
        super().__init__()
        v, t = c["vision"], c["text"]
        self.patch = nn.Conv2d(3, v["width"], v["patch_size"], v["patch_size"])
        count = (v["image_size"] // v["patch_size"]) ** 2 + 1
        self.cls, self.position = nn.Parameter(torch.zeros(1, 1, v["width"])), nn.Parameter(torch.randn(1, count, v["width"]) * 0.02)
        self.vision_blocks = nn.ModuleList(VisionBlock(v) for _ in range(v["layers"]))
        self.vision_norm = norm(v)
        self.word, self.place = nn.Embedding(t["vocabulary"], t["width"]), nn.Embedding(t["max_tokens"], t["width"])
        self.kind = nn.Embedding(2, t["width"])
        self.text_norm = norm(t)
        self.text_blocks = nn.ModuleList(TextBlock(t) for _ in range(t["layers"]))
        self.cross_blocks = nn.ModuleList(TextBlock(t, v["width"]) for _ in range(c["cross"]["layers"]))
        self.project_image, self.project_text = nn.Linear(v["width"], c["projection"]), nn.Linear(t["width"], c["projection"])
        self.match, self.temperature = nn.Linear(t["width"], 2), nn.Parameter(torch.tensor(0.07))

    def vision(self, pictures):
        x = self.patch(pictures).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], 1) + self.position
        for block in self.vision_blocks:
            x = block(x)
        return self.vision_norm(x)

    def text(self, ids, bias):
        x = self.word(ids) + self.place.weight[:ids.shape[1]] + self.kind.weight[0]
        x = self.text_norm(x)
        for block in self.text_blocks:
            x = block(x, bias)
        return x

    def judge(self, states, bias, tokens):
        for block in self.cross_blocks:
            states = block(states, bias, tokens)
        logits = self.match(states[:, 0])
        return logits[:, 1] - logits[:, 0]


def model(sizes):
    threads(sizes)
    return LoopITR(sizes["config"])


def pictures(sizes):
    size = sizes["config"]["vision"]["image_size"]
    return torch.randn(sizes["batch"], 3, size, size)


def words(sizes):
    """Ids, and the bias of a mask that hides nothing."""
    shape = sizes["batch"], sizes["words"]
    return torch.randint(5, sizes["config"]["text"]["vocabulary"], shape), torch.zeros(shape)[:, None, None]


def vector(projection, states):
    return F.normalize(projection(states[:, 0]), dim=-1)


def still(f):
    def run():
        with torch.no_grad():
            f()

    return run


def images(sizes):
    m, x = model(sizes).eval(), pictures(sizes)
    return still(lambda: vector(m.project_image, m.vision(x)))


def texts(sizes):
    m, (ids, bias) = model(sizes).eval(), words(sizes)
    return still(lambda: vector(m.project_text, m.text(ids, bias)))


def rerank(sizes):
    m, (ids, bias) = model(sizes).eval(), words(sizes)
    v = sizes["config"]["vision"]
    tokens = torch.randn(sizes["batch"], m.position.shape[1], v["width"])
    with torch.no_grad():
        states = m.text(ids, bias)
    return still(lambda: m.judge(states, bias, tokens))


def loss(m, x, ids, bias):
    """Contrast, one hard negative a side, match, and the listwise distillation."""
    tokens, states = m.vision(x), m.text(ids, bias)
    s = vector(m.project_image, tokens) @ vector(m.project_text, states).t() / m.temperature.clamp(0.001, 0.5)
    b = len(s)
    own = torch.arange(b)
    contrast = (F.cross_entropy(s, own) + F.cross_entropy(s.t(), own)) / 2
    with torch.no_grad():
        hard = s.masked_fill(torch.eye(b, dtype=torch.bool), float("-inf"))
        captions = torch.multinomial(hard.softmax(1), 1)[:, 0]
        others = torch.multinomial(hard.t().softmax(1), 1)[:, 0]
    caption, picture = torch.cat([own, captions, own]), torch.cat([own, own, others])
    z = m.judge(states[caption], bias[caption], tokens[picture])
    match = (F.softplus(-z[:b]).sum() + F.softplus(z[b:]).sum()) / len(z)
    distill = 0
    for wrong, dual in (z[b:2 * b], s[own, captions]), (z[2 * b:], s[others, own]):
        teacher = torch.stack([z[:b], wrong], 1).detach().softmax(1)
        student = torch.stack([s[own, own], dual], 1).log_softmax(1)
        distill = distill + F.kl_div(student, teacher, reduction="batchmean") / 2
    return contrast + match + distill


def step(sizes):
    m, x, (ids, bias) = model(sizes), pictures(sizes), words(sizes)
    parameters = list(m.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=1e-4, weight_decay=0.02)

    def run():
        optimizer.zero_grad(set_to_none=True)
        loss(m, x, ids, bias).backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()

    return run


ROWS = {
    "product": product, "attention": attention, "attention-gradient": attention_gradient, "training-step": step,
    "encode-images": images, "encode-texts": texts, "rerank": rerank,
}
