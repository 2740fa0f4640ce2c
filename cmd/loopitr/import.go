package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/convert"
	"github.com/loopitr/loopitr/internal/durable"
	"github.com/loopitr/loopitr/internal/terminal"
	"github.com/loopitr/loopitr/wordpiece"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// importFlags are what import is asked to do.
type importFlags struct {
	out, vocab, first, store string
	size                     int
	visionHeads, textHeads   int
	preset, into, tokens     string
	textLayers, crossLayers  int
	seed                     uint64
	json                     bool
	presetGiven              bool
}

func newImport(g *global, std streams) *cobra.Command {
	var f importFlags
	c := &cobra.Command{
		Use:   "import SOURCE --out DIR",
		Short: "Make a model of public weights: ALBEF, BLIP, X-VLM, or a BERT or ViT to train from",
		Long: `import reads a .pth, .bin or .safetensors file, an index of several, or a folder of
Hugging Face's, recognises what it is by the names in it, and saves a model with the
preprocessing, caption rules and score rule that belong to it. Nothing of a pickle is
run: it can make tensors and nothing else.

Whole networks (ALBEF, BLIP, X-VLM with a ViT) are ready to use. A tower alone (BERT
or MiniLM, ViT or DeiT) goes into a network of --preset, or into the model --into,
and is for train --init: what it does not bring is drawn afresh.`,
		Example: `  loopitr import flickr30k.pth --vocab bert-base-uncased/vocab.txt --out albef
  loopitr import blip-itm-base-coco --out blip --image-size 256
  loopitr import all-MiniLM-L6-v2 --preset medium --text-layers 6 --cross-layers 4 --out start`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			f.presetGiven = c.Flags().Changed("preset")
			return f.run(c.Context(), g, std, args[0])
		},
	}
	f.register(c.Flags())
	return c
}

func (f *importFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.out, "out", "", "folder for the model")
	flags.StringVar(&f.vocab, "vocab", "", "vocab.txt that the source was trained with (default: beside it)")
	flags.IntVar(&f.size, "image-size", 0, "side of pictures in pixels; positions are resized to it (default: the source's)")
	flags.StringVar(&f.first, "first", "", `what BLIP judges with first: "cls" or "enc" (default: as its own code)`)
	flags.StringVar(&f.store, "store", "", "number format of the weights: F16, BF16 or F32 (default: the source's)")
	flags.IntVar(&f.visionHeads, "vision-heads", 0, "attention heads of the vision tower, where they are not 64 wide and nothing says so")
	flags.IntVar(&f.textHeads, "text-heads", 0, "attention heads of the text tower, likewise")
	flags.StringVar(&f.preset, "preset", "small", "network around a tower alone: "+strings.Join(presetNames(), ", "))
	flags.StringVar(&f.into, "into", "", "model to put a tower alone into, instead of --preset")
	flags.StringVar(&f.tokens, "tokens", "", "token file that the vision tower of --preset shall take instead of pictures")
	flags.IntVar(&f.textLayers, "text-layers", 0, "layers of the text tower, of a BERT alone (default: half, rounded up)")
	flags.IntVar(&f.crossLayers, "cross-layers", 0, "layers of the cross encoder; those that the BERT has not are drawn (default: the rest)")
	flags.Uint64Var(&f.seed, "seed", 1, "number that drawn weights come from")
	flags.BoolVar(&f.json, "json", false, "print what was imported as JSON")
}

func (f *importFlags) run(ctx context.Context, g *global, std streams, path string) error {
	if f.out == "" {
		return fmt.Errorf("%w: import needs --out DIR", errUsage)
	}
	if isModel(f.out) {
		return fmt.Errorf("import to %q: there is a model: remove it first (loopitr models rm): %w", f.out, loopitr.ErrInvalid)
	}
	c, err := f.config()
	if err != nil {
		return err
	}
	line := g.line(std)
	c.Progress = tensorCount(line)
	r, err := convert.Import(ctx, path, f.out, c)
	line.Clear()
	if err != nil {
		return err
	}
	tellImport(line, r)
	if f.json {
		return printJSON(std.out, r)
	}
	return printImport(std.out, f.out, r)
}

// tensorCount shows how far an import or export is.
func tensorCount(line *terminal.Line) func(done, total int) {
	return func(done, total int) { line.Count(terminal.Count{Done: done, Total: total, Noun: "tensors"}) }
}

func (f *importFlags) config() (convert.Config, error) {
	c := convert.Config{
		ImageSize: f.size, VisionHeads: f.visionHeads, TextHeads: f.textHeads, First: convert.First(f.first),
		Store:  safetensors.DType(strings.ToUpper(f.store)),
		Around: convert.Around{Model: f.into, TextLayers: f.textLayers, CrossLayers: f.crossLayers, Seed: f.seed},
	}
	if f.into != "" && (f.presetGiven || f.tokens != "") {
		return c, fmt.Errorf("%w: --into brings its own network: leave --preset and --tokens away", errUsage)
	}
	shape, err := readTokenShape(f.tokens)
	if err != nil {
		return c, err
	}
	recipe, err := preset(f.preset, shape)
	if err != nil {
		return c, err
	}
	c.Around.Network = recipe.Network
	if f.vocab != "" {
		c.Vocabulary, err = durable.ReadFile(f.vocab, wordpiece.MaxVocabularyBytes)
	}
	return c, err
}

// tellImport warns of what a user must know before using the model.
func tellImport(line *terminal.Line, r convert.Report) {
	if r.Resize {
		line.Keep("position embeddings were resized")
	}
	if r.Rows > 0 {
		line.Keep(fmt.Sprintf("the vocabulary names all but %d rows of the word embedding", r.Rows))
	}
	if tower := r.Kind == convert.BERT || r.Kind == convert.ViT; tower {
		line.Keep(fmt.Sprintf("%d parameters are drawn afresh: train this model before use (train --init)", len(r.Fresh)))
	}
}

func printImport(w io.Writer, dir string, r convert.Report) error {
	parameters := 0
	for _, p := range r.Model.Network.Params() {
		parameters += p.Size()
	}
	_, err := fmt.Fprintf(w, "%s: %s, %d parameters, stored as %s\n", filepath.Clean(dir), r.Kind, parameters, r.Store)
	return err
}
