package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint"
	"github.com/loopitr/loopitr/infer"
	"github.com/loopitr/loopitr/internal/durable"
	"github.com/loopitr/loopitr/network"
	"github.com/loopitr/loopitr/train"
	"github.com/loopitr/loopitr/wordpiece"
	"github.com/spf13/pflag"
)

// recipeFlags make a train.Config.
type recipeFlags struct {
	preset      string
	init, vocab string
	duration    time.Duration
	epochs      float64
	steps       int
	batch       int
	seed        uint64
	set         []string
	fresh       int // parameters that --init does not bring; resolve counts them
}

// defaultEpochs ends a run that is not told when to end.
const defaultEpochs = 20

func (f *recipeFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.preset, "preset", "small", "recipe: "+strings.Join(presetNames(), ", ")+"; drawings is that of the weights that ship")
	flags.DurationVar(&f.duration, "for", 0, "train this long, such as 90s, 10m or 8h")
	flags.Float64Var(&f.epochs, "epochs", 0, fmt.Sprintf("train this many passes over the data (default %d)", defaultEpochs))
	flags.IntVar(&f.steps, "steps", 0, "train this many steps")
	flags.IntVar(&f.batch, "batch", 0, "pairs that contrast with each other (default 64)")
	flags.Uint64Var(&f.seed, "seed", 0, "number that all chance comes from (default 1)")
	flags.StringVar(&f.init, "init", "", "model to start from, trained or imported, with its network and vocabulary; what --set adds to the network is drawn")
	flags.StringVar(&f.vocab, "vocab", "", "vocab.txt to use instead of learning one from the captions")
	flags.StringArrayVar(&f.set, "set", nil, "any key of the recipe, such as negatives.count=4; --dry-run prints them all")
}

// presets are the recipes by name.
var presets = []struct {
	name string
	make func() train.Config
}{
	{"nano", func() train.Config { return train.Default(network.Nano()) }},
	{"small", func() train.Config { return train.Default(network.Small()) }},
	{"medium", func() train.Config { return train.Default(network.Medium()) }},
	{"base", func() train.Config { return train.Default(network.Base()) }},
	{"drawings", train.Drawings},
}

func presetNames() []string {
	var all []string
	for _, p := range presets {
		all = append(all, p.name)
	}
	return all
}

// preset returns a recipe by its name, over tokens where there are some.
func preset(name string, tokens tokenShape) (train.Config, error) {
	for _, p := range presets {
		if p.name != name {
			continue
		}
		c := p.make()
		if tokens.count > 0 {
			c.Network = c.Network.WithTokens(tokens.count, tokens.width)
		}
		return c, nil
	}
	return train.Config{}, fmt.Errorf("%w: preset %q is none of %s", errUsage, name, strings.Join(presetNames(), ", "))
}

// resolve makes the recipe, the vocabulary and the initial weights of a new run.
// Later steps win: preset or model, token file, flags, --set.
func (f *recipeFlags) resolve(flags *pflag.FlagSet, tokens tokenShape, o *train.Options) error {
	start, err := f.start(flags, tokens)
	if err != nil {
		return err
	}
	c := start.config
	if err := f.apply(flags, &c); err != nil {
		return err
	}
	f.fitPixels(&c)
	if c.Steps == 0 && c.Epochs == 0 && c.For == 0 {
		c.Epochs = defaultEpochs
	}
	if start.weights != nil {
		if f.fresh, err = start.complete(c); err != nil {
			return fmt.Errorf("start from model %q: %w", f.init, err)
		}
	}
	switch v := c.Network.Vision; {
	case v.Input != network.Tokens || tokens == tokenShape{v.Tokens, v.Features}:
	case tokens.count == 0:
		return fmt.Errorf("the network takes %d tokens of %d features in place of pictures: give --tokens FILE: %w", v.Tokens, v.Features, loopitr.ErrInvalid)
	default:
		return fmt.Errorf("the network takes %d tokens of %d features, --tokens has %d of %d: %w", v.Tokens, v.Features, tokens.count, tokens.width, loopitr.ErrInvalid)
	}
	o.Config, o.Vocabulary, o.Initial, o.Origin = c, start.vocabulary, start.weights, start.origin
	return nil
}

// apply changes a recipe by what the flags say beside the preset.
func (f *recipeFlags) apply(flags *pflag.FlagSet, c *train.Config) error {
	if f.batch != 0 {
		c.Batch = f.batch
	}
	if flags.Changed("seed") {
		c.Seed = f.seed
	}
	if f.steps != 0 || f.epochs != 0 || f.duration != 0 {
		c.Steps, c.Epochs, c.For = f.steps, f.epochs, train.Duration(f.duration)
	}
	return applySettings(c, f.set)
}

// fitPixels makes the pictures' size follow the network's unless it was set.
func (f *recipeFlags) fitPixels(c *train.Config) {
	set := slices.ContainsFunc(f.set, func(s string) bool { return strings.HasPrefix(s, "pixels.size=") })
	if !set && c.Network.Vision.Input == network.Pixels {
		c.Pixels.Size = c.Network.Vision.ImageSize
	}
}

// start is what a new run begins with.
type start struct {
	config     train.Config
	vocabulary *wordpiece.Vocabulary
	weights    map[string][]float32
	shapes     []checkpoint.Shape
	origin     string // of the weights
}

// complete draws what --set adds to the model's network, such as the head that predicts
// masked words, and says how many parameters that are.
func (s *start) complete(c train.Config) (fresh int, err error) {
	if err := c.Network.Validate(); err != nil {
		return 0, err
	}
	for _, p := range c.Network.Params() {
		if !slices.ContainsFunc(s.shapes, func(have checkpoint.Shape) bool { return have.Name == p.Name }) {
			s.weights[p.Name] = p.Initial(c.Seed, c.Network.InitDeviation)
			s.shapes = append(s.shapes, checkpoint.Shape{Name: p.Name, Dims: p.Shape})
			fresh++
		}
	}
	if fresh > 0 {
		s.origin += fmt.Sprintf(", with %d parameters drawn afresh", fresh)
	}
	return fresh, checkpoint.Match(infer.Shapes(c.Network), s.shapes)
}

func (f *recipeFlags) start(flags *pflag.FlagSet, tokens tokenShape) (start, error) {
	if f.init != "" && (flags.Changed("preset") || f.vocab != "") {
		return start{}, fmt.Errorf("%w: --init brings its own network and vocabulary: leave --preset and --vocab away", errUsage)
	}
	if f.init != "" {
		return startFrom(f.init)
	}
	config, err := preset(f.preset, tokens)
	if err != nil {
		return start{}, err
	}
	s := start{config: config}
	if f.vocab != "" {
		if s.vocabulary, err = readVocabulary(f.vocab); err != nil {
			return start{}, err
		}
		s.config.Network.Text.Vocabulary = s.vocabulary.Size()
	}
	return s, nil
}

func readVocabulary(path string) (*wordpiece.Vocabulary, error) {
	content, err := durable.ReadFile(path, wordpiece.MaxVocabularyBytes)
	if err != nil {
		return nil, err
	}
	v, err := wordpiece.ReadVocabulary(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("vocabulary %q: %w", path, err)
	}
	return v, nil
}

// startFrom takes everything but the training's own settings from a model.
func startFrom(dir string) (start, error) {
	stored, err := checkpoint.Open(dir)
	if err != nil {
		return start{}, err
	}
	defer stored.Close() // only read
	var model infer.Config
	if err := stored.Config(&model); err != nil {
		return start{}, err
	}
	if err := model.Validate(); err != nil {
		return start{}, fmt.Errorf("model %q: %w", dir, err)
	}
	s := start{config: train.Default(model.Network), weights: map[string][]float32{}, shapes: infer.Shapes(model.Network)}
	s.config.Pixels, s.config.Captions = model.Pixels, model.Captions
	_, fingerprint, err := infer.Identify(dir)
	if err != nil {
		return start{}, err
	}
	s.origin = fmt.Sprintf("the model `%s`, fingerprint %s", filepath.Base(dir), fingerprint)
	tensors, err := stored.Weights(s.shapes)
	if err != nil {
		return start{}, err
	}
	for _, t := range tensors {
		s.weights[t.Name] = t.Values
	}
	s.vocabulary, err = wordpiece.ReadVocabulary(bytes.NewReader(stored.Vocabulary()))
	return s, err
}
