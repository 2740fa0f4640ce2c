package convert

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/infer"
	"github.com/loopitr/loopitr/network"
	"github.com/loopitr/loopitr/wordpiece"
)

// First is what stands in [CLS]'s place where BLIP judges.
type First string

// The first tokens there are; the zero value is what the source's own code does:
// BLIP's evaluation sets [ENC], Hugging Face's does not (their code).
const (
	FirstOfSource First = ""
	FirstClass    First = "cls"
	FirstEncode   First = "enc"
)

// Config says what Import is told besides the source. The zero value imports a
// whole network as its files tell it.
type Config struct {
	// Vocabulary is a vocab.txt; nil looks for one beside the source.
	Vocabulary []byte
	// ImageSize is the side of pictures in pixels; 0 is the source's. Another one
	// resizes the positions.
	ImageSize int
	// VisionHeads and TextHeads are for sources that do not tell how many attention
	// heads they have and whose heads are not 64 wide.
	VisionHeads, TextHeads int
	First                  First
	// Store is the element type on disk; empty is the source's where it has one.
	Store safetensors.DType
	// Around is what a tower alone goes into. Whole networks do not read it.
	Around Around
	// Progress is told, when not nil, how many of the model's tensors were read.
	Progress func(done, total int)
}

// Report is what an import came to.
type Report struct {
	Kind   Kind
	Model  infer.Config
	Store  safetensors.DType
	Resize bool     // positions were resized
	Fresh  []string // parameters that neither source nor model brought
	Kept   []string // parameters of the model around a tower
	Left   []string // what the source holds besides its network
	// Rows is how many rows of the word embedding the vocabulary does not name.
	Rows int
}

// Import makes dir a model of the weights at path: a file of PyTorch or safetensors,
// an index of several, or a folder of Hugging Face's. One tensor at a time is in
// memory. Nothing in dir changes unless all of it can be done.
//
// The error is ctx's, or wraps loopitr.ErrNotFound when path, a file it names, or a
// vocabulary is not there, loopitr.ErrCorrupt when files are damaged, malicious or do
// not hold the network they seem to (all that is missing, unexpected or mis-shaped is
// listed), and loopitr.ErrInvalid when they hold none that is known or c does not fit
// them.
func Import(ctx context.Context, path, dir string, c Config) (_ Report, err error) {
	s, err := openSource(path)
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	i := importer{source: s, config: c}
	defer func() { err = errors.Join(err, i.base.close()) }()
	if err := i.read(); err != nil {
		return Report{}, err
	}
	parts, err := i.parts()
	if err != nil {
		return Report{}, fmt.Errorf("import %q: %w", path, err)
	}
	watch(ctx, parts.Lazy, c.Progress)
	return i.report, checkpoint.Save(dir, parts)
}

// watch has ctx end the reading of tensors, and tells how far it is.
func watch(ctx context.Context, tensors []checkpoint.Lazy, progress func(done, total int)) {
	done := 0
	for i := range tensors {
		read := tensors[i].Read
		tensors[i].Read = func() ([]float32, error) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			values, err := read()
			if done++; err == nil && progress != nil {
				progress(done, len(tensors))
			}
			return values, err
		}
	}
}

// importer is an import in progress.
type importer struct {
	source     *source
	config     Config
	layout     layout
	base       base
	entries    []entry
	vocabulary []byte
	report     Report
}

// read decides everything but the weights' values.
func (i *importer) read() error {
	var err error
	if i.layout, err = i.source.recognise(); err != nil {
		return err
	}
	i.report.Kind = i.layout.kind
	switch {
	case i.source.own != "":
		err = i.readOwn()
	case i.layout.whole():
		err = i.readWhole()
	case i.layout.kind == Own:
		err = fmt.Errorf("import %q: it has loopitr's names but no %q to describe it: %w", i.source.path, ownKey, loopitr.ErrCorrupt)
	default:
		err = i.readTower()
	}
	if err != nil {
		return err
	}
	i.entries = i.layout.entries(i.report.Model.Network)
	if err := i.check(i.entries); err != nil {
		return err
	}
	if err := i.report.Model.Validate(); err != nil {
		return fmt.Errorf("import %q: %w", i.source.path, err)
	}
	return nil
}

// readWhole reads the configuration of a whole network off its tensors.
func (i *importer) readWhole() error {
	told, err := i.source.readSettings(i.layout)
	if err != nil {
		return err
	}
	r := &reader{source: i.source}
	n := network.Config{
		Vision: r.visionConfig(i.layout, told.vision, i.config), Text: r.textConfig(i.layout, told.text, i.config),
		Cross:      network.CrossConfig{Pool: network.PoolFirst, From: i.layout.from},
		Projection: r.dim("vision_proj.weight", 2, 0), InitDeviation: bertDeviation,
	}
	n.Cross.Layers = n.Text.Layers
	if i.layout.from == network.FromStates {
		n.Text.Layers, n.Cross.Layers = r.crossLayers(i.layout, n.Text.Layers)
	}
	if i.layout.kind == XVLM {
		n.Cross.Match = network.MatchConfig{Hidden: r.dim("itm_head.0.weight", 2, 0), LayerNormEpsilon: xvlmEpsilon}
	}
	if len(r.missing) > 0 {
		return i.unreadable(r.missing, n)
	}
	i.report.Model.Network = n
	return i.finishWhole()
}

// bertDeviation is how BERT, ALBEF and BLIP start their weights.
const bertDeviation = 0.02

// finishWhole adds what is known of the kind: pictures, captions, score rule.
func (i *importer) finishWhole() error {
	m := &i.report.Model
	var err error
	if m.Pixels, err = i.source.pixels(i.layout, m.Network.Vision.ImageSize); err != nil {
		return err
	}
	switch i.layout.kind {
	case BLIP, HuggingFaceBLIP:
		m.Captions = wordpiece.BLIP()
		if m.ScoreWeight, err = i.blipWeight(); err != nil {
			return err
		}
	default:
		m.Captions = wordpiece.ALBEF()
		if i.layout.kind == XVLM {
			m.Captions.MaxTokens = xvlmTokens
		}
	}
	m.Captions.MaxTokens = min(m.Captions.MaxTokens, m.Network.Text.MaxTokens)
	if err := i.readVocabulary(m.Network.Text.Vocabulary); err != nil {
		return err
	}
	return i.setFirst()
}

// blipWeight is the w of z + w*s that orders as BLIP's logit[1] + cosine does: z is
// logit[1] - logit[0], which is twice logit[1] in a head trained by cross entropy,
// whose two logits mirror each other; s is cosine/temperature.
func (i *importer) blipWeight() (float32, error) {
	t := float32(network.InitialTemperature)
	if stored, there := i.source.tensors["temp"]; there {
		values, err := stored.values.Float32()
		if err != nil {
			return 0, fmt.Errorf("import %q: %w", i.source.path, err)
		}
		if len(values) != 1 {
			return 0, fmt.Errorf("import %q: temp has %d values: %w", i.source.path, len(values), loopitr.ErrCorrupt)
		}
		t = min(max(values[0], network.MinTemperature), network.MaxTemperature)
	}
	return 2 * t, nil
}

// setFirst decides on [ENC].
func (i *importer) setFirst() error {
	first, x := i.config.First, &i.report.Model.Network.Cross
	switch {
	case first != FirstOfSource && first != FirstClass && first != FirstEncode:
		return fmt.Errorf("import %q: first token %q is not %q or %q: %w", i.source.path, first, FirstClass, FirstEncode, loopitr.ErrInvalid)
	case first != FirstOfSource && x.From != network.FromIDs:
		return fmt.Errorf("import %q: first token %q: only BLIP judges from ids: %w", i.source.path, first, loopitr.ErrInvalid)
	case first == FirstEncode || first == FirstOfSource && i.layout.kind == BLIP:
		vocabulary, err := wordpiece.ReadVocabulary(bytes.NewReader(i.vocabulary))
		if err != nil {
			return err
		}
		id, there := vocabulary.ID(encodeToken)
		if !there {
			return fmt.Errorf("import %q: the vocabulary has no %q, with which BLIP judges: say which first token: %w", i.source.path, encodeToken, loopitr.ErrInvalid)
		}
		x.FirstToken = int(id)
	}
	return nil
}

// parts is the model, whose weights are read when they are written.
func (i *importer) parts() (checkpoint.Parts, error) {
	n := i.report.Model.Network
	table := map[string]entry{}
	for _, e := range i.entries {
		table[e.ours] = e
	}
	var lazy []checkpoint.Lazy
	for _, p := range n.Params() {
		l := checkpoint.Lazy{Name: p.Name, Dims: p.Shape}
		e, brought := table[p.Name]
		kept, there := i.base.tensor(p)
		switch {
		case brought:
			t := i.source.tensors[e.theirs]
			l.Read = func() ([]float32, error) { return e.read(t, p, n) }
		case p.Name == network.TemperatureName && i.source.heat != "":
			l.Read = i.source.temperature
		case there:
			l.Read = kept.Float32
			i.report.Kept = append(i.report.Kept, p.Name)
		default:
			l.Read = func() ([]float32, error) { return p.Initial(i.config.Around.Seed, n.InitDeviation), nil }
			i.report.Fresh = append(i.report.Fresh, p.Name)
		}
		lazy = append(lazy, l)
	}
	i.report.Store = i.store()
	card, err := i.card()
	return checkpoint.Parts{Config: i.report.Model, Lazy: lazy, Store: i.report.Store, Vocabulary: i.vocabulary, Card: card}, err
}

// temperature is what Export left of it beside a format that has none.
func (s *source) temperature() ([]float32, error) {
	t, err := strconv.ParseFloat(s.heat, 32)
	if err != nil {
		return nil, fmt.Errorf("%s %.40q: no number: %w", temperatureKey, s.heat, loopitr.ErrCorrupt)
	}
	return []float32{float32(t)}, nil
}

// store is the element type for the model: as asked, or the one that all of the
// source's weights have if nothing else comes in.
func (i *importer) store() safetensors.DType {
	if i.config.Store != "" {
		return i.config.Store
	}
	var store safetensors.DType
	for _, e := range i.entries {
		d := i.source.tensors[e.theirs].dtype
		if store != "" && d != store {
			return safetensors.F32
		}
		store = d
	}
	half := store == safetensors.F16 || store == safetensors.BF16
	if half && !i.report.Resize && i.layout.whole() || half && i.layout.kind == Own {
		return store
	}
	return safetensors.F32
}

// check compares the source with the table: all that differs is one error.
func (i *importer) check(entries []entry) error {
	n := i.report.Model.Network
	params := map[string]network.Param{}
	for _, p := range n.Params() {
		params[p.Name] = p
	}
	var want []checkpoint.Shape
	wanted := map[string]bool{}
	for _, e := range entries {
		if wanted[e.theirs] {
			continue // a third of what was fused
		}
		wanted[e.theirs] = true
		shape := e.theirShape(params[e.ours], n)
		if e.form == positions {
			shape = i.resized(e, shape)
		}
		want = append(want, checkpoint.Shape{Name: e.theirs, Dims: shape})
	}
	var have []checkpoint.Shape
	var wrong []string
	for name, t := range i.source.tensors {
		switch {
		case !wanted[name] && i.layout.dropped(name):
			i.report.Left = append(i.report.Left, name)
			continue
		case wanted[name] && !t.dtype.Float():
			wrong = append(wrong, fmt.Sprintf("%q is %s", name, t.dtype))
		}
		have = append(have, checkpoint.Shape{Name: name, Dims: t.shape})
	}
	slices.Sort(i.report.Left)
	err := checkpoint.Match(want, have)
	if len(wrong) > 0 {
		slices.Sort(wrong)
		err = errors.Join(err, fmt.Errorf("%d are no weights: %s: %w", len(wrong), listed(wrong), loopitr.ErrCorrupt))
	}
	if err != nil {
		return fmt.Errorf("import %q as %s: %w", i.source.path, i.layout.kind, err)
	}
	return nil
}

// resized is the shape that positions may have in the source: any square of the
// same width is fitted to the network.
func (i *importer) resized(e entry, shape []int) []int {
	have := i.source.tensors[e.theirs].shape
	if len(have) != 3 || have[0] != 1 || have[2] != shape[2] || have[1] < 2 || square(have[1]-1) == 0 || i.source.own != "" {
		return shape
	}
	i.report.Resize = i.report.Resize || have[1] != shape[1]
	return have
}

// unreadable lists what keeps sizes from being read together with every name that
// is missing or unexpected.
func (i *importer) unreadable(sizes []string, n network.Config) error {
	wanted := map[string]bool{}
	wrong := slices.Clone(sizes)
	for _, e := range i.layout.entries(n) {
		if _, there := i.source.tensors[e.theirs]; !there && !wanted[e.theirs] {
			if missing := fmt.Sprintf("%q is missing", e.theirs); !slices.Contains(sizes, missing) {
				wrong = append(wrong, missing)
			}
		}
		wanted[e.theirs] = true
	}
	var unexpected []string
	for name := range i.source.tensors {
		if !wanted[name] && !i.layout.dropped(name) {
			unexpected = append(unexpected, fmt.Sprintf("%q is unexpected", name))
		}
	}
	slices.Sort(unexpected)
	return fmt.Errorf("import %q as %s: its sizes cannot be read: %s: %w",
		i.source.path, i.layout.kind, listed(append(wrong, unexpected...)), loopitr.ErrCorrupt)
}
