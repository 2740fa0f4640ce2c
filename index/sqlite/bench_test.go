package sqlite_test

import (
	"crypto/sha256"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/index/sqlite"
)

const benchDimensions = 256

// benchVector lies around one of 100 centres, as pictures of one kind do: the
// cosine of two of a kind is about 0.7.
func benchVector(r *rand.Rand, centres []loopitr.Vector) loopitr.Vector {
	v := make(loopitr.Vector, benchDimensions)
	centre := centres[r.IntN(len(centres))]
	var squares float64
	for i := range v {
		v[i] = centre[i] + 0.65*float32(r.NormFloat64())/16
		squares += float64(v[i]) * float64(v[i])
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(squares))
	}
	return v
}

func benchCentres(r *rand.Rand) []loopitr.Vector {
	centres := make([]loopitr.Vector, 100)
	for c := range centres {
		centres[c] = make(loopitr.Vector, benchDimensions)
		for i := range centres[c] {
			centres[c][i] = float32(r.NormFloat64()) / 16
		}
	}
	return centres
}

// benchIndex makes an index file of n pictures once a process.
func benchIndex(b *testing.B, n int) (path string, queries []loopitr.Vector) {
	b.Helper()
	path = filepath.Join(b.TempDir(), "index.db")
	x, err := sqlite.Open(b.Context(), path, sqlite.Config{Fingerprint: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	centres := benchCentres(r)
	var entries []loopitr.Entry
	for i := range n {
		e := loopitr.Entry{Encoding: loopitr.Encoding{Vector: benchVector(r, centres)}}
		e.Path = fmt.Sprintf("2024/%02d/IMG_%06d.jpg", i%12, i)
		e.Hash = sha256.Sum256([]byte(e.Path))
		e.Facts = loopitr.Facts{Width: 4000, Height: 3000, Format: "jpeg", Camera: []string{"Canon EOS 5D", "Pixel 8"}[i%2]}
		if entries = append(entries, e); len(entries) == 5000 || i == n-1 {
			if err := x.Put(b.Context(), entries); err != nil {
				b.Fatal(err)
			}
			entries = entries[:0]
		}
	}
	if err := x.Close(); err != nil {
		b.Fatal(err)
	}
	for range 50 {
		queries = append(queries, benchVector(r, centres))
	}
	return path, queries
}

// BenchmarkCold opens an index, searches once and closes it, as a command does.
func BenchmarkCold(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			path, queries := benchIndex(b, n)
			for b.Loop() {
				x, err := sqlite.Open(b.Context(), path, sqlite.Config{Fingerprint: "bench", ReadOnly: true})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := x.Nearest(b.Context(), loopitr.Lookup{Vector: queries[0], Count: 16}); err != nil {
					b.Fatal(err)
				}
				if err := x.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkNearest searches an open index.
func BenchmarkNearest(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		path, queries := benchIndex(b, n)
		x, err := sqlite.Open(b.Context(), path, sqlite.Config{Fingerprint: "bench", ReadOnly: true})
		if err != nil {
			b.Fatal(err)
		}
		for name, filter := range map[string]loopitr.Filter{
			"all":    {},
			"camera": {Require: loopitr.Conditions{Camera: []string{"canon"}}},
			"folder": {Require: loopitr.Conditions{Path: []string{"2024/03"}}},
		} {
			b.Run(fmt.Sprintf("%d/%s", n, name), func(b *testing.B) {
				for i := 0; b.Loop(); i++ {
					l := loopitr.Lookup{Vector: queries[i%len(queries)], Filter: filter, Count: 16}
					if _, err := x.Nearest(b.Context(), l); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		if err := x.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
