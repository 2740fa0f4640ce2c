package main

import (
	"context"
	"fmt"

	"github.com/loopitr/loopitr/bench"
	"github.com/loopitr/loopitr/internal/engine"
	"github.com/spf13/cobra"
)

// benchFlags are what bench is asked to do.
type benchFlags struct {
	config bench.Config
	json   bool
}

func newBench(g *global, std streams) *cobra.Command {
	f := benchFlags{config: bench.Default()}
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure this machine side by side with PyTorch, ONNX Runtime, Faiss and Pillow",
		Long: `bench measures products, attention, training steps, encoding, re-ranking, the scan of
an index, a whole search and the decoding of pictures. Whoever else is there does the same
work in turns: the engines of this binary, and PyTorch, Faiss and Pillow where --python has
them. Who is not there is left out, and the table says so. Use an idle machine; it takes
some minutes and, with everybody, 16 GB of memory and 2 GB of disk.`,
		Example: `  loopitr bench --python /usr/bin/python3
  loopitr bench --only product,rerank --peers torch --json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runBench(c.Context(), g, std, f) },
	}
	flags := c.Flags()
	flags.StringSliceVar(&f.config.Only, "only", nil, fmt.Sprintf("rows to measure, of %v (default: all)", bench.Rows()))
	flags.StringSliceVar(&f.config.Peers, "peers", bench.Peers(), `who else is measured; "" is nobody`)
	flags.StringVar(&f.config.Python, "python", f.config.Python, "interpreter that has torch, faiss and PIL")
	flags.IntVar(&f.config.Rounds, "rounds", f.config.Rounds, "how often all take turns")
	flags.DurationVar(&f.config.Budget, "budget", f.config.Budget, "time for one contender in one row; slow ones take fewer turns")
	flags.BoolVar(&f.config.Short, "short", false, "tiny sizes, once: whether it works, not how fast")
	flags.BoolVar(&f.json, "json", false, "print the table as JSON")
	return c
}

func runBench(ctx context.Context, g *global, std streams, f benchFlags) error {
	line := g.line(std)
	f.config.Observe = func(what string) { line.Update(what) }
	f.config.Engine = g.engine
	if f.config.Engine == "" {
		f.config.Engine = engine.Default
	}
	report, err := bench.Run(ctx, f.config)
	line.Clear()
	if err != nil {
		return err
	}
	if f.json {
		return printJSON(std.out, report)
	}
	return report.Print(std.out)
}
