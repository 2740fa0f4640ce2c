package convert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/infer"
	"github.com/loopitr/loopitr/internal/durable"
	"github.com/loopitr/loopitr/network"
)

// Format is what Export writes.
type Format string

// The formats of Export.
const (
	AsALBEF       Format = "albef"       // model.pth, config_bert.json, vocab.txt
	AsHuggingBLIP Format = "blip-hf"     // a folder for BlipForImageTextRetrieval
	AsSafetensors Format = "safetensors" // model.safetensors by loopitr's names, vocab.txt
)

// Formats lists them.
func Formats() []Format { return []Format{AsALBEF, AsHuggingBLIP, AsSafetensors} }

// ExportConfig says what Export writes.
type ExportConfig struct {
	Format Format
	// Progress is told, when not nil, how many of the model's tensors were written.
	Progress func(done, total int)
}

// Export writes the model in dir into the folder out, which must not be there or be
// empty. Every file holds the model's configuration besides, so that Import makes
// the same model of it, bit for bit. One tensor at a time is in memory.
//
// The error wraps loopitr.ErrInvalid when the format cannot hold the network, all
// reasons listed, or out holds something; otherwise it is ctx's, checkpoint.Open's
// or the operating system's.
func Export(ctx context.Context, dir, out string, c ExportConfig) (err error) {
	f := c.Format
	if !slices.Contains(Formats(), f) {
		return fmt.Errorf("export %q: format %q is not albef, blip-hf or safetensors: %w", dir, f, loopitr.ErrInvalid)
	}
	stored, err := checkpoint.Open(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stored.Close()) }()
	e := exporter{ctx: ctx, progress: c.Progress, model: stored, tensors: map[string]safetensors.Tensor{}}
	if err := e.read(dir); err != nil {
		return err
	}
	if reasons := e.misfits(f); len(reasons) > 0 {
		return fmt.Errorf("export %q as %s: %s: %w", dir, f, strings.Join(reasons, "; "), loopitr.ErrInvalid)
	}
	if err := emptyFolder(out); err != nil {
		return err
	}
	switch f {
	case AsALBEF:
		err = e.albef(out)
	case AsHuggingBLIP:
		err = e.huggingBLIP(out)
	default:
		err = e.own(out)
	}
	if err == nil {
		err = durable.WriteBytes(filepath.Join(out, "vocab.txt"), stored.Vocabulary())
	}
	if err != nil {
		return fmt.Errorf("export %q: %w", dir, err)
	}
	return nil
}

func emptyFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) > 0 {
		err = fmt.Errorf("export to %q: the folder holds something: %w", dir, loopitr.ErrInvalid)
	}
	return err
}

// exporter is an export in progress.
type exporter struct {
	ctx      context.Context
	progress func(done, total int)
	model    *checkpoint.Model
	config   infer.Config
	tensors  map[string]safetensors.Tensor
	// How many tensors of the layout are written, and are there.
	written, total int
}

func (e *exporter) read(dir string) error {
	if err := e.model.Config(&e.config); err != nil {
		return err
	}
	if err := e.config.Validate(); err != nil {
		return fmt.Errorf("model %q: %w", dir, err)
	}
	var have []checkpoint.Shape
	for _, t := range e.model.Tensors() {
		e.tensors[t.Name] = t
		have = append(have, checkpoint.Shape{Name: t.Name, Dims: t.Shape})
	}
	if err := checkpoint.Match(infer.Shapes(e.config.Network), have); err != nil {
		return fmt.Errorf("model %q: %w", dir, err)
	}
	return nil
}

// misfits lists why a format cannot hold the network.
func (e *exporter) misfits(f Format) []string {
	if f == AsSafetensors {
		return nil
	}
	var reasons []string
	unless := func(fits bool, format string, args ...any) {
		if !fits {
			reasons = append(reasons, fmt.Sprintf(format, args...))
		}
	}
	n := e.config.Network
	unless(n.Vision.Input == network.Pixels, "it has no patches: the network takes tokens made elsewhere")
	unless(n.Vision.Stem == network.StemCut, "it cuts patches, the network's stem convolves")
	unless(n.Cross.Pool == network.PoolFirst, "it judges by [CLS], the network by the mean")
	unless(n.Cross.Match.Hidden == 0, "its match head has no hidden layer")
	unless(!n.Text.MaskedModeling, "it has no place for the head that predicts masked words")
	switch f {
	case AsALBEF:
		unless(n.Cross.From == network.FromStates, "its cross encoder goes on from text states, the network's starts from ids")
		unless(!n.Text.NoTypes, "it has token types, the network has none")
		unless(n.Vision.LayerNormEpsilon == albefVisionEpsilon, "its vision norms have epsilon %g, the network's %g", albefVisionEpsilon, n.Vision.LayerNormEpsilon)
	case AsHuggingBLIP:
		unless(n.Cross.From == network.FromIDs, "its cross encoder starts from ids, the network's goes on from text states")
		unless(n.Text.NoTypes, "it has no token types, the network has")
	}
	return reasons
}

// described is the configuration as files hold it for Import.
func (e *exporter) described() (string, error) {
	text, err := json.Marshal(e.config)
	return string(text), err
}

// sources are the network's tensors by a layout's names. What was split on import
// is joined again.
func (e *exporter) sources(l layout) []safetensors.Source {
	params := map[string]network.Param{}
	for _, p := range e.config.Network.Params() {
		params[p.Name] = p
	}
	var sources []safetensors.Source
	at := map[string]int{}
	parts := map[string][]safetensors.Tensor{}
	entries := l.entries(e.config.Network)
	e.total = len(entries)
	for _, x := range entries {
		t := e.tensors[x.ours]
		parts[x.theirs] = append(parts[x.theirs], t)
		if _, known := at[x.theirs]; known {
			continue // query, key and value follow each other in every table
		}
		at[x.theirs] = len(sources)
		shape := x.theirShape(params[x.ours], e.config.Network)
		convolution := x.form == patches && len(t.Shape) == 2
		sources = append(sources, safetensors.Source{Name: x.theirs, DType: t.DType, Shape: shape, Write: func(w io.Writer) error {
			for _, part := range parts[x.theirs] {
				if err := e.write(w, part, convolution); err != nil {
					return err
				}
			}
			return nil
		}})
	}
	return sources
}

func (e *exporter) write(w io.Writer, t safetensors.Tensor, convolution bool) error {
	if err := e.ctx.Err(); err != nil {
		return err
	}
	values, err := t.Float32()
	if err != nil {
		return err
	}
	if convolution {
		values = toConvolution(values, e.config.Network.Vision.PatchSize)
	}
	// Exact: the values were read from this element type.
	err = safetensors.FromFloat32(t.Name, t.DType, t.Shape, values).Write(w)
	if e.written++; err == nil && e.progress != nil {
		e.progress(e.written, e.total)
	}
	return err
}

func (e *exporter) own(out string) error {
	text, err := e.described()
	if err != nil {
		return err
	}
	sources := e.sources(ownLayout())
	safetensors.Sort(sources)
	return safetensors.WriteFile(filepath.Join(out, "model.safetensors"), map[string]string{"format": "pt", ownKey: text}, sources)
}

func writeJSON(path string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return durable.WriteBytes(path, append(text, '\n'))
}
