package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/loopitr/loopitr/dataset"
	"github.com/loopitr/loopitr/internal/terminal"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// convertFlags are what data convert and data split write.
type convertFlags struct {
	data     source
	to, out  string
	pictures bool
	shard    int64
	asJSON   bool
}

// writtenData is what data convert and data split print as JSON.
type writtenData struct {
	Out      string               `json:"out"`
	Format   dataset.Format       `json:"format"`
	Pictures int                  `json:"pictures"`
	Skipped  int                  `json:"skipped"`
	Splits   []dataset.SplitCount `json:"splits"`
	// Images is what --images must name for a list to be read.
	Images string `json:"images,omitempty"`
}

func (f *convertFlags) register(flags *pflag.FlagSet) {
	f.data.registerRest(flags)
	flags.StringVar(&f.to, "to", string(dataset.JSONL), "format: "+strings.Join(words(dataset.Formats()), ", "))
	flags.StringVar(&f.out, "out", "", "file to write; for webdataset a folder")
	flags.BoolVar(&f.pictures, "pictures", false, "also write the pictures to images/ beside the file")
	flags.Int64Var(&f.shard, "shard-bytes", 0, "when a shard of webdataset is full (default 256 MiB)")
	flags.BoolVar(&f.asJSON, "json", false, "print what was written as JSON")
}

// namesHelp says how data convert and data split name pictures.
const namesHelp = `
A list is written to be read where it lies: names that would not lead from there to
the pictures become the pictures' paths below its folder (but not with --tokens, which
are found by the names). A list cannot lead out of its folder, nor into a zip or shard:
what to read it with is then said, and --pictures writes the pictures beside it.`

func newDataConvert(g *global, std streams) *cobra.Command {
	var f convertFlags
	c := &cobra.Command{
		Use:   "convert PATH --to FORMAT --out FILE",
		Short: "Write pictures with captions in another format",
		Long: `convert writes what it reads in another format: lists of captions (jsonl, tsv, csv,
karpathy, flickr) or shards that hold the pictures (webdataset).
` + namesHelp,
		Example: `  loopitr data convert dataset_coco.json --images coco.zip --to webdataset --out shards
  loopitr data convert photos/ --to tsv --out pairs.tsv`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			f.data.Path = args[0]
			return runDataConvert(c.Context(), g, std, f)
		},
	}
	f.register(c.Flags())
	return c
}

func runDataConvert(ctx context.Context, g *global, std streams, f convertFlags) error {
	line := g.line(std)
	set, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer set.Close() // only read
	return f.write(ctx, std, line, set)
}

func (f *convertFlags) open(ctx context.Context) (*dataset.Set, error) {
	if f.out == "" {
		return nil, fmt.Errorf("%w: say where to write: --out", errUsage)
	}
	if err := f.config().Validate(); err != nil {
		return nil, err
	}
	return f.data.open(ctx)
}

func (f *convertFlags) config() dataset.ConvertConfig {
	c := dataset.ConvertConfig{Format: dataset.Format(f.to), Path: f.out, Pictures: f.pictures, ShardBytes: f.shard}
	if f.data.report != "" {
		c.Details = reportedSkips
	}
	return c
}

// write converts the set and says what came of it.
func (f *convertFlags) write(ctx context.Context, std streams, line *terminal.Line, set *dataset.Set) error {
	return f.data.report.listing(line, func(skips *skipLog) error { return f.convert(ctx, std.out, skips, set) })
}

func (f *convertFlags) convert(ctx context.Context, out io.Writer, skips *skipLog, set *dataset.Set) error {
	skips.addSet(set.Skipped)
	config, line := f.config(), skips.line
	line.Start(terminal.Count{Total: len(set.Records), Noun: "pictures"})
	config.Progress = func(done, total int) {
		line.Count(terminal.Count{Done: done, Total: total, Noun: "pictures"})
	}
	done, err := dataset.Convert(ctx, set, config)
	line.Clear()
	if err != nil {
		return err
	}
	lost := done.Skipped
	skips.addSet(lost)
	if note := f.readingText(done); note != "" {
		skips.line.Keep(note)
	}
	written := writtenData{
		Out: f.out, Format: dataset.Format(f.to), Pictures: len(set.Records) - lost.Total(),
		Skipped: set.Skipped.Total() + lost.Total(), Splits: dataset.StatsOf(set.Records, 0).Splits, Images: done.Images,
	}
	if f.asJSON {
		return printJSON(out, written)
	}
	_, err = fmt.Fprintf(out, "wrote %s to %s\n", counted(written.Pictures, "picture"), written.Out)
	return err
}

// readingText says how a list that does not lead to its pictures is read; it is
// empty for others.
func (f *convertFlags) readingText(done dataset.Converted) string {
	switch {
	case done.Images != "":
		return fmt.Sprintf("the pictures are not beside %s: read it with --images %s, or write them there with --pictures", f.out, shellQuote(done.Images))
	case done.Apart:
		return fmt.Sprintf("the pictures are not beside %s, and no --images names them all: write them there with --pictures", f.out)
	}
	return ""
}
