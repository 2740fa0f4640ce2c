package sqlite

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/loopitr/loopitr"
)

// BenchmarkScan scans vectors in memory and reports how many would be scored again
// for 16 neighbours: vectors without order, and vectors around 1,000 centres.
func BenchmarkScan(b *testing.B) {
	const dimensions = 256
	for _, n := range []int{10_000, 1_000_000} {
		for name, spread := range map[string]float64{"random": 1e6, "clustered": 0.65} {
			b.Run(fmt.Sprintf("%d/%s", n, name), func(b *testing.B) {
				r := rand.New(rand.NewPCG(5, 6))
				draw := func() loopitr.Vector {
					centre := rand.New(rand.NewPCG(uint64(r.IntN(1000)), 7))
					v := make(loopitr.Vector, dimensions)
					var squares float64
					for i := range v {
						v[i] = float32(centre.NormFloat64() + spread*r.NormFloat64())
						squares += float64(v[i]) * float64(v[i])
					}
					for i := range v {
						v[i] /= float32(math.Sqrt(squares))
					}
					return v
				}
				vectors := block{dimensions: dimensions}
				vectors.grow(n)
				for id := range n {
					vectors.add(int64(id+1), draw())
				}
				candidates, queries := 0, 0
				for b.Loop() {
					q := newProbe(draw())
					found, err := vectors.scan(b.Context(), &q, nil, 16)
					if err != nil {
						b.Fatal(err)
					}
					candidates += len(found)
					queries++
				}
				b.SetBytes(int64(n * dimensions))
				b.ReportMetric(float64(candidates)/float64(queries), "candidates/op")
			})
		}
	}
}
