package convert

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/infer"
	"github.com/loopitr/loopitr/network"
	"github.com/loopitr/loopitr/wordpiece"
)

// Around is the network that a tower alone becomes part of. What the tower does not
// bring comes from Model, where it has the same name and shape there, else it is
// drawn afresh: a network to be trained.
type Around struct {
	// Model is the folder of a model; empty: Network is its configuration.
	Model   string
	Network network.Config
	// TextLayers and CrossLayers divide a BERT's layers; 0 is half of them, the text
	// tower's the larger, as ALBEF divides BERT-base. More than there are stay fresh,
	// fewer leave the last ones out.
	TextLayers, CrossLayers int
	Seed                    uint64 // of what is drawn
}

// base is the opened model around a tower.
type base struct {
	model   *checkpoint.Model // nil without one
	config  infer.Config
	tensors map[string]safetensors.Tensor
}

func (b base) close() error {
	if b.model == nil {
		return nil
	}
	return b.model.Close()
}

// tensor is what the model holds of a parameter.
func (b base) tensor(p network.Param) (safetensors.Tensor, bool) {
	t, there := b.tensors[p.Name]
	return t, there && slices.Equal(t.Shape, p.Shape)
}

func (i *importer) openBase() error {
	a := i.config.Around
	if a.Model == "" {
		i.base.config.Network = a.Network
		return nil
	}
	var err error
	if i.base.model, err = checkpoint.Open(a.Model); err != nil {
		return err
	}
	if err := i.base.model.Config(&i.base.config); err != nil {
		return err
	}
	if err := i.base.config.Validate(); err != nil {
		return fmt.Errorf("model %q: %w", a.Model, err)
	}
	i.base.tensors = map[string]safetensors.Tensor{}
	for _, t := range i.base.model.Tensors() {
		i.base.tensors[t.Name] = t
	}
	return nil
}

// readTower puts a tower into the network around it.
func (i *importer) readTower() error {
	if err := i.openBase(); err != nil {
		return err
	}
	told, err := i.source.readSettings(i.layout)
	if err != nil {
		return err
	}
	m := &i.report.Model
	*m = i.base.config
	m.ScoreWeight, m.Training = 0, nil
	if m.Network.Cross.From != network.FromStates {
		return fmt.Errorf("import %q: a tower cannot go into a network whose cross encoder starts from ids: %w", i.source.path, loopitr.ErrInvalid)
	}
	r := &reader{source: i.source}
	m.Network.InitDeviation = cmp.Or(m.Network.InitDeviation, bertDeviation)
	if i.layout.kind == ViT {
		m.Network.Vision = r.visionConfig(i.layout, told.vision, i.config)
	} else {
		i.divide(r.textConfig(i.layout, told.text, i.config))
	}
	if len(r.missing) > 0 {
		return i.unreadable(r.missing, m.Network)
	}
	if i.layout.kind == ViT {
		return i.finishVision()
	}
	return i.finishText()
}

// divide gives a BERT's layers to the text tower and the cross encoder.
func (i *importer) divide(t network.TextConfig) {
	a, n := i.config.Around, &i.report.Model.Network
	i.layout.textLayers = t.Layers
	total := t.Layers
	t.Layers = cmp.Or(a.TextLayers, (total+1)/2)
	n.Cross.Layers = cmp.Or(a.CrossLayers, max(total-t.Layers, 0), n.Cross.Layers, 1)
	if used := t.Layers + n.Cross.Layers; used < total {
		drop, at := i.layout.dropped, i.layout.text.at
		unused := map[string]bool{}
		for layer := used; layer < total; layer++ {
			for _, e := range expand("", at(layer), i.layout.text.inner) {
				unused[e.theirs] = true
			}
		}
		i.layout.dropped = func(name string) bool { return drop(name) || unused[name] }
	}
	n.Text = t
}

// finishVision keeps captions and vocabulary of the model around the tower.
func (i *importer) finishVision() error {
	m := &i.report.Model
	var err error
	if m.Pixels, err = i.source.pixels(i.layout, m.Network.Vision.ImageSize); err != nil {
		return err
	}
	switch {
	case i.base.model != nil && i.config.Vocabulary == nil:
		i.vocabulary = i.base.model.Vocabulary()
		return nil
	case i.base.model == nil && i.config.Vocabulary == nil:
		return fmt.Errorf("import %q: a vision tower has no vocabulary: give one, or a model to put the tower into: %w", i.source.path, loopitr.ErrInvalid)
	}
	vocabulary, err := wordpiece.ReadVocabulary(bytes.NewReader(i.config.Vocabulary))
	if err != nil {
		return err
	}
	i.vocabulary = i.config.Vocabulary
	m.Network.Text.Vocabulary = vocabulary.Size()
	if i.base.model == nil {
		m.Captions = i.bertRules(false)
	}
	return nil
}

// finishText takes captions and vocabulary from the tower, and pictures from the
// model around it.
func (i *importer) finishText() error {
	m := &i.report.Model
	if i.base.model == nil && m.Network.Vision.Input == network.Pixels {
		var err error
		if m.Pixels, err = i.source.pixels(albefLayout(""), m.Network.Vision.ImageSize); err != nil {
			return err
		}
	}
	var tokenizer struct {
		Lower *bool `json:"do_lower_case"`
	}
	if _, err := i.source.readJSON("tokenizer_config.json", &tokenizer); err != nil {
		return err
	}
	m.Captions = i.bertRules(tokenizer.Lower != nil && !*tokenizer.Lower)
	var sentences struct {
		Longest int `json:"max_seq_length"`
	}
	if _, err := i.source.readJSON("sentence_bert_config.json", &sentences); err != nil {
		return err
	}
	if sentences.Longest > 1 {
		m.Captions.MaxTokens = min(m.Captions.MaxTokens, sentences.Longest)
	}
	return i.readVocabulary(m.Network.Text.Vocabulary)
}

// bertRules leave a caption as it is but for what BERT's own tokenizer does.
func (i *importer) bertRules(cased bool) wordpiece.Rules {
	rules := wordpiece.Rules{Normalizer: wordpiece.Uncased(), MaxTokens: min(i.report.Model.Network.Text.MaxTokens, wordpiece.MaxTokensLimit)}
	if cased {
		rules.Normalizer = wordpiece.Cased()
	}
	return rules
}

// readOwn takes the configuration that Export left in the file.
func (i *importer) readOwn() error {
	dec := json.NewDecoder(bytes.NewReader([]byte(i.source.own)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&i.report.Model); err != nil {
		return fmt.Errorf("import %q: %s: %w (%w)", i.source.path, ownKey, err, loopitr.ErrCorrupt)
	}
	if err := i.report.Model.Validate(); err != nil {
		return fmt.Errorf("import %q: %s: %w", i.source.path, ownKey, err)
	}
	if !i.layout.whole() && i.layout.kind != Own {
		return fmt.Errorf("import %q: it describes a whole network and holds a tower: %w", i.source.path, loopitr.ErrCorrupt)
	}
	if size := i.config.ImageSize; size != 0 && size != i.report.Model.Network.Vision.ImageSize {
		return fmt.Errorf("import %q: image size %d: an export comes back as it was, with %d: %w",
			i.source.path, size, i.report.Model.Network.Vision.ImageSize, loopitr.ErrInvalid)
	}
	return i.readVocabulary(i.report.Model.Network.Text.Vocabulary)
}
