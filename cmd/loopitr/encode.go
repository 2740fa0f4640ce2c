package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/internal/terminal"
	"github.com/spf13/cobra"
)

// encodeFlags are what encode is asked to do.
type encodeFlags struct {
	model, out string
	pictures   bool
	data       source
	store      string
	tokens     string
	report     reportFile
}

// encodeBatch is how many captions or pictures are encoded at once.
const encodeBatch = 64

func newEncode(g *global, std streams) *cobra.Command {
	var f encodeFlags
	c := &cobra.Command{
		Use:   "encode --model DIR [TEXT...]",
		Short: "Make vectors of texts or pictures, or a token file of a data set",
		Long: `encode prints the dual encoder's vector, of length one, of each text or picture as a
line of JSON, or writes them all to a safetensors file. Without arguments it reads
texts, or with --pictures the names of files, line by line.

With --tokens FILE --data PATH it writes the vision tower's tokens of a data set: a
token file, on which train --tokens trains at a fraction of the cost.`,
		Example: `  loopitr encode --model model "a red apple" "a green one"
  find photos -name '*.jpg' | loopitr encode --model model --pictures --out vectors.safetensors
  loopitr encode --model model --data pairs.tsv --tokens tokens.safetensors`,
		RunE: func(c *cobra.Command, args []string) error { return f.run(c.Context(), g, std, args) },
	}
	flags := c.Flags()
	flags.StringVar(&f.model, "model", "", "folder of the model")
	flags.StringVar(&f.out, "out", "", "write vectors [N, width] to this safetensors file, with their names in its metadata")
	flags.BoolVar(&f.pictures, "pictures", false, "arguments and lines are picture files")
	flags.StringVar(&f.data.Path, "data", "", "data set whose pictures --tokens encodes")
	flags.StringVar(&f.data.Split, "split", "", "split of --data to encode (default all)")
	flags.StringVar(&f.data.Images, "images", "", "folder or zip of the pictures of --data")
	flags.StringVar(&f.tokens, "tokens", "", "write the vision tower's tokens of --data to this file")
	f.report.register(flags)
	flags.StringVar(&f.store, "store", string(safetensors.F16), "number format of --tokens: "+strings.Join(stores(), ", "))
	return c
}

func (f *encodeFlags) run(ctx context.Context, g *global, std streams, args []string) error {
	if (f.tokens == "") != (f.data.Path == "") || f.tokens != "" && len(args) > 0 {
		return fmt.Errorf("%w: --tokens FILE and --data PATH belong together, without arguments", errUsage)
	}
	if f.tokens != "" && (f.out != "" || f.pictures) {
		return fmt.Errorf("%w: --out and --pictures are for vectors: leave them away with --tokens", errUsage)
	}
	if !slices.Contains(stores(), f.store) {
		return fmt.Errorf("%w: --store %q is none of %s", errUsage, f.store, strings.Join(stores(), ", "))
	}
	m, err := g.openModel(f.model)
	if err != nil {
		return err
	}
	defer m.Close()
	line := g.line(std)
	defer line.Clear()
	return f.report.listing(line, func(skips *skipLog) error {
		if f.tokens != "" {
			return f.writeTokens(ctx, std, skips, m)
		}
		next := fromArgs(args)
		if len(args) == 0 {
			next = fromLines(ctx, std.in)
		}
		return f.writeVectors(ctx, std, &encoder{m: m, skips: skips, pictures: f.pictures, total: len(args)}, next)
	})
}

// writeVectors encodes all that next gives, to standard output or a file.
func (f *encodeFlags) writeVectors(ctx context.Context, std streams, e *encoder, next func() (string, error)) error {
	if f.out == "" {
		out := json.NewEncoder(std.out)
		e.found = func(name string, v loopitr.Vector) error {
			e.skips.line.Clear()
			return out.Encode(e.named(name, v))
		}
		return e.run(ctx, next)
	}
	var names []string
	var values []float32
	e.found = func(name string, v loopitr.Vector) error {
		names, values = append(names, name), append(values, v...)
		return nil
	}
	if err := e.run(ctx, next); err != nil {
		return err
	}
	return vectorsFile(f.out, e.m, names, values)
}

// stores are the number formats that --tokens is written in.
func stores() []string {
	return []string{string(safetensors.F16), string(safetensors.BF16), string(safetensors.F32)}
}

// encoder makes vectors of names, batch by batch.
type encoder struct {
	m        *model
	skips    *skipLog
	pictures bool
	found    func(name string, v loopitr.Vector) error
	total    int // 0 where names come line by line
	done     int
}

// named is what one line of output holds.
func (e *encoder) named(name string, v loopitr.Vector) any {
	if e.pictures {
		return struct {
			Picture string         `json:"picture"`
			Vector  loopitr.Vector `json:"vector"`
		}{name, v}
	}
	return struct {
		Text   string         `json:"text"`
		Vector loopitr.Vector `json:"vector"`
	}{name, v}
}

// run ends with errNothing when there was nothing, and with an error wrapping
// loopitr.ErrInvalid when nothing could be used.
func (e *encoder) run(ctx context.Context, next func() (string, error)) error {
	e.skips.line.Start(e.count())
	for ended := false; !ended; {
		var names []string
		for len(names) < encodeBatch && !ended {
			name, err := next()
			switch {
			case errors.Is(err, io.EOF):
				ended = true
			case err != nil:
				return err
			default:
				names = append(names, name)
			}
		}
		if err := e.batch(ctx, names); err != nil {
			return err
		}
		e.skips.line.Count(e.count())
	}
	switch {
	case e.done > 0:
		return nil
	case e.skips.count > 0:
		return errNoPicture
	}
	return errNothing
}

// count has no skipped names, neither done nor in the total.
func (e *encoder) count() terminal.Count {
	return terminal.Count{Done: e.done, Total: max(e.total-e.skips.count, 0), Noun: "encoded"}
}

// errNoPicture ends a command all of whose pictures were skipped.
var errNoPicture = fmt.Errorf("no picture can be used: %w", loopitr.ErrInvalid)

func (e *encoder) batch(ctx context.Context, names []string) (err error) {
	var encodings []loopitr.Encoding
	if e.pictures {
		var pictures []loopitr.Picture
		if names, pictures = e.prepare(names); len(names) > 0 {
			encodings, err = e.m.EncodeImages(ctx, pictures)
		}
	} else if len(names) > 0 {
		encodings, err = e.m.EncodeTexts(ctx, names)
	}
	if err != nil {
		return err
	}
	for i, encoding := range encodings {
		if err := e.found(names[i], encoding.Vector); err != nil {
			return err
		}
	}
	e.done += len(names)
	return nil
}

// prepare reads pictures and leaves out those that cannot be used.
func (e *encoder) prepare(names []string) (good []string, pictures []loopitr.Picture) {
	for _, name := range names {
		encoded, err := readPicture(name)
		var picture loopitr.Picture
		if err == nil {
			picture, _, err = e.m.Prepare(encoded)
		}
		if err != nil {
			e.skips.add(name, err)
			continue
		}
		good, pictures = append(good, name), append(pictures, picture)
	}
	return good, pictures
}

func fromArgs(args []string) func() (string, error) {
	return func() (string, error) {
		if len(args) == 0 {
			return "", io.EOF
		}
		first := args[0]
		args = args[1:]
		return first, nil
	}
}

// maxLine bounds a line of standard input.
const maxLine = 1 << 20

// fromLines gives lines until r or ctx ends. A read of a terminal cannot be
// interrupted, so the goroutine may last as long as its input or the process.
func fromLines(ctx context.Context, r io.Reader) func() (string, error) {
	lines, failed := make(chan string), make(chan error, 1)
	go func() {
		defer close(failed)
		defer close(lines)
		scanner := bufio.NewScanner(r)
		scanner.Buffer(nil, maxLine)
		for scanner.Scan() {
			text := strings.TrimSpace(scanner.Text())
			if text == "" {
				continue
			}
			select {
			case lines <- text:
			case <-ctx.Done():
				return
			}
		}
		failed <- scanner.Err()
	}()
	return func() (string, error) {
		select {
		case text, more := <-lines:
			if more {
				return text, nil
			}
		case <-ctx.Done():
		}
		if err := ctx.Err(); err != nil {
			return "", err
		}
		if err := <-failed; err != nil {
			return "", fmt.Errorf("read standard input: %w: %w", err, loopitr.ErrInvalid)
		}
		return "", io.EOF
	}
}

// vectorsFile writes vectors [N, width] and their names.
func vectorsFile(path string, m *model, names []string, values []float32) error {
	ids, err := json.Marshal(names)
	if err != nil {
		return err
	}
	width := m.Config().Network.Projection
	vectors := safetensors.FromFloat32("vectors", safetensors.F32, []int{len(names), width}, values)
	metadata := map[string]string{"ids": string(ids), "model": m.Fingerprint()}
	return safetensors.WriteFile(path, metadata, []safetensors.Source{vectors})
}
