package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/loopitr/loopitr/dataset"
	"github.com/loopitr/loopitr/eval"
	"github.com/loopitr/loopitr/internal/durable"
	"github.com/loopitr/loopitr/internal/terminal"
	"github.com/loopitr/loopitr/recall"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// evalFlags are what eval is asked to do.
type evalFlags struct {
	data      source
	model     string
	rerank    candidates
	json      string
	sweep     []int
	plot      string
	resamples int
}

// defaultPlot is where a sweep is drawn unless told otherwise.
const defaultPlot = "sweep.png"

func newEval(g *global, std streams) *cobra.Command {
	f := evalFlags{rerank: defaultCandidates()}
	c := &cobra.Command{
		Use:   "eval --model DIR --data PATH",
		Short: "Measure retrieval: the dual encoder alone and re-ranked, in one table",
		Long: `eval ranks every caption for every picture and back, with the dual encoder alone
and with its best candidates re-ranked by the cross encoder: recall at 1, 5 and 10,
median rank and mAP@R in both directions, with 95 % bootstrap intervals and times.

The split "test" is used where the data states splits; --split all takes everything.`,
		Example: `  loopitr eval --model model --data dataset_flickr8k.json --images images.zip --json result.json
  loopitr eval --model model --data test.tar --sweep 1,2,4,8,16,32 --plot sweep.png`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runEval(c.Context(), g, std, f) },
	}
	f.register(c.Flags())
	return c
}

func (f *evalFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.model, "model", "", "folder of the model")
	f.data.register(flags, "test")
	flags.Var(&f.rerank, "rerank", "candidates of each query that the cross encoder judges")
	flags.StringVar(&f.json, "json", "", `also write the result as JSON to this file, or instead of the table to "-"`)
	flags.IntSliceVar(&f.sweep, "sweep", nil, "also measure these numbers of candidates, such as 1,2,4,8,16")
	flags.StringVar(&f.plot, "plot", defaultPlot, "where --sweep draws recall and time over candidates (PNG)")
	flags.IntVar(&f.resamples, "bootstrap", recall.DefaultResamples, "resamples for the intervals; 0 makes none")
}

// measured is eval's result as JSON.
type measured struct {
	eval.Result
	// LeftOut is what of the data was not used before anything was measured.
	LeftOut dataset.Skips `json:"left_out,omitzero"`
	Sweep   []eval.Point  `json:"sweep,omitempty"`
}

func runEval(ctx context.Context, g *global, std streams, f evalFlags) error {
	line := g.line(std)
	if f.model == "" || f.data.Path == "" {
		return fmt.Errorf("%w: eval needs --model DIR and --data PATH", errUsage)
	}
	if f.plot != defaultPlot && len(f.sweep) == 0 {
		return fmt.Errorf("%w: --plot draws a --sweep, and there is none", errUsage)
	}
	for _, k := range f.sweep {
		if k < 0 {
			return fmt.Errorf("%w: --sweep %d: candidates must be zero or more", errUsage, k)
		}
	}
	set, err := f.data.open(ctx)
	if err != nil {
		return err
	}
	defer set.Close() // only read
	return f.data.report.listing(line, func(skips *skipLog) error {
		skips.addSet(set.Skipped)
		m, err := g.openModel(f.model)
		if err != nil {
			return err
		}
		defer m.Close()
		result, err := f.measure(ctx, line, m, set)
		line.Clear()
		if err != nil {
			return err
		}
		result.LeftOut = set.Skipped
		for _, s := range result.Skipped {
			skips.add(s.ID, errors.New(s.Reason))
		}
		return f.write(std.out, line, result)
	})
}

func (f *evalFlags) config(line *terminal.Line) eval.Config {
	return eval.Config{
		Rerank: int(f.rerank), Strict: f.data.Strict, Bootstrap: recall.Bootstrap{Resamples: cmp.Or(f.resamples, -1)},
		Progress: func(stage eval.Stage, done, total int) {
			line.Count(terminal.Count{Stage: string(stage), Done: done, Total: total})
		},
	}
}

func (f *evalFlags) measure(ctx context.Context, line *terminal.Line, m *model, set *dataset.Set) (measured, error) {
	split, err := m.split(set)
	if err != nil {
		return measured{}, err
	}
	both := eval.Model{Encoder: m, Matcher: m}
	config := f.config(line)
	scores, err := eval.Measure(ctx, both, split, config)
	if err != nil {
		return measured{}, err
	}
	result, err := scores.Result(config.Bootstrap)
	if err != nil || len(f.sweep) == 0 {
		return measured{Result: result}, err
	}
	points, err := eval.Sweep(ctx, both, split, eval.SweepConfig{Config: config, Candidates: f.sweep})
	return measured{Result: result, Sweep: points}, err
}

// write prints what was measured before it writes files, which may fail.
func (f *evalFlags) write(out io.Writer, line *terminal.Line, r measured) error {
	if err := f.print(out, r); err != nil {
		return err
	}
	if f.json != "" && f.json != "-" {
		if err := durable.WriteFile(f.json, func(w io.Writer) error { return printJSON(w, r) }); err != nil {
			return err
		}
	}
	if len(r.Sweep) == 0 {
		return nil
	}
	if err := durable.WriteFile(f.plot, func(w io.Writer) error { return eval.Plot(w, r.Sweep) }); err != nil {
		return err
	}
	line.Keep("plot: " + f.plot)
	return nil
}

func (f *evalFlags) print(out io.Writer, r measured) error {
	if f.json == "-" {
		return printJSON(out, r)
	}
	if _, err := io.WriteString(out, r.Table()); err != nil {
		return err
	}
	return printSweep(out, r.Sweep)
}

func printSweep(w io.Writer, points []eval.Point) error {
	if len(points) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\ncandidates\tR@1 image to text\ttext to image\tR@10 image to text\ttext to image\tR-sum\tone query\n")
	for _, p := range points {
		fmt.Fprintf(t, "%d\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%s\n", p.K,
			p.ImageToText.R1, p.TextToImage.R1, p.ImageToText.R10, p.TextToImage.R10, p.RSum, timeOf(p.QuerySeconds))
	}
	return t.Flush()
}
