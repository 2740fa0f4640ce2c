"""The networks of ALBEF and X-VLM in PyTorch, by the names their files have.

Written from the facts of ALBEF's and X-VLM's code (docs/paper.md) as an implementation
that shares nothing with loopitr's: convolutions for patches, fused qkv, modules.
"""
import torch
import torch.nn.functional as F
from torch import nn


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) * (d // self.heads) ** -0.5
        return self.proj((scores.softmax(-1) @ v).transpose(1, 2).reshape(b, n, d))


class Mlp(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attn, self.mlp = Attention(width, heads), Mlp(width, 4 * width)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    """timm's names: DeiT's, ALBEF's, BLIP's and X-VLM's."""

    def __init__(self, size, patch, width, heads, layers):
        super().__init__()
        self.patch_embed = nn.Module()
        self.patch_embed.proj = nn.Conv2d(3, width, patch, patch)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, (size // patch) ** 2 + 1, width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, pictures):
        x = self.patch_embed.proj(pictures).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], 1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.norm(x)

    def resize(self, side):
        """Positions for a grid of side x side: bicubic, [CLS] kept."""
        cls, grid = self.pos_embed[:, :1], self.pos_embed[:, 1:]
        old = int(grid.shape[1] ** 0.5)
        grid = grid.reshape(1, old, old, -1).permute(0, 3, 1, 2)
        grid = F.interpolate(grid, size=(side, side), mode="bicubic", align_corners=False)
        grid = grid.permute(0, 2, 3, 1).flatten(1, 2)
        self.pos_embed = nn.Parameter(torch.cat([cls, grid], 1))


def group(**modules):
    m = nn.Module()
    for name, module in modules.items():
        m.add_module(name, module)
    return m


def bert_attention(width, source):
    return group(
        self=group(query=nn.Linear(width, width), key=nn.Linear(source, width), value=nn.Linear(source, width)),
        output=group(dense=nn.Linear(width, width), LayerNorm=nn.LayerNorm(width, eps=1e-12)),
    )


def look(m, heads, x, source, bias):
    inner = getattr(m, "self")
    b, n, d = x.shape

    def split(t):
        return t.reshape(b, -1, heads, d // heads).transpose(1, 2)

    q, k, v = split(inner.query(x)), split(inner.key(source)), split(inner.value(source))
    scores = q @ k.transpose(-2, -1) / (d // heads) ** 0.5
    if bias is not None:
        scores = scores + bias
    out = (scores.softmax(-1) @ v).transpose(1, 2).reshape(b, n, d)
    return m.output.LayerNorm(m.output.dense(out) + x)


class Bert(nn.Module):
    """BERT cut at layer fusion: layers from there on look at pictures."""

    def __init__(self, vocabulary, places, width, heads, layers, fusion, source):
        super().__init__()
        self.heads, self.fusion = heads, fusion
        self.embeddings = group(
            word_embeddings=nn.Embedding(vocabulary, width), position_embeddings=nn.Embedding(places, width),
            token_type_embeddings=nn.Embedding(2, width), LayerNorm=nn.LayerNorm(width, eps=1e-12),
        )
        self.embeddings.register_buffer("position_ids", torch.arange(places).expand((1, -1)))
        self.encoder = nn.Module()
        self.encoder.layer = nn.ModuleList()
        for i in range(layers):
            layer = group(
                attention=bert_attention(width, width), intermediate=group(dense=nn.Linear(width, 4 * width)),
                output=group(dense=nn.Linear(4 * width, width), LayerNorm=nn.LayerNorm(width, eps=1e-12)),
            )
            if i >= fusion:
                layer.add_module("crossattention", bert_attention(width, source))
            self.encoder.layer.append(layer)

    def text(self, ids, mask):
        e = self.embeddings
        x = e.word_embeddings(ids) + e.position_embeddings.weight[: ids.shape[1]] + e.token_type_embeddings.weight[0]
        return self.run(self.encoder.layer[: self.fusion], e.LayerNorm(x), mask, None)

    def fuse(self, states, mask, tokens):
        return self.run(self.encoder.layer[self.fusion :], states, mask, tokens)

    def run(self, layers, x, mask, tokens):
        bias = None if mask is None else ((1 - mask) * -10000.0)[:, None, None, :]
        for layer in layers:
            x = look(layer.attention, self.heads, x, x, bias)
            if tokens is not None:
                x = look(layer.crossattention, self.heads, x, tokens, None)
            y = layer.output.dense(F.gelu(layer.intermediate.dense(x)))
            x = layer.output.LayerNorm(y + x)
        return x


class ALBEF(nn.Module):
    """ALBEF's retrieval model: momentum copies and queues included."""

    def __init__(self, c, queue):
        super().__init__()
        self.temp = nn.Parameter(torch.tensor(0.07))
        for end in ("", "_m"):
            self.add_module("visual_encoder" + end, ViT(c["size"], c["patch"], c["vision"], c["vision_heads"], c["vision_layers"]))
            self.add_module("text_encoder" + end, Bert(c["vocabulary"], c["places"], c["text"], c["text_heads"], c["layers"], c["fusion"], c["vision"]))
            self.add_module("vision_proj" + end, nn.Linear(c["vision"], c["projection"]))
            self.add_module("text_proj" + end, nn.Linear(c["text"], c["projection"]))
        self.itm_head = nn.Linear(c["text"], 2)
        for name in ("image_queue", "text_queue"):
            self.register_buffer(name, F.normalize(torch.randn(c["projection"], queue), dim=0))
        self.register_buffer("idx_queue", torch.full((1, queue), -100.0))
        self.register_buffer("queue_ptr", torch.zeros(1, dtype=torch.long))

    def outputs(self, pictures, ids, mask):
        return outputs(self, self.visual_encoder, pictures, ids, mask)


class XVLM(nn.Module):
    """X-VLM's retrieval model over a DeiT, with the head for boxes of its pre-training."""

    def __init__(self, c):
        super().__init__()
        self.temp = nn.Parameter(torch.tensor(0.05))
        self.vision_encoder = ViT(c["size"], c["patch"], c["vision"], c["vision_heads"], c["vision_layers"])
        self.text_encoder = Bert(c["vocabulary"], c["places"], c["text"], c["text_heads"], c["layers"], c["fusion"], c["vision"])
        self.vision_proj, self.text_proj = nn.Linear(c["vision"], c["projection"]), nn.Linear(c["text"], c["projection"])
        self.itm_head, self.bbox_head = (
            nn.Sequential(nn.Linear(c["text"], 2 * c["text"]), nn.LayerNorm(2 * c["text"]), nn.GELU(), nn.Linear(2 * c["text"], out))
            for out in (2, 4)
        )

    def outputs(self, pictures, ids, mask):
        return outputs(self, self.vision_encoder, pictures, ids, mask)


def outputs(m, vision, pictures, ids, mask):
    tokens, states = vision(pictures), m.text_encoder.text(ids, mask)
    images, texts = F.normalize(m.vision_proj(tokens[:, 0]), dim=-1), F.normalize(m.text_proj(states[:, 0]), dim=-1)
    match = m.itm_head(m.text_encoder.fuse(states, mask, tokens)[:, 0])
    return {"tokens": tokens, "states": states, "images": images, "texts": texts, "cosine": images @ texts.T, "match": match}
