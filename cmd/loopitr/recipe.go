package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/loopitr/loopitr/checkpoint"
	"github.com/loopitr/loopitr/dataset"
	"github.com/loopitr/loopitr/infer"
	"github.com/loopitr/loopitr/network"
	"github.com/loopitr/loopitr/train"
	"github.com/loopitr/loopitr/wordpiece"
	"github.com/spf13/cobra"
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
}

// defaultEpochs ends a run that is not told when to end.
const defaultEpochs = 20

func (f *recipeFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.preset, "preset", "small", "recipe: nano, small, medium, base by size, or drawings, that of the weights that ship")
	flags.DurationVar(&f.duration, "for", 0, "train this long, such as 90s, 10m or 8h")
	flags.Float64Var(&f.epochs, "epochs", 0, fmt.Sprintf("train this many passes over the data (default %d)", defaultEpochs))
	flags.IntVar(&f.steps, "steps", 0, "train this many steps")
	flags.IntVar(&f.batch, "batch", 0, "pairs that contrast with each other (default 64)")
	flags.Uint64Var(&f.seed, "seed", 0, "number that all chance comes from (default 1)")
	flags.StringVar(&f.init, "init", "", "model to start from, trained or imported, with its network and vocabulary")
	flags.StringVar(&f.vocab, "vocab", "", "vocab.txt to use instead of learning one from the captions")
	flags.StringArrayVar(&f.set, "set", nil, "any key of the recipe, such as negatives.count=4; --dry-run prints them all")
}

// preset returns a recipe by its name, over tokens of a set that brings some.
func preset(name string, set *dataset.Set) (train.Config, error) {
	c := train.Config{}
	switch name {
	case "nano":
		c = train.Default(network.Nano())
	case "small":
		c = train.Default(network.Small())
	case "medium":
		c = train.Default(network.Medium())
	case "base":
		c = train.Default(network.Base())
	case "drawings":
		c = train.Drawings()
	default:
		return c, fmt.Errorf("%w: preset %q is not nano, small, medium, base or drawings", errUsage, name)
	}
	if count, width := set.TokenShape(); count > 0 {
		c.Network = c.Network.WithTokens(count, width)
	}
	return c, nil
}

// ends is the part of a recipe that a resumed run may change.
func (f *recipeFlags) ends() train.Config {
	return train.Config{Steps: f.steps, Epochs: f.epochs, For: train.Duration(f.duration)}
}

// resolve makes the recipe, the vocabulary and the initial weights of a new run.
// Later steps win: preset or model, token file, flags, --set.
func (f *recipeFlags) resolve(flags *pflag.FlagSet, set *dataset.Set, o *train.Options) error {
	if f.init != "" && (flags.Changed("preset") || f.vocab != "") {
		return fmt.Errorf("%w: --init brings its own network and vocabulary: leave --preset and --vocab away", errUsage)
	}
	start, err := f.start(set)
	if err != nil {
		return err
	}
	c := start.config
	if f.batch != 0 {
		c.Batch = f.batch
	}
	if flags.Changed("seed") {
		c.Seed = f.seed
	}
	ends := f.ends()
	c.Steps, c.Epochs, c.For = ends.Steps, ends.Epochs, ends.For
	if err := applySettings(&c, f.set); err != nil {
		return err
	}
	if c.Steps == 0 && c.Epochs == 0 && c.For == 0 {
		c.Epochs = defaultEpochs
	}
	if !slices.ContainsFunc(f.set, func(s string) bool { return strings.HasPrefix(s, "pixels.size=") }) && c.Network.Vision.Input == network.Pixels {
		c.Pixels.Size = c.Network.Vision.ImageSize // the one follows the other
	}
	if start.weights != nil {
		if err := checkpoint.Match(infer.Shapes(c.Network), start.shapes); err != nil {
			return fmt.Errorf("start from model %q: %w", f.init, err)
		}
	}
	o.Config, o.Vocabulary, o.Initial, o.Origin = c, start.vocabulary, start.weights, start.origin
	return nil
}

// start is what a new run begins with.
type start struct {
	config     train.Config
	vocabulary *wordpiece.Vocabulary
	weights    map[string][]float32
	shapes     []checkpoint.Shape
	origin     string // of the weights
}

func (f *recipeFlags) start(set *dataset.Set) (start, error) {
	if f.init != "" {
		return startFrom(f.init)
	}
	config, err := preset(f.preset, set)
	if err != nil {
		return start{}, err
	}
	s := start{config: config}
	if f.vocab != "" {
		content, err := os.ReadFile(f.vocab)
		if err != nil {
			return start{}, err
		}
		if s.vocabulary, err = wordpiece.ReadVocabulary(bytes.NewReader(content)); err != nil {
			return start{}, fmt.Errorf("vocabulary %q: %w", f.vocab, err)
		}
		s.config.Network.Text.Vocabulary = s.vocabulary.Size()
	}
	return s, nil
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

// resumeCommand is the command line that goes on with a stopped run.
func resumeCommand(c *cobra.Command) string {
	words := []string{c.CommandPath()}
	c.Flags().Visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, v := range values {
			switch {
			case f.Name == "resume":
			case f.Value.Type() == "bool":
				words = append(words, "--"+f.Name+"="+v)
			default:
				words = append(words, "--"+f.Name, shellQuote(v))
			}
		}
	})
	return strings.Join(append(words, "--resume"), " ")
}

// shellQuote quotes a word for a POSIX shell where that is needed.
func shellQuote(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./=,:@%+", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
