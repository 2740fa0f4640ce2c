"""The network of docs/paper.md ("The network") in plain PyTorch, as an independent reference.

Modules and parameter names follow ALBEF's checkpoints; ours() gives the name and layout that
loopitr uses for each. Nothing here is needed by the product; network_golden.py uses it.
"""
import math
import re

import torch
import torch.nn as nn
import torch.nn.functional as F


class Attention(nn.Module):
    """ViT's: one weight for query, key and value."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        b, n, d = x.shape
        qkv = self.qkv(x).reshape(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        weights = (q @ k.transpose(-2, -1) * (d // self.heads) ** -0.5).softmax(dim=-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(b, n, d))


class Mlp(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class VisionBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.norm1 = nn.LayerNorm(c["width"], eps=c["layer_norm_epsilon"])
        self.attn = Attention(c["width"], c["heads"])
        self.norm2 = nn.LayerNorm(c["width"], eps=c["layer_norm_epsilon"])
        self.mlp = Mlp(c["width"], c["hidden"])

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Halving(nn.Module):
    """A convolution of stride 2, a norm over channels and GELU."""

    def __init__(self, inputs, made, eps):
        super().__init__()
        self.conv = nn.Conv2d(inputs, made, 3, 2, 1)
        self.norm = nn.LayerNorm(made, eps=eps)

    def forward(self, x):
        return F.gelu(self.norm(self.conv(x).permute(0, 2, 3, 1))).permute(0, 3, 1, 2)


def stem(c):
    """(modules, channels made, what remains of the patch size)."""
    modules, inputs, patch = [], 3, c["patch_size"]
    if c.get("stem") == "conv":
        made = [2 * c["width"] * 2**i // patch for i in range(patch.bit_length() - 1)]
        for outputs in made:
            modules.append(Halving(inputs, outputs, c["layer_norm_epsilon"]))
            inputs = outputs
        patch = 1
    return nn.Sequential(*modules), inputs, patch


class Vision(nn.Module):
    """ViT over pixels [B,3,S,S] by convolutions, or over tokens [B,T,F] by a linear layer."""

    def __init__(self, c):
        super().__init__()
        if c["input"] == "pixels":
            self.stem, made, patch = stem(c)
            self.patch_embed = nn.Conv2d(made, c["width"], patch, patch)
            count = (c["image_size"] // c["patch_size"]) ** 2
        else:
            self.stem = nn.Identity()
            self.patch_embed = nn.Linear(c["features"], c["width"])
            count = c["tokens"]
        self.cls_token = nn.Parameter(torch.zeros(1, 1, c["width"]))
        self.pos_embed = nn.Parameter(torch.zeros(1, count + 1, c["width"]))
        self.blocks = nn.ModuleList(VisionBlock(c) for _ in range(c["layers"]))
        self.norm = nn.LayerNorm(c["width"], eps=c["layer_norm_epsilon"])

    def forward(self, x):
        x = self.patch_embed(self.stem(x))
        if x.dim() == 4:
            x = x.flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], dim=1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


class SelfOutput(nn.Module):
    def __init__(self, inputs, width, eps):
        super().__init__()
        self.dense = nn.Linear(inputs, width)
        self.LayerNorm = nn.LayerNorm(width, eps=eps)

    def forward(self, x, residual):
        return self.LayerNorm(self.dense(x) + residual)


class BertAttention(nn.Module):
    """BERT's: self-attention, or cross-attention when the source is another sequence."""

    def __init__(self, c, source):
        super().__init__()
        self.heads = c["heads"]
        self.query = nn.Linear(c["width"], c["width"])
        self.key = nn.Linear(source, c["width"])
        self.value = nn.Linear(source, c["width"])
        self.output = SelfOutput(c["width"], c["width"], c["layer_norm_epsilon"])

    def split(self, x):
        return x.view(*x.shape[:2], self.heads, -1).permute(0, 2, 1, 3)

    def forward(self, x, source, mask):
        q, k, v = self.split(self.query(x)), self.split(self.key(source)), self.split(self.value(source))
        scores = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(q.shape[-1])
        if mask is not None:
            scores = scores.masked_fill(mask[:, None, None, :] == 0, float("-inf"))
        mixed = torch.matmul(scores.softmax(dim=-1), v).permute(0, 2, 1, 3).flatten(2)
        return self.output(mixed, x)


class BertLayer(nn.Module):
    def __init__(self, c, picture_width=None):
        super().__init__()
        self.attention = BertAttention(c, c["width"])
        if picture_width:
            self.crossattention = BertAttention(c, picture_width)
        self.intermediate = nn.Linear(c["width"], c["hidden"])
        self.output = SelfOutput(c["hidden"], c["width"], c["layer_norm_epsilon"])

    def forward(self, x, mask, picture=None):
        x = self.attention(x, x, mask)
        if picture is not None:
            x = self.crossattention(x, picture, None)
        return self.output(F.gelu(self.intermediate(x)), x)


class LoopITR(nn.Module):
    def __init__(self, c):
        super().__init__()
        t, v = c["text"], c["vision"]
        self.pool = c["cross"]["pool"]
        self.visual_encoder = Vision(v)
        self.word_embeddings = nn.Embedding(t["vocabulary"], t["width"])
        self.position_embeddings = nn.Embedding(t["max_tokens"], t["width"])
        self.token_type_embeddings = nn.Embedding(2, t["width"])
        self.embedding_norm = nn.LayerNorm(t["width"], eps=t["layer_norm_epsilon"])
        self.text_layer = nn.ModuleList(BertLayer(t) for _ in range(t["layers"]))
        self.cross_layer = nn.ModuleList(BertLayer(t, v["width"]) for _ in range(c["cross"]["layers"]))
        self.vision_proj = nn.Linear(v["width"], c["projection"])
        self.text_proj = nn.Linear(t["width"], c["projection"])
        self.itm_head = nn.Linear(t["width"], 2)
        self.temp = nn.Parameter(torch.tensor(0.07))
        if t.get("masked_modeling"):
            self.mlm_transform = nn.Linear(t["width"], t["width"])
            self.mlm_norm = nn.LayerNorm(t["width"], eps=t["layer_norm_epsilon"])
            self.mlm_bias = nn.Parameter(torch.zeros(t["vocabulary"]))

    def text(self, ids, mask):
        places = torch.arange(ids.shape[1])
        x = self.word_embeddings(ids) + self.position_embeddings(places) + self.token_type_embeddings(torch.zeros_like(ids))
        x = self.embedding_norm(x)
        for layer in self.text_layer:
            x = layer(x, mask)
        return x

    def cross(self, states, mask, picture):
        for layer in self.cross_layer:
            states = layer(states, mask, picture)
        return states

    def match(self, states, mask):
        if self.pool == "cls":
            return self.itm_head(states[:, 0])
        if mask is None:
            return self.itm_head(states.mean(1))
        return self.itm_head((states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True))

    def image_vector(self, tokens):
        return F.normalize(self.vision_proj(tokens[:, 0]), dim=-1)

    def text_vector(self, states):
        return F.normalize(self.text_proj(states[:, 0]), dim=-1)

    def token_logits(self, states):
        x = self.mlm_norm(F.gelu(self.mlm_transform(states)))
        return x @ self.word_embeddings.weight.t() + self.mlm_bias


# Our name for each of the above, in order; the first that matches counts.
NAMES = [
    (r"visual_encoder\.stem\.(\d+)\.conv\.", "vision/stem_{}/"),
    (r"visual_encoder\.stem\.(\d+)\.norm\.", "vision/stem_{}/norm/"),
    (r"visual_encoder\.patch_embed\.", "vision/patch/"),
    (r"visual_encoder\.cls_token", "vision/cls"),
    (r"visual_encoder\.pos_embed", "vision/position"),
    (r"visual_encoder\.norm\.", "vision/norm/"),
    (r"visual_encoder\.blocks\.(\d+)\.attn\.qkv\.", "vision/block_{}/attention/QKV/"),
    (r"visual_encoder\.blocks\.(\d+)\.attn\.proj\.", "vision/block_{}/attention/output/"),
    (r"visual_encoder\.blocks\.(\d+)\.mlp\.fc1\.", "vision/block_{}/mlp/up/"),
    (r"visual_encoder\.blocks\.(\d+)\.mlp\.fc2\.", "vision/block_{}/mlp/down/"),
    (r"visual_encoder\.blocks\.(\d+)\.(norm\d)\.", "vision/block_{}/{}/"),
    (r"word_embeddings\.weight", "text/embedding/word"),
    (r"position_embeddings\.weight", "text/embedding/position"),
    (r"token_type_embeddings\.weight", "text/embedding/type"),
    (r"embedding_norm\.", "text/embedding/norm/"),
    (r"(text|cross)_layer\.(\d+)\.attention\.output\.dense\.", "{}/block_{}/attention/output/"),
    (r"(text|cross)_layer\.(\d+)\.attention\.output\.LayerNorm\.", "{}/block_{}/attention/norm/"),
    (r"(text|cross)_layer\.(\d+)\.attention\.(\w+)\.", "{}/block_{}/attention/{}/"),
    (r"(text|cross)_layer\.(\d+)\.crossattention\.output\.dense\.", "{}/block_{}/cross_attention/output/"),
    (r"(text|cross)_layer\.(\d+)\.crossattention\.output\.LayerNorm\.", "{}/block_{}/cross_attention/norm/"),
    (r"(text|cross)_layer\.(\d+)\.crossattention\.(\w+)\.", "{}/block_{}/cross_attention/{}/"),
    (r"(text|cross)_layer\.(\d+)\.intermediate\.", "{}/block_{}/mlp/up/"),
    (r"(text|cross)_layer\.(\d+)\.output\.dense\.", "{}/block_{}/mlp/down/"),
    (r"(text|cross)_layer\.(\d+)\.output\.LayerNorm\.", "{}/block_{}/mlp/norm/"),
    (r"vision_proj\.", "project/image/"),
    (r"text_proj\.", "project/text/"),
    (r"itm_head\.", "match/"),
    (r"temp", "temperature"),
    (r"mlm_(\w+)\.", "mlm/{}/"),
    (r"mlm_bias", "mlm/bias"),
]


def ours(name, tensor):
    """(name, tensor) pairs: the names and layout loopitr uses for a parameter (or its gradient)."""
    for pattern, replacement in NAMES:
        found = re.match(pattern, name)
        if found:
            parts = [("%02d" % int(g)) if g.isdigit() else g for g in found.groups()]
            renamed = replacement.format(*parts) + name[found.end():]
            break
    else:
        raise KeyError(name)
    if tensor.dim() == 4:  # convolution [D,C,p,p]: each row is a patch, pixel after pixel
        tensor = tensor.permute(0, 2, 3, 1).flatten(1)
    if renamed in ("vision/cls", "vision/position"):
        tensor = tensor[0, 0] if renamed == "vision/cls" else tensor[0]
    if "QKV" in renamed:
        return [(renamed.replace("QKV", part), t) for part, t in zip(("query", "key", "value"), tensor.chunk(3))]
    return [(renamed, tensor)]


def renamed(named):
    """ours() of all, as one dict."""
    return dict(pair for name, tensor in named for pair in ours(name, tensor))
