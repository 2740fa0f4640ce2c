package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/internal/terminal"
	"github.com/spf13/pflag"
)

// outputFlags are how hits are printed.
type outputFlags struct {
	json, jsonl, paths, null bool
	preview                  previewFlags
	// names shows pictures by their paths in the index, not by where they lie.
	names bool
	// cut says that hits below a match probability were to be dropped.
	cut bool
}

func (f *outputFlags) register(flags *pflag.FlagSet) {
	flags.BoolVar(&f.json, "json", false, "print the result as one JSON object")
	flags.BoolVar(&f.jsonl, "jsonl", false, "print one JSON object for each hit and line")
	flags.BoolVar(&f.paths, "paths", false, "print nothing but the files' paths: exact into a pipe or file, without control characters on a terminal")
	flags.BoolVarP(&f.null, "null", "0", false, "print paths that end in a zero byte, for xargs -0: right for names with line breaks too")
	f.preview.register(flags)
}

// printHits prints a result, and ends the command with errNothing when there is no
// hit.
func (f *outputFlags) printHits(std streams, line *terminal.Line, folder string, r loopitr.Result) error {
	if f.cut && !r.Reranked && len(r.Hits) > 0 {
		line.Keep("--min-match drops nothing: " + r.Reason)
	}
	var err error
	switch {
	case f.json:
		err = printJSON(std.out, found{folder, r})
	case f.jsonl:
		err = printLines(std.out, r.Hits)
	case f.paths || f.null:
		err = printPaths(std.out, folder, r.Hits, f.null)
	default:
		err = f.printTable(std.out, line, folder, r)
	}
	if err == nil && len(r.Hits) == 0 {
		line.Keep(nothingText(r))
		return errNothing
	}
	return err
}

// found is a result as JSON: hits' paths are relative to the folder.
type found struct {
	Folder string `json:"folder,omitempty"`
	loopitr.Result
}

func nothingText(r loopitr.Result) string {
	if r.BelowMatch > 0 {
		return fmt.Sprintf("nothing found: %d judged pictures are below --min-match", r.BelowMatch)
	}
	return "nothing found"
}

func printLines(w io.Writer, hits []loopitr.Hit) error {
	e := json.NewEncoder(w)
	for _, h := range hits {
		if err := e.Encode(h); err != nil {
			return err
		}
	}
	return nil
}

func printPaths(w io.Writer, folder string, hits []loopitr.Hit, null bool) error {
	end := "\n"
	if null {
		end = "\x00"
	}
	for _, h := range hits {
		if _, err := io.WriteString(w, terminal.Shown(w, fileOf(folder, h.Path))+end); err != nil {
			return err
		}
	}
	return nil
}

// fileOf is where an indexed picture lies, from here if that is below.
func fileOf(folder, path string) string {
	file := filepath.Join(folder, filepath.FromSlash(path))
	if near, err := filepath.Rel(absolute("."), file); err == nil && filepath.IsLocal(near) {
		return near
	}
	return file
}

func (f *outputFlags) printTable(w io.Writer, line *terminal.Line, folder string, r loopitr.Result) error {
	if len(r.Hits) == 0 {
		return nil
	}
	if !r.Reranked {
		line.Keep("not re-ranked: " + r.Reason)
	}
	rows := strings.Split(strings.TrimRight(f.hitTable(folder, r), "\n"), "\n")
	draw := f.preview.drawer(w, folder)
	for i, row := range rows {
		if _, err := fmt.Fprintln(w, row); err != nil {
			return err
		}
		if i == 0 {
			continue // the head
		}
		if err := draw(r.Hits[i-1].Path); err != nil {
			line.Keep(fmt.Sprintf("preview of %s: %v", r.Hits[i-1].Path, err))
		}
	}
	return nil
}

// hitTable lays hits out for people, one line each under a head.
func (f *outputFlags) hitTable(folder string, r loopitr.Result) string {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	head := "#\tscore\tmatch\tdual\t"
	if r.Reranked {
		head = "#\twas\tscore\tmatch\tdual\t"
	}
	fmt.Fprintln(t, head)
	for _, h := range r.Hits {
		match := "-"
		if h.Match != nil {
			match = fmt.Sprintf("%.1f%%", 100**h.Match)
		}
		if r.Reranked {
			fmt.Fprintf(t, "%d\t%d\t%.3f\t%s\t%.3f\t\n", h.Rank, h.DualRank, h.Score, match, h.Dual)
		} else {
			fmt.Fprintf(t, "%d\t%.3f\t%s\t%.3f\t\n", h.Rank, h.Score, match, h.Dual)
		}
	}
	_ = t.Flush() // into memory
	lines := strings.SplitAfter(b.String(), "\n")
	var out strings.Builder
	for i, l := range lines[:len(lines)-1] {
		out.WriteString(strings.TrimRight(l, "\n"))
		if i == 0 {
			out.WriteString("  path\n")
			continue
		}
		h := r.Hits[i-1]
		name := h.Path
		if !f.names {
			name = fileOf(folder, name)
		}
		out.WriteString("  " + terminal.Printable(name))
		if n := len(h.Duplicates); n > 0 {
			fmt.Fprintf(&out, "  (and %d with the same content)", n)
		}
		out.WriteByte('\n')
	}
	return out.String()
}
