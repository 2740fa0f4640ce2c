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
// off by a vector of length errors[r]. It costs dimensions+16 bytes a picture.
//
// Rows are only ever appended or the whole is made anew, so a copy of the struct
// stays valid while another goroutine loads more.
type block struct {
	dimensions       int
	changes, removed int64 // as of which the block is complete
	ids              []int64
	codes            []int8
	scales, errors   []float32
}

func (b *block) rows() int { return len(b.ids) }

func (b *block) row(r int) []int8 { return b.codes[r*b.dimensions : (r+1)*b.dimensions] }

// add quantises a vector into a new row.
func (b *block) add(id int64, v loopitr.Vector) {
	scale := scaleOf(v)
	var squares float64
	for _, value := range v {
		code := quantise(value, scale)
		b.codes = append(b.codes, code)
		e := float64(value) - float64(scale)*float64(code)
		squares += e * e
	}
	b.ids = append(b.ids, id)
	b.scales = append(b.scales, scale)
	b.errors = append(b.errors, roundUp(math.Sqrt(squares)))
}

// roundUp is the smallest float32 that is not below x, with room for the rounding
// of x itself: error bounds must never come out too small.
func roundUp(x float64) float32 {
	return math.Nextafter32(float32(x*(1+1e-12)), math.MaxFloat32)
}

// sync returns the block as of the transaction that q reads in.
func (x *Index) sync(ctx context.Context, q queryer) (block, error) {
	x.syncing.Lock()
	defer x.syncing.Unlock()
	g, err := x.current(ctx, q)
	if err != nil {
		return block{}, err
	}
	b := x.loaded
	if b.changes == g.changes && b.dimensions == g.dimensions {
		return b, nil
	}
	if b.changes > g.changes || b.dimensions != g.dimensions {
		// Another search has seen a later state than this one's snapshot, or
		// nothing is loaded yet.
		b = block{dimensions: g.dimensions}
	}
	if b.rows() > 0 && b.removed != g.removed {
		if err := b.drop(ctx, q, g); err != nil {
			return block{}, err
		}
	}
	if err := b.load(ctx, q, g); err != nil {
		return block{}, err
	}
	b.changes, b.removed = g.changes, g.removed
	if b.changes >= x.loaded.changes {
		x.loaded = b
	}
	return b, nil
}

// load appends the contents that are newer than the block.
func (b *block) load(ctx context.Context, q queryer, g generation) error {
	if g.dimensions == 0 {
		return nil
	}
	last := int64(0)
	if n := b.rows(); n > 0 {
		last = b.ids[n-1]
	}
	// The length is checked before the blob is read.
	rows, err := q.QueryContext(ctx, g.sql("SELECT id, CASE WHEN length(vector) = ? THEN vector END FROM contents_$g WHERE id > ? ORDER BY id"),
		vectorBytes(g.dimensions), last)
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
	// The index on hash is a tenth of the table and holds all ids.
	rows, err := q.QueryContext(ctx, g.sql("SELECT id FROM contents_$g WHERE id <= ?"), b.ids[b.rows()-1])
	if err != nil {
		return err
	}
	defer rows.Close()
	var live []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return err
		}
		live = append(live, id)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	slices.Sort(live)
	kept := block{dimensions: b.dimensions}
	for r, id := range b.ids {
		if _, found := slices.BinarySearch(live, id); found {
			kept.ids = append(kept.ids, id)
			kept.codes = append(kept.codes, b.row(r)...)
			kept.scales = append(kept.scales, b.scales[r])
			kept.errors = append(kept.errors, b.errors[r])
		}
	}
	*b = kept
	return nil
}
