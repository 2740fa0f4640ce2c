package main

import (
	"context"
	"fmt"
	"runtime"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/dataset"
	"github.com/loopitr/loopitr/internal/terminal"
	"github.com/loopitr/loopitr/network"
	"golang.org/x/sync/errgroup"
)

// writeTokens writes what the vision tower makes of a data set's pictures.
func (f *encodeFlags) writeTokens(ctx context.Context, std streams, skips *skipLog, m *model) error {
	v := m.Config().Network.Vision
	if v.Input != network.Pixels {
		return fmt.Errorf("the model takes tokens made elsewhere and cannot read pictures: %w", loopitr.ErrInvalid)
	}
	set, err := f.data.open(ctx)
	if err != nil {
		return err
	}
	defer set.Close() // only read
	skips.addSet(set.Skipped)
	t := tokenMaker{ctx: ctx, m: m, skips: skips, set: set}
	if err := t.findUsable(); err != nil {
		return err
	}
	skips.line.Start(t.encoded(0))
	err = dataset.WriteTokens(f.tokens, dataset.TokenWriter{
		IDs: t.ids(), Count: v.PictureTokens(), Width: v.Width, DType: safetensors.DType(f.store),
		Metadata: map[string]string{"model": m.Fingerprint()}, Row: t.row,
	})
	skips.line.Clear()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "wrote %d tokens of %d features for %d pictures to %s\n", v.PictureTokens(), v.Width, len(t.records), f.tokens)
	return err
}

// tokenMaker encodes the pictures of a set in order.
type tokenMaker struct {
	ctx     context.Context
	m       *model
	skips   *skipLog
	set     *dataset.Set
	records []int // those whose pictures can be used
	first   int   // row of batch[0]
	batch   []loopitr.Encoding
}

// findUsable decodes every picture once, because a token file says first which
// pictures it holds.
func (t *tokenMaker) findUsable() error {
	failed := make([]error, len(t.set.Records))
	one := t.skips.line.Counter(terminal.Count{Stage: "reading", Total: len(failed), Noun: "pictures"})
	err := t.each(len(failed), func(i int) {
		_, failed[i] = t.picture(i)
		one()
	})
	if err != nil {
		return err
	}
	for i, err := range failed {
		if err != nil {
			t.skips.add(t.set.Records[i].ID, err)
			continue
		}
		t.records = append(t.records, i)
	}
	if len(t.records) == 0 {
		return fmt.Errorf("no picture of %d can be used, the first because: %w", len(failed), failed[0])
	}
	return nil
}

// each calls work for 0 to n-1, on all processors.
func (t *tokenMaker) each(n int, work func(i int)) error {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		group.Go(func() error {
			if err := t.ctx.Err(); err != nil {
				return err
			}
			work(i)
			return nil
		})
	}
	return group.Wait()
}

func (t *tokenMaker) picture(record int) (loopitr.Picture, error) {
	encoded, err := t.set.Picture(record)
	if err != nil {
		return loopitr.Picture{}, err
	}
	picture, _, err := t.m.Prepare(encoded)
	return picture, err
}

func (t *tokenMaker) ids() []string {
	ids := make([]string, len(t.records))
	for row, record := range t.records {
		ids[row] = t.set.Records[record].ID
	}
	return ids
}

// row writes the tokens of one picture; rows come in order.
func (t *tokenMaker) row(i int, to []float32) error {
	if i >= t.first+len(t.batch) {
		if err := t.encode(i); err != nil {
			return err
		}
	}
	copy(to, t.batch[i-t.first].States.Values)
	return nil
}

func (t *tokenMaker) encoded(n int) terminal.Count {
	return terminal.Count{Stage: "encoding", Done: n, Total: len(t.records), Noun: "pictures"}
}

func (t *tokenMaker) encode(first int) error {
	records := t.records[first:min(first+encodeBatch, len(t.records))]
	pictures, failed := make([]loopitr.Picture, len(records)), make([]error, len(records))
	if err := t.each(len(records), func(i int) { pictures[i], failed[i] = t.picture(records[i]) }); err != nil {
		return err
	}
	for _, err := range failed {
		if err != nil {
			return err // it was good when it was read before
		}
	}
	var err error
	t.first = first
	t.batch, err = t.m.EncodeImages(t.ctx, pictures)
	t.skips.line.Count(t.encoded(first + len(records)))
	return err
}
