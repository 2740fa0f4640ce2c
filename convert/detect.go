package convert

import (
	"fmt"
	"slices"
	"strings"

	"github.com/loopitr/loopitr"
)

// Kind is what a source is.
type Kind string

// The kinds that Import recognises.
const (
	ALBEF           Kind = "albef"
	BLIP            Kind = "blip"
	HuggingFaceBLIP Kind = "blip-hf"
	XVLM            Kind = "xvlm"
	BERT            Kind = "bert"
	ViT             Kind = "vit"
	Own             Kind = "loopitr"
)

// wrappers stand before all names where a training saved more than the network.
var wrappers = []string{"", "model.", "state_dict.", "module.", "model.module.", "state_dict.module."}

// recognise says what the source is and cuts the names down to its network: what a
// training kept beside it, such as an optimizer's state, is left out.
func (s *source) recognise() (layout, error) {
	for _, wrapper := range wrappers {
		has := func(name string) bool { _, there := s.tensors[wrapper+name]; return there }
		l, found, err := layoutOf(has)
		if err != nil {
			return l, fmt.Errorf("import %q: %w", s.path, err)
		}
		if found {
			s.unwrap(wrapper)
			return l, nil
		}
	}
	var names []string
	for name := range s.tensors {
		names = append(names, fmt.Sprintf("%q", name))
	}
	slices.Sort(names)
	return layout{}, fmt.Errorf("import %q: neither ALBEF, BLIP, X-VLM, BERT, ViT nor an export of loopitr; its %d tensors: %s: %w",
		s.path, len(names), listed(names), loopitr.ErrInvalid)
}

func (s *source) unwrap(wrapper string) {
	if wrapper == "" {
		return
	}
	inside := map[string]tensor{}
	for name, t := range s.tensors {
		if rest, found := strings.CutPrefix(name, wrapper); found {
			inside[rest] = t
		}
	}
	s.tensors = inside
}

// The names by which sources are told apart.
const (
	bertMark    = "embeddings.word_embeddings.weight"
	timmMark    = "patch_embed.proj.weight"
	huggingMark = "embeddings.patch_embeddings.projection.weight"
	lookMark    = "encoder.layer.0.crossattention.self.query.weight"
)

func layoutOf(has func(string) bool) (l layout, found bool, err error) {
	text := "text_encoder."
	if has("text_encoder.bert." + bertMark) {
		text = "text_encoder.bert."
	}
	switch words := has(text + bertMark); {
	case has("vision/patch/weight"):
		return ownLayout(), true, nil
	case words && has("vision_model.embeddings.class_embedding"):
		return huggingBLIP(), true, nil
	case words && has("visual_encoder."+timmMark) && has(text+lookMark):
		return blipLayout(has("temp")), true, nil
	case words && has("visual_encoder."+timmMark):
		return albefLayout(text), true, nil
	case words && has("vision_encoder."+timmMark) && has("vision_encoder.cls_token"):
		return xvlmLayout(text), true, nil
	case words:
		return l, false, unsupported(has)
	}
	for _, prefix := range []string{"", "bert."} {
		if has(prefix + bertMark) {
			return bertLayout(prefix), true, nil
		}
	}
	if has("dist_token") || has("embeddings.distillation_token") || has("deit.embeddings.distillation_token") {
		return l, false, fmt.Errorf("DeiT with a distillation token, which this network lacks: %w", loopitr.ErrInvalid)
	}
	for _, prefix := range []string{"", "vit.", "deit."} {
		if has(prefix + huggingMark) {
			return vitLayout(huggingViT(prefix), true), true, nil
		}
	}
	if has(timmMark) && has("cls_token") {
		return vitLayout(timm(""), false), true, nil
	}
	return l, false, nil
}

// unsupported names what is known but cannot be held.
func unsupported(has func(string) bool) error {
	what := "a text encoder with an unknown vision tower"
	switch {
	case has("vision_encoder.patch_embed.weight"), has("vision_encoder.pos_embed.weight"):
		what = "X-VLM with CLIP's vision tower, whose quick GELU and first norm this network lacks"
	case has("vision_encoder.layers.0.blocks.0.norm1.weight"):
		what = "X-VLM with a Swin vision tower: only ViT can be held"
	}
	return fmt.Errorf("%s: %w", what, loopitr.ErrInvalid)
}

// ownLayout is what Export writes as "safetensors": our own names.
func ownLayout() layout {
	return layout{kind: Own, dropped: func(string) bool { return false }}
}
