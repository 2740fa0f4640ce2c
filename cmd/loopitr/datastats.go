package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/loopitr/loopitr/dataset"
	"github.com/spf13/cobra"
)

// statsFlags are what data stats is asked to do.
type statsFlags struct {
	data  source
	words int
	json  bool
}

func newDataStats(g *global, std streams) *cobra.Command {
	var f statsFlags
	c := &cobra.Command{
		Use:   "stats PATH",
		Short: "Describe pictures with captions: splits, caption lengths, words",
		Example: `  loopitr data stats dataset_flickr8k.json --tokens tokens.safetensors
  loopitr data stats shards --split train --words 50 --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			f.data.Path = args[0]
			return runDataStats(c.Context(), g, std, f)
		},
	}
	f.data.registerRest(c.Flags())
	c.Flags().IntVar(&f.words, "words", 20, "list so many of the most frequent words")
	c.Flags().BoolVar(&f.json, "json", false, "print the statistics as JSON")
	return c
}

func runDataStats(ctx context.Context, g *global, std streams, f statsFlags) error {
	set, err := f.data.open(ctx)
	if err != nil {
		return err
	}
	defer set.Close() // only read
	return f.data.report.listing(g.line(std), func(skips *skipLog) error {
		skips.addSet(set.Skipped)
		stats := dataset.StatsOf(set.Records, f.words)
		if f.json {
			return printJSON(std.out, stats)
		}
		return printStats(std.out, stats)
	})
}

func printStats(w io.Writer, s dataset.Stats) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "pictures\t%d\ncaptions\t%d\n", s.Pictures, s.Captions)
	for _, split := range s.Splits {
		name := split.Split
		if name == "" {
			name = "(no split)"
		}
		fmt.Fprintf(t, "  %s\t%s\n", name, split.Text())
	}
	fmt.Fprintf(t, "captions a picture\t%s\n", binText(s.CaptionsPerPicture))
	fmt.Fprintf(t, "words a caption\t%s\n", binText(s.WordsPerCaption))
	fmt.Fprintf(t, "longest caption\t%s\n", counted(s.LongestCaption, "character"))
	fmt.Fprintf(t, "different captions\t%d\ndifferent words\t%d\n", s.Texts, s.Vocabulary)
	var words []string
	for _, word := range s.Words {
		words = append(words, fmt.Sprintf("%s %d", word.Word, word.Count))
	}
	fmt.Fprintf(t, "most frequent\t%s\n", strings.Join(words, ", "))
	return t.Flush()
}

// binText sums a histogram up: its ends and its median.
func binText(bins []dataset.Bin) string {
	total, seen := 0, 0
	for _, b := range bins {
		total += b.Count
	}
	for _, b := range bins {
		if seen += b.Count; 2*seen >= total {
			return fmt.Sprintf("%d to %d, median %d", bins[0].Value, bins[len(bins)-1].Value, b.Value)
		}
	}
	return "none"
}
