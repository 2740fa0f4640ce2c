package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/loopitr/loopitr/infer"
	"github.com/loopitr/loopitr/internal/terminal"
	"github.com/loopitr/loopitr/network"
	"github.com/spf13/cobra"
)

func newModelsShow(_ *global, std streams) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "show DIR",
		Short: "Show a model's network, training, fingerprint and card",
		Example: `  loopitr models show model
  loopitr models show model --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			m, err := describeModel(args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(std.out, m)
			}
			return showModel(std.out, m)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the configuration as JSON")
	return c
}

// maxCard bounds how much of a model card is shown.
const maxCard = 64 << 10

func showModel(w io.Writer, m listedModel) error {
	n := m.Network
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "model\t%s\n", terminal.Printable(m.Model))
	fmt.Fprintf(t, "fingerprint\t%s\n", m.Fingerprint)
	fmt.Fprintf(t, "parameters\t%d\n", m.Parameters)
	fmt.Fprintf(t, "weights\t%s\n", sizeText(m.Bytes))
	fmt.Fprintf(t, "vision\t%s; %d layers, %d wide\n", inputText(m.Config), n.Vision.Layers, n.Vision.Width)
	fmt.Fprintf(t, "text\t%d words and pieces, at most %d a caption; %d layers, %d wide\n", n.Text.Vocabulary, m.Captions.MaxTokens, n.Text.Layers, n.Text.Width)
	fmt.Fprintf(t, "cross\t%d layers, judges by %s\n", n.Cross.Layers, n.Cross.Pool)
	fmt.Fprintf(t, "vectors\t%d numbers\n", n.Projection)
	fmt.Fprintf(t, "score\tmatch + %g dual\n", m.ScoreWeight)
	if tr := m.Training; tr != nil {
		fmt.Fprintf(t, "training\t%d steps, %d pairs, %s, seed %d\n", tr.Steps, tr.Pairs, timeOf(tr.Seconds), tr.Seed)
		fmt.Fprintf(t, "validation\tsum of six: dual %.1f, re-ranked %.1f\n", tr.DualSum, tr.RerankedSum)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	card, err := os.Open(filepath.Join(m.Model, "README.md"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer card.Close() // only read
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	_, err = io.Copy(w, io.LimitReader(card, maxCard))
	return err
}

func inputText(c infer.Config) string {
	v := c.Network.Vision
	if v.Input == network.Tokens {
		return fmt.Sprintf("%d tokens of %d", v.Tokens, v.Features)
	}
	text := fmt.Sprintf("%d px, patches of %d", v.ImageSize, v.PatchSize)
	if v.Stem == network.StemConv {
		text += " read by convolutions"
	}
	return text
}

// sizeText writes bytes in the unit that fits.
func sizeText(bytes int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	v, unit := float64(bytes), 0
	for v >= 1000 && unit < len(units)-1 {
		v, unit = v/1000, unit+1
	}
	return fmt.Sprintf("%.3g %s", v, units[unit])
}
