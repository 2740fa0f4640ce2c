package sqlite

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/loopitr/loopitr"
)

// block is every vector of a generation as int8, contiguous, in ascending order
// of content id: row r of content ids[r] is codes[r*dimensions:] times scales[r],
// off by a vector of length at most errors[r]. It costs dimensions+16 bytes a
// picture.
//
// Rows are only ever appended or the whole is made anew, so a copy of the struct
// stays valid while another goroutine loads more.
type block struct {
	dimensions     int
	changes, epoch int64 // as of which the block is complete
	dropped        int64 // the last entry of dropped that was heeded
	reached        int64 // the highest content id loaded, gone since or not
	ids            []int64
	codes          []int8
	scales, errors []float32
}

func (b *block) rows() int { return len(b.ids) }

func (b *block) row(r int) []int8 { return b.codes[r*b.dimensions : (r+1)*b.dimensions] }

// add quantises a vector into a new row.
func (b *block) add(id int64, v loopitr.Vector) {
	scale := scaleOf(v)
	inverse := inverseOf(scale)
	var squares float64
	for _, value := range v {
		code := quantise(value, inverse)
		b.codes = append(b.codes, code)
		e := float64(value) - float64(scale)*float64(code)
		squares += e * e
	}
	b.ids, b.reached = append(b.ids, id), id
	b.scales = append(b.scales, scale)
	b.errors = append(b.errors, roundUp(math.Sqrt(squares)))
}

// roundUp is the smallest float32 that is not below x, with room for the rounding
// of x itself: error bounds must never come out too small.
func roundUp(x float64) float32 {
	return math.Nextafter32(float32(x*(1+1e-12)), math.MaxFloat32)
}

// sync returns the block as of the transaction that q reads in. The transaction's
// first read happens in here, so no snapshot is older than what is loaded.
func (x *Index) sync(ctx context.Context, q queryer) (block, error) {
	x.syncing.Lock()
	defer x.syncing.Unlock()
	g, err := x.current(ctx, q)
	if err != nil {
		return block{}, err
	}
	b := x.loaded
	if b.changes == g.changes && b.epoch == g.epoch {
		return b, nil
	}
	if b.epoch != g.epoch || b.dimensions != g.dimensions {
		b = block{dimensions: g.dimensions}
	}
	if g.dimensions > 0 {
		for _, step := range []func(context.Context, queryer, generation) error{b.loadSegments, b.loadTail, b.drop} {
			if err := step(ctx, q, g); err != nil {
				return block{}, err
			}
		}
	}
	b.changes, b.epoch = g.changes, g.epoch
	x.loaded = b
	return b, nil
}

// loadTail appends the contents behind the block that are in no segment.
func (b *block) loadTail(ctx context.Context, q queryer, g generation) error {
	return b.loadContents(ctx, q, g, math.MaxInt64)
}

// loadContents appends the contents behind the block, up to and with the id until,
// from their own rows.
func (b *block) loadContents(ctx context.Context, q queryer, g generation, until int64) error {
	// The length is checked before the blob is read.
	rows, err := q.QueryContext(ctx, g.sql(`SELECT id, CASE WHEN length(vector) = ? THEN vector END FROM contents_$g
		WHERE id > ? AND id <= ? ORDER BY id`), vectorBytes(g.dimensions), b.reached, until)
	if err != nil {
		return err
	}
	defer rows.Close()
	v := make(loopitr.Vector, g.dimensions)
	for rows.Next() {
		var id int64
		var blob []byte
		if err := rows.Scan(&id, &blob); err != nil {
			return err
		}
		if err := decodeVector(v, blob); err != nil {
			return fmt.Errorf("content %d: %w", id, err)
		}
		if err := checkUnit(v); err != nil {
			return corrupt("content %d: %v", id, err)
		}
		b.add(id, v)
	}
	return rows.Err()
}

// drop makes the block anew without the rows whose contents are gone.
func (b *block) drop(ctx context.Context, q queryer, g generation) error {
	rows, err := q.QueryContext(ctx, g.sql("SELECT id, content FROM dropped_$g WHERE id > ? ORDER BY id"), b.dropped)
	if err != nil {
		return err
	}
	defer rows.Close()
	gone := map[int64]bool{}
	for rows.Next() {
		var content int64
		if err := rows.Scan(&b.dropped, &content); err != nil {
			return err
		}
		gone[content] = true
	}
	if err := rows.Err(); err != nil || len(gone) == 0 {
		return err
	}
	kept := *b
	kept.ids, kept.codes, kept.scales, kept.errors = nil, nil, nil, nil
	kept.grow(b.rows())
	for r, id := range b.ids {
		if !gone[id] {
			kept.ids = append(kept.ids, id)
			kept.codes = append(kept.codes, b.row(r)...)
			kept.scales = append(kept.scales, b.scales[r])
			kept.errors = append(kept.errors, b.errors[r])
		}
	}
	*b = kept
	return nil
}

// grow makes room for more rows.
func (b *block) grow(rows int) {
	b.ids = slices.Grow(b.ids, rows)
	b.codes = slices.Grow(b.codes, rows*b.dimensions)
	b.scales = slices.Grow(b.scales, rows)
	b.errors = slices.Grow(b.errors, rows)
}
