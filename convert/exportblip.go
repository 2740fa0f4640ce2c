package convert

import (
	"bytes"
	"path/filepath"
	"strconv"

	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/wordpiece"
)

// huggingBLIP writes the folder that BlipForImageTextRetrieval.from_pretrained reads.
// Its class has no temperature: that goes into the metadata with the configuration.
func (e *exporter) huggingBLIP(out string) error {
	text, err := e.described()
	if err != nil {
		return err
	}
	heat, err := e.tensors["temperature"].Float32()
	if err != nil {
		return err
	}
	sources := e.sources(huggingBLIP())
	safetensors.Sort(sources)
	metadata := map[string]string{"format": "pt", ownKey: text, temperatureKey: strconv.FormatFloat(float64(heat[0]), 'g', -1, 32)}
	if err := safetensors.WriteFile(filepath.Join(out, "model.safetensors"), metadata, sources); err != nil {
		return err
	}
	config, err := e.huggingConfig()
	if err != nil {
		return err
	}
	for name, value := range map[string]any{
		"config.json": config, "preprocessor_config.json": e.huggingPixels(),
		"tokenizer_config.json": map[string]any{
			"tokenizer_class": "BertTokenizer", "do_lower_case": e.config.Captions.Normalizer.Lower, "model_max_length": e.config.Network.Text.MaxTokens,
		},
	} {
		if err := writeJSON(filepath.Join(out, name), value); err != nil {
			return err
		}
	}
	return nil
}

func (e *exporter) huggingConfig() (any, error) {
	n := e.config.Network
	v, t := n.Vision, n.Text
	vocabulary, err := wordpiece.ReadVocabulary(bytes.NewReader(e.model.Vocabulary()))
	if err != nil {
		return nil, err
	}
	s := vocabulary.Specials()
	first := s.Class
	if id, there := vocabulary.ID(decodeToken); there {
		first = id
	}
	return map[string]any{
		"architectures": []string{"BlipForImageTextRetrieval"}, "model_type": "blip",
		"projection_dim": n.Projection, "image_text_hidden_size": n.Projection,
		"text_config": map[string]any{
			"model_type": "blip_text_model", "vocab_size": t.Vocabulary, "hidden_size": t.Width, "encoder_hidden_size": v.Width,
			"intermediate_size": t.Hidden, "projection_dim": n.Projection, "num_hidden_layers": t.Layers, "num_attention_heads": t.Heads,
			"max_position_embeddings": t.MaxTokens, "hidden_act": "gelu", "layer_norm_eps": t.LayerNormEpsilon, "is_decoder": true,
			"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "initializer_range": n.InitDeviation,
			"bos_token_id": first, "eos_token_id": s.Separator, "sep_token_id": s.Separator, "pad_token_id": s.Pad,
		},
		"vision_config": map[string]any{
			"model_type": "blip_vision_model", "hidden_size": v.Width, "intermediate_size": v.Hidden, "projection_dim": n.Projection,
			"num_hidden_layers": v.Layers, "num_attention_heads": v.Heads, "image_size": v.ImageSize, "patch_size": v.PatchSize,
			"hidden_act": "gelu", "layer_norm_eps": v.LayerNormEpsilon, "attention_dropout": 0.0,
		},
	}, nil
}

func (e *exporter) huggingPixels() any {
	p := e.config.Pixels
	return map[string]any{
		"image_processor_type": "BlipImageProcessor", "do_resize": true, "resample": 3, // bicubic
		"size":       map[string]int{"height": p.Size, "width": p.Size},
		"do_rescale": true, "rescale_factor": 1.0 / 255, "do_convert_rgb": true,
		"do_normalize": true, "image_mean": p.Mean, "image_std": p.Std,
	}
}
