package convert

// timm is the table of a ViT by timm's names, which DeiT, ALBEF, BLIP and X-VLM share.
func timm(prefix string) *tower {
	return &tower{
		prefix: prefix,
		outer: []name{
			{"patch", "patch_embed.proj", patches},
			{"cls", "cls_token", token},
			{"position", "pos_embed", positions},
			{"norm", "norm", pair},
		},
		block: "blocks.%d.",
		inner: []name{
			{"norm1", "norm1", pair},
			{"attention/query", "attn.qkv", query},
			{"attention/key", "attn.qkv", key},
			{"attention/value", "attn.qkv", value},
			{"attention/output", "attn.proj", pair},
			{"norm2", "norm2", pair},
			{"mlp/up", "mlp.fc1", pair},
			{"mlp/down", "mlp.fc2", pair},
		},
	}
}

// huggingViT is the table of Hugging Face's ViTModel.
func huggingViT(prefix string) *tower {
	return &tower{
		prefix: prefix,
		outer: []name{
			{"patch", "embeddings.patch_embeddings.projection", patches},
			{"cls", "embeddings.cls_token", token},
			{"position", "embeddings.position_embeddings", positions},
			{"norm", "layernorm", pair},
		},
		block: "encoder.layer.%d.",
		inner: []name{
			{"norm1", "layernorm_before", pair},
			{"attention/query", "attention.attention.query", pair},
			{"attention/key", "attention.attention.key", pair},
			{"attention/value", "attention.attention.value", pair},
			{"attention/output", "attention.output.dense", pair},
			{"norm2", "layernorm_after", pair},
			{"mlp/up", "intermediate.dense", pair},
			{"mlp/down", "output.dense", pair},
		},
	}
}

// vitLayout is a vision tower alone: ViT and DeiT without distillation, of timm or
// of Hugging Face. Their classifiers are dropped.
func vitLayout(t *tower, huggingFace bool) layout {
	l := layout{
		kind: ViT, vision: t, visionEpsilon: 1e-6, huggingFace: huggingFace,
		dropped: func(name string) bool {
			return hasPrefix(name, "head.", "pre_logits.", "classifier.", t.prefix+"pooler.")
		},
	}
	if huggingFace {
		l.visionEpsilon = 1e-12 // ViTConfig's default
	}
	return l
}
