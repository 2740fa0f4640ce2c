package convert

import (
	"strings"

	"github.com/loopitr/loopitr/network"
)

// blipVision is the table of Hugging Face's BLIP vision model.
func blipVision() *tower {
	return &tower{
		prefix: "vision_model.",
		outer: []name{
			{"patch", "embeddings.patch_embedding", patches},
			{"cls", "embeddings.class_embedding", token},
			{"position", "embeddings.position_embedding", positions},
			{"norm", "post_layernorm", pair},
		},
		block: "encoder.layers.%d.",
		inner: []name{
			{"norm1", "layer_norm1", pair},
			{"attention/query", "self_attn.qkv", query},
			{"attention/key", "self_attn.qkv", key},
			{"attention/value", "self_attn.qkv", value},
			{"attention/output", "self_attn.projection", pair},
			{"norm2", "layer_norm2", pair},
			{"mlp/up", "mlp.fc1", pair},
			{"mlp/down", "mlp.fc2", pair},
		},
	}
}

// blipLayout is BLIP's retrieval model as its authors' files have it. Files for the
// matching demonstration lack the temperature.
func blipLayout(withTemperature bool) layout {
	l := layout{
		kind: BLIP, vision: timm("visual_encoder."), text: bert("text_encoder."),
		heads: append([]name{plainMatch}, dualHeads...),
		from:  network.FromIDs, visionEpsilon: 1e-6, textEpsilon: 1e-12,
		dropped: func(name string) bool { return momentum(name) || strings.HasPrefix(name, "text_decoder.") },
	}
	if withTemperature {
		l.heads = append(l.heads, temperature)
	}
	return l
}

// huggingBLIP is Hugging Face's BlipForImageTextRetrieval, which has no temperature.
// Its epsilon for vision is 1e-5 where config.json says nothing else.
func huggingBLIP() layout {
	return layout{
		kind: HuggingFaceBLIP, vision: blipVision(), text: bert("text_encoder."),
		heads: append([]name{plainMatch}, dualHeads...),
		from:  network.FromIDs, visionEpsilon: 1e-5, textEpsilon: 1e-12, huggingFace: true, textClassHeads: blipTextHeads,
		dropped: momentum,
	}
}
