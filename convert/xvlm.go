package convert

import "strings"

// xvlmEpsilon is that of the norm in X-VLM's match head: PyTorch's default.
const xvlmEpsilon = 1e-5

// xvlmTokens is how many tokens of a caption X-VLM reads (X-VLM's code).
const xvlmTokens = 40

// xvlmLayout is X-VLM's with the vision tower of DeiT. Its head for boxes and, in
// pre-trained files, for masked words are dropped.
func xvlmLayout(text string) layout {
	return layout{
		kind: XVLM, vision: timm("vision_encoder."), text: bert(text),
		heads: append([]name{
			{"match/hidden", "itm_head.0", pair},
			{"match/norm", "itm_head.1", pair},
			{"match", "itm_head.3", pair},
			temperature,
		}, dualHeads...),
		visionEpsilon: 1e-6, textEpsilon: 1e-12,
		dropped: func(name string) bool {
			return strings.HasSuffix(name, "embeddings.position_ids") || hasPrefix(name, "bbox_head.", "text_encoder.cls.")
		},
	}
}
