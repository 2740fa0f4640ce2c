package search

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"
	"sync/atomic"
	"time"

	"github.com/loopitr/loopitr"
)

// build is one run of Build. The walking goroutine owns nothing of it but what is
// atomic; all else belongs to the collecting one.
type build struct {
	BuildConfig
	report Report
	total  atomic.Int64
	gone   atomic.Bool // the index holds an item that has no file

	waiting    []loaded                // new contents, to be encoded
	bare       []loaded                // contents that are waiting, encoded or stored
	encoded    []loopitr.Entry         // to be put
	fresh      map[loopitr.Hash]string // contents of waiting and encoded: path
	refused    map[loopitr.Hash]error  // contents the encoder refused since the last commit
	moves      []loopitr.Move
	movedFrom  map[string]bool
	placed     map[string]bool // paths that get another item at the next commit
	deletes    []string
	broken     bool // a commit has failed: another one would as well
	lastCommit time.Time
	lastReport time.Time
}

// collect takes events in order until there are no more or ctx ends.
func (b *build) collect(ctx context.Context, events <-chan event) error {
	b.reset()
	for e := range events {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := b.take(ctx, e); err != nil {
			return err
		}
		if len(b.waiting) >= b.Batch {
			if err := b.encode(ctx); err != nil {
				return err
			}
		}
		if b.size() >= b.CommitItems || time.Since(b.lastCommit) >= b.CommitEvery {
			if err := b.flush(ctx); err != nil {
				return err
			}
		}
		b.progress(false)
	}
	return nil
}

func (b *build) size() int {
	return len(b.waiting) + len(b.bare) + len(b.encoded) + len(b.moves) + len(b.deletes)
}

func (b *build) reset() {
	b.bare, b.encoded, b.moves, b.deletes = nil, nil, nil, nil
	b.fresh, b.refused = map[loopitr.Hash]string{}, map[loopitr.Hash]error{}
	b.movedFrom, b.placed = map[string]bool{}, map[string]bool{}
	b.lastCommit = time.Now()
}

func (b *build) take(ctx context.Context, e event) error {
	if strings.HasSuffix(e.path, "/") {
		b.report.SkippedFolders++
		b.Skipped(Skip{e.path, e.err})
		return nil
	}
	b.report.Found++
	switch {
	case e.err != nil:
		b.skip(e.path, e.err)
		return nil
	case e.done == nil:
		b.report.Unchanged++
		return nil
	}
	var l loaded
	select {
	case l = <-e.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := ctx.Err(); err != nil { // what was loaded may be an echo of it
		return err
	}
	switch {
	case l.failed != nil:
		return l.failed
	case l.err != nil && l.unread && errors.Is(l.err, fs.ErrNotExist):
		b.report.Found-- // gone since the walk saw it
		b.gone.Store(true)
	case l.err != nil:
		b.refuse(l, l.err)
	default:
		return b.place(ctx, e, l)
	}
	return nil
}

func (b *build) skip(path string, err error) {
	b.report.SkippedFiles++
	b.Skipped(Skip{path, err})
}

// refuse skips a file; what the index holds of it goes if its bytes are known to
// be no picture.
func (b *build) refuse(l loaded, err error) {
	b.skip(l.item.Path, err)
	if l.stored && !l.unread {
		b.deletes = append(b.deletes, l.item.Path)
	}
}

// place decides what has to be done for a file whose content is known.
func (b *build) place(ctx context.Context, e event, l loaded) error {
	if b.movedFrom[e.path] { // a file came to where another is just moved from
		if err := b.flush(ctx); err != nil {
			return err
		}
	}
	b.placed[e.path] = true
	if _, fresh := b.fresh[l.item.Hash]; fresh {
		b.report.Duplicates++
		b.bare = append(b.bare, l)
		return nil
	}
	// Asked again: the loader looked before earlier files were committed.
	holders, err := b.holders(ctx, l.item.Hash)
	if err != nil {
		return err
	}
	if len(holders) > 0 {
		b.reuse(e, l, holders)
		return nil
	}
	if l.known { // and dropped since: the file has to be decoded after all
		switch l = b.load(ctx, e); {
		case l.failed != nil:
			return l.failed
		case l.err != nil:
			b.refuse(l, l.err)
			return nil
		case l.known: // another process has put it in the meantime
			b.report.Duplicates++
			b.bare = append(b.bare, l)
			return nil
		}
	}
	b.fresh[l.item.Hash] = e.path
	b.waiting = append(b.waiting, l)
	return nil
}

// holders lists the items with this content that the run may rely on.
func (b *build) holders(ctx context.Context, hash loopitr.Hash) ([]loopitr.Item, error) {
	all, err := b.Index.Holders(ctx, hash)
	return b.Shard.own(all), err
}

// reuse takes over an encoding that the index holds: of the same file, of one that
// is gone, or of another that is still there.
func (b *build) reuse(e event, l loaded, holders []loopitr.Item) {
	l.item.Facts = holders[0].Facts
	for _, h := range holders {
		if h.Path == e.path {
			b.report.Touched++
			b.bare = append(b.bare, l)
			return
		}
	}
	for _, h := range holders {
		if b.movedFrom[h.Path] || b.placed[h.Path] {
			continue
		}
		if _, err := fs.Stat(b.Folder, h.Path); errors.Is(err, fs.ErrNotExist) {
			b.movedFrom[h.Path] = true
			b.report.Moved++
			b.moves = append(b.moves, loopitr.Move{From: h.Path, To: l.item})
			return
		}
	}
	b.report.Duplicates++
	b.bare = append(b.bare, l)
}

// encode runs the encoder on what waits. Pictures that it refuses are found one by
// one and skipped; what it fails on otherwise goes on waiting.
func (b *build) encode(ctx context.Context) error {
	batch := b.waiting
	b.waiting = nil
	if len(batch) == 0 {
		return nil
	}
	encodings, err := b.encodeImages(ctx, batch)
	if errors.Is(err, loopitr.ErrInvalid) {
		for i, one := range batch {
			encodings, err := b.encodeImages(ctx, []loaded{one})
			if errors.Is(err, loopitr.ErrInvalid) {
				b.refused[one.item.Hash] = err
				b.refuse(one, err)
				continue
			}
			if err != nil {
				b.waiting = batch[i:]
				return err
			}
			b.keep(one, encodings[0])
		}
		return nil
	}
	if err != nil {
		b.waiting = batch
		return err
	}
	for i, one := range batch {
		b.keep(one, encodings[i])
	}
	return nil
}

func (b *build) keep(l loaded, e loopitr.Encoding) {
	b.report.Encoded++
	b.encoded = append(b.encoded, loopitr.Entry{Item: l.item, Encoding: e})
}

func (b *build) encodeImages(ctx context.Context, batch []loaded) ([]loopitr.Encoding, error) {
	pictures := make([]loopitr.Picture, len(batch))
	for i, l := range batch {
		pictures[i] = l.picture
	}
	encodings, err := b.Encoder.EncodeImages(ctx, pictures)
	if err != nil {
		return nil, err
	}
	if len(encodings) != len(batch) {
		panic(fmt.Sprintf("search: %d encodings of %d pictures", len(encodings), len(batch)))
	}
	for i, e := range encodings {
		for _, v := range e.Vector {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return nil, fmt.Errorf("encode %q: the vector holds %v: are the model's weights damaged?: %w",
					batch[i].item.Path, v, loopitr.ErrCorrupt)
			}
		}
	}
	return encodings, nil
}

// flush encodes what waits and commits all.
func (b *build) flush(ctx context.Context) error {
	if err := b.encode(ctx); err != nil {
		return err
	}
	return b.commit(ctx)
}

// commit stores what is encoded and all that needs no encoding, unless that has
// failed before for another reason than the end of ctx.
func (b *build) commit(ctx context.Context) error {
	if b.broken {
		return nil
	}
	err := b.store(ctx)
	b.broken = err != nil && ctx.Err() == nil
	return err
}

// store forgets each thing as it is stored, so that it can go on after ctx ended.
func (b *build) store(ctx context.Context) error {
	waits := map[loopitr.Hash]bool{}
	for _, l := range b.waiting {
		waits[l.item.Hash] = true
	}
	for _, l := range b.bare {
		if err := b.refused[l.item.Hash]; err != nil {
			b.report.Duplicates--
			b.refuse(l, err)
			continue
		}
		if !waits[l.item.Hash] { // only after a cancelled run
			b.encoded = append(b.encoded, loopitr.Entry{Item: l.item})
		}
	}
	b.bare = nil
	if len(b.encoded) > 0 {
		if err := b.Index.Put(ctx, b.encoded); err != nil {
			return err
		}
		b.encoded = nil
	}
	if len(b.moves) > 0 {
		if err := b.Index.Move(ctx, b.moves); err != nil {
			return err
		}
		b.moves = nil
	}
	if len(b.deletes) > 0 {
		n, err := b.Index.Delete(ctx, b.deletes)
		b.report.Removed += n
		if err != nil {
			return err
		}
	}
	b.reset()
	return nil
}

// quiet is how often at most progress is told.
const quiet = 100 * time.Millisecond

func (b *build) progress(always bool) {
	if always || time.Since(b.lastReport) >= quiet {
		b.lastReport = time.Now()
		b.Progress(Progress{Report: b.report, Total: int(b.total.Load())})
	}
}

// tidy makes facts what an index can keep: times as wall clock in UTC, because
// cameras write no zone, and no places that are not on earth.
func tidy(f loopitr.Facts) loopitr.Facts {
	if t := f.Taken; !t.IsZero() {
		f.Taken = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	}
	if p := f.Place; p != nil && !(math.Abs(p.Latitude) <= 90 && math.Abs(p.Longitude) <= 180) {
		f.Place = nil
	}
	f.Camera = strings.ToValidUTF8(strings.ReplaceAll(f.Camera, "\x00", ""), "")
	return f
}
