package convert

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/internal/durable"
	"github.com/loopitr/loopitr/pixels"
)

// settings is what Hugging Face's config.json says of a tower that its tensors do
// not show.
type settings struct {
	Heads     int       `json:"num_attention_heads"`
	Epsilon   float64   `json:"layer_norm_eps"`
	Act       string    `json:"hidden_act"`
	Positions string    `json:"position_embedding_type"`
	Text      *settings `json:"text_config"`
	Vision    *settings `json:"vision_config"`
}

const maxSettings = 1 << 20

// towerSettings is what is known of both towers besides their tensors; zero where
// nothing is.
type towerSettings struct{ vision, text settings }

// readSettings reads config.json beside the weights, if the layout has one. What it
// leaves out has the default of Hugging Face's class for the kind.
func (s *source) readSettings(l layout) (towerSettings, error) {
	if !l.huggingFace {
		return towerSettings{}, nil
	}
	var c settings
	found, err := s.readJSON("config.json", &c)
	if err != nil || !found {
		return towerSettings{}, err
	}
	t := towerSettings{vision: c, text: c}
	if l.whole() {
		t = towerSettings{}
		if c.Vision != nil {
			t.vision = *c.Vision
		}
		if c.Text != nil {
			t.text = *c.Text
		}
	}
	t.vision.Heads, t.text.Heads = cmp.Or(t.vision.Heads, classHeads), cmp.Or(t.text.Heads, l.textClassHeads, classHeads)
	return t, errors.Join(t.vision.check(s.path), t.text.check(s.path))
}

// classHeads is num_attention_heads where config.json is silent: BertConfig's,
// ViTConfig's and BlipVisionConfig's default. BlipTextConfig's is another.
const (
	classHeads    = 12
	blipTextHeads = 8
)

// check refuses what the network cannot compute.
func (c settings) check(path string) error {
	switch {
	case c.Act != "" && c.Act != "gelu":
		return fmt.Errorf("import %q: config.json: hidden_act %q: the network has the exact GELU only: %w", path, c.Act, loopitr.ErrInvalid)
	case c.Positions != "" && c.Positions != "absolute":
		return fmt.Errorf("import %q: config.json: position_embedding_type %q: the network has absolute ones only: %w", path, c.Positions, loopitr.ErrInvalid)
	}
	return nil
}

// readJSON decodes a small file beside the weights, if there is one.
func (s *source) readJSON(name string, into any) (found bool, err error) {
	path := filepath.Join(s.folder, name)
	raw, err := durable.ReadFile(path, maxSettings)
	if errors.Is(err, loopitr.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return false, fmt.Errorf("import %q: %s: %w (%w)", s.path, name, err, loopitr.ErrCorrupt)
	}
	return true, nil
}

// ImageNet's mean and standard deviation, with which DeiT was trained.
var (
	imageNetMean = [3]float32{0.485, 0.456, 0.406}
	imageNetStd  = [3]float32{0.229, 0.224, 0.225}
)

// pixels is how the source's pictures are prepared: as preprocessor_config.json or
// timm's config.json says, else as its kind is known to.
func (s *source) pixels(l layout, size int) (pixels.Config, error) {
	c := pixels.CLIP(size)
	switch {
	case l.kind == ViT && l.huggingFace:
		c = pixels.Half(size)
	case l.kind == ViT:
		c.Mean, c.Std = imageNetMean, imageNetStd
	}
	var mean, std []float32
	switch {
	case l.huggingFace:
		var stored struct {
			Mean []float32 `json:"image_mean"`
			Std  []float32 `json:"image_std"`
		}
		if _, err := s.readJSON("preprocessor_config.json", &stored); err != nil {
			return c, err
		}
		mean, std = stored.Mean, stored.Std
	case l.kind == ViT:
		var stored struct {
			Pretrained struct{ Mean, Std []float32 } `json:"pretrained_cfg"`
		}
		if _, err := s.readJSON("config.json", &stored); err != nil {
			return c, err
		}
		mean, std = stored.Pretrained.Mean, stored.Pretrained.Std
	}
	if len(mean) == channels && len(std) == channels {
		c.Mean, c.Std = [3]float32(mean), [3]float32(std)
	}
	return c, c.Validate()
}
