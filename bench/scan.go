package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/index/sqlite"
)

// ours is who does what no engine does.
const ours = "loopitr"

// The scan row: so many queries for so many neighbours.
const (
	scanQueries = 16
	scanCount   = 10
)

// scan searches an index with everything that a search does. Faiss scans its flat
// int8 form of vectors of the same kind, all queries in one call.
func (s *session) scan() row {
	rows, width := 1_000_000, 256
	if s.Short {
		rows, width = 200, 16
	}
	open := func(ctx context.Context) (work, error) {
		folder, err := os.MkdirTemp("", "loopitr-bench-")
		if err != nil {
			return nil, err
		}
		x, err := sqlite.Open(ctx, filepath.Join(folder, "index.db"), sqlite.Config{Fingerprint: "bench"})
		if err != nil {
			return nil, errors.Join(err, os.RemoveAll(folder))
		}
		draw := around(width)
		if err := fill(ctx, x, rows, func(e *loopitr.Entry) { e.Vector = draw() }); err != nil {
			return nil, errors.Join(err, x.Close(), os.RemoveAll(folder))
		}
		queries := make([]loopitr.Vector, scanQueries)
		for i := range queries {
			queries[i] = draw()
		}
		return local{
			once: func(ctx context.Context) error {
				for _, q := range queries {
					if _, err := x.Nearest(ctx, loopitr.Lookup{Vector: q, Count: scanCount}); err != nil {
						return err
					}
				}
				return nil
			},
			end: func() error { return errors.Join(x.Close(), os.RemoveAll(folder)) },
		}, nil
	}
	return row{
		name: rowScan, size: fmt.Sprintf("%d vectors of %d, %d queries", rows, width, scanQueries), unit: "queries", amount: scanQueries,
		array: float64(rows * width), passes: scanQueries, // vectors as int8
		offers: append([]offer{{name: ours, open: open}},
			s.peer(peerFaiss, rowScan, map[string]any{"rows": rows, "width": width, "queries": scanQueries, "count": scanCount})...),
	}
}

// around draws unit vectors around 100 centres, the cosine of two around one being
// about 0.7.
func around(width int) (draw func() loopitr.Vector) {
	r := rand.New(rand.NewPCG(1, 2))
	centres := make([]loopitr.Vector, 100)
	for i := range centres {
		centres[i] = make(loopitr.Vector, width)
		for d := range centres[i] {
			centres[i][d] = float32(r.NormFloat64())
		}
	}
	return func() loopitr.Vector {
		v, centre := make(loopitr.Vector, width), centres[r.IntN(len(centres))]
		var squares float64
		for d := range v {
			v[d] = centre[d] + 0.65*float32(r.NormFloat64())
			squares += float64(v[d]) * float64(v[d])
		}
		for d := range v {
			v[d] /= float32(math.Sqrt(squares))
		}
		return v
	}
}

// fill puts rows entries, each encoded by encode, into an index.
func fill(ctx context.Context, x *sqlite.Index, rows int, encode func(e *loopitr.Entry)) error {
	const batch = 5000
	for at := 0; at < rows; at += batch {
		entries := make([]loopitr.Entry, min(batch, rows-at))
		for i := range entries {
			entries[i].Path = fmt.Sprintf("%04d/%08d.jpg", at/batch, at+i)
			binary.LittleEndian.PutUint64(entries[i].Hash[:], uint64(at+i+1))
			encode(&entries[i])
		}
		if err := x.Put(ctx, entries); err != nil {
			return err
		}
	}
	return nil
}
