package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/loopitr/loopitr/dataset"
	"github.com/loopitr/loopitr/internal/terminal"
	"github.com/loopitr/loopitr/pixels"
	"github.com/spf13/cobra"
)

// checkFlags are what data check is asked to do.
type checkFlags struct {
	data      source
	maxPixels int
	details   int
	json      bool
}

func newDataCheck(g *global, std streams) *cobra.Command {
	var f checkFlags
	c := &cobra.Command{
		Use:   "check PATH",
		Short: "List what spoils training and measuring",
		Long: `check reads every picture once. It lists missing files, pictures that do not decode,
empty and repeated captions, and pictures (by content) and captions that different
splits share. Exit code 3 means that some pictures or rows are unusable, or that
splits share pictures.`,
		Example: `  loopitr data check dataset_flickr8k.json --images images.zip
  loopitr data check '{train,test}.tsv'  # finds pictures and captions that both have
  loopitr data check shards --json > findings.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			f.data.Path = args[0]
			return runDataCheck(c.Context(), g, std, f)
		},
	}
	f.data.registerRest(c.Flags())
	c.Flags().IntVar(&f.maxPixels, "max-pixels", pixels.DefaultMaxPixels, "refuse pictures with more pixels")
	c.Flags().IntVar(&f.details, "details", 1000, "list so many of each kind; all are counted")
	c.Flags().BoolVar(&f.json, "json", false, "print the findings as JSON")
	return c
}

func runDataCheck(ctx context.Context, g *global, std streams, f checkFlags) error {
	line := g.line(std)
	set, err := f.data.open(ctx)
	if err != nil {
		return err
	}
	defer set.Close() // only read
	return f.data.report.listing(line, func(skips *skipLog) error {
		skips.noteSet(set.Skipped)
		decode := decoder(f.maxPixels)
		one := line.Counter(terminal.Count{Total: len(set.Records), Noun: "pictures"})
		findings, err := dataset.Check(ctx, set, dataset.CheckConfig{
			Details: f.details,
			Decode: func(encoded []byte) error {
				defer one()
				return decode(encoded)
			},
			Undecodable: func(id string, cause error) { skips.note(id, cause.Error()) },
		})
		line.Clear()
		if err != nil {
			return err
		}
		return f.print(std.out, findings)
	})
}

// print ends with errSkipped when splits share pictures.
func (f *checkFlags) print(w io.Writer, findings dataset.Findings) (err error) {
	if f.json {
		err = printJSON(w, findings)
	} else {
		_, err = fmt.Fprintln(w, strings.Join(describeFindings(findings, f.details), "\n"))
	}
	if err == nil && findings.SharedPictures.Count > 0 {
		err = errSkipped
	}
	return err
}

// decoder judges pictures as training would.
func decoder(maxPixels int) func([]byte) error {
	return func(encoded []byte) error {
		_, _, err := pixels.Decode(encoded, maxPixels)
		return err
	}
}

// describeFindings says what a check found, a line for each kind and its first
// cases.
func describeFindings(f dataset.Findings, details int) []string {
	lines := []string{f.Text()}
	if f.Absent > 0 {
		lines = append(lines, fmt.Sprintf("%s absent: only the token file has them", counted(f.Absent, "picture")))
	}
	if total := f.Skipped.Total(); total > 0 {
		lines = append(lines, fmt.Sprintf("%d skipped: %s", total, f.Skipped))
		for _, s := range f.Skipped.Details[:min(details, len(f.Skipped.Details))] {
			lines = append(lines, "  "+s.String())
		}
	}
	for _, kind := range []struct {
		noun, text string
		dataset.Finding
	}{
		{"picture", "that cannot be read or decoded", f.Undecodable},
		{"caption", "that their own picture has twice", f.RepeatedCaptions},
		{"picture", "in one split under several names", f.DuplicatePictures},
		{"picture", "in different splits", f.SharedPictures},
		{"caption", "in different splits", f.SharedCaptions},
	} {
		if kind.Count == 0 {
			continue
		}
		lines = append(lines, counted(kind.Count, kind.noun)+" "+kind.text)
		for _, d := range kind.Details[:min(details, len(kind.Details))] {
			lines = append(lines, "  "+d)
		}
	}
	return lines
}
