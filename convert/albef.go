package convert

import "strings"

// dualHeads are the heads that ALBEF, BLIP and X-VLM share.
var dualHeads = []name{
	{"project/image", "vision_proj", pair},
	{"project/text", "text_proj", pair},
}

var (
	plainMatch  = name{"match", "itm_head", pair}
	temperature = name{"temperature", "temp", single}
)

// momentum are the copies and queues that ALBEF and BLIP train with, and buffers
// that hold no weights (ALBEF's and BLIP's code).
func momentum(name string) bool {
	return hasPrefix(name, "visual_encoder_m.", "text_encoder_m.", "vision_proj_m.", "text_proj_m.") ||
		strings.HasSuffix(name, "embeddings.position_ids") ||
		name == "image_queue" || name == "text_queue" || name == "idx_queue" || name == "queue_ptr" || name == "ptr_queue"
}

// albefLayout is ALBEF's. Pre-trained files have BERT inside a model for masked
// words, text "text_encoder.bert.", whose head is dropped.
func albefLayout(text string) layout {
	return layout{
		kind: ALBEF, vision: timm("visual_encoder."), text: bert(text),
		heads:         append([]name{plainMatch, temperature}, dualHeads...),
		visionEpsilon: 1e-6, textEpsilon: 1e-12,
		dropped: func(name string) bool { return momentum(name) || strings.HasPrefix(name, "text_encoder.cls.") },
	}
}
