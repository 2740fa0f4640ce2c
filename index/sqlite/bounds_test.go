package sqlite

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/internal/simd"
)

// drawUnit draws unit vectors of every shape: dense, sparse, with one large value,
// with values that do not count at all.
func drawUnit(t *rapid.T, dimensions int) loopitr.Vector {
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	power := rapid.SampledFrom([]float64{0, 1, 5, 30}).Draw(t, "power")
	v := make(loopitr.Vector, dimensions)
	var squares float64
	for i := range v {
		v[i] = float32(r.NormFloat64() * math.Pow(r.Float64(), power))
		squares += float64(v[i]) * float64(v[i])
	}
	if squares == 0 {
		v[0], squares = 1, 1
	}
	for i := range v {
		v[i] = float32(float64(v[i]) / math.Sqrt(squares))
	}
	return v
}

// TestBoundsHold is the proof of scan.go as a test: no cosine lies outside the
// bounds, so no neighbour can be missed.
func TestBoundsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dimensions := rapid.IntRange(1, 300).Draw(t, "dimensions")
		q, v := drawUnit(t, dimensions), drawUnit(t, dimensions)
		if rapid.IntRange(0, 3).Draw(t, "equal") == 0 {
			v = q
		}
		b := block{dimensions: dimensions}
		b.add(1, v)
		probe := newProbe(q)
		products := make([]int32, 1)
		simd.DotInt8(products, probe.codes, b.codes)
		exact := float64(float32(cosine(q, v)))
		rough, fine := probe.rough(&b, 0, products[0]), probe.fine(&b, 0)
		for name, c := range map[string]candidate{"rough": rough, "fine": fine} {
			if exact < c.lower() || exact > c.upper() {
				t.Errorf("%s: cosine %v is outside %v..%v", name, exact, c.lower(), c.upper())
			}
		}
		if most := 0.5 * math.Sqrt(float64(dimensions)) / 127; fine.radius > 1.1*most+1e-6 {
			t.Errorf("radius %v, want at most %v", fine.radius, most)
		}
	})
}

func TestShortlistKeepsTheBest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := shortlist{count: rapid.IntRange(1, 20).Draw(t, "count")}
		all := rapid.SliceOfN(rapid.Float64Range(-1, 1), 0, 3000).Draw(t, "middles")
		for r, middle := range all {
			s.offer(candidate{row: r, middle: middle, radius: 0.01})
		}
		s.prune()
		kept := map[int]bool{}
		for _, c := range s.rows {
			kept[c.row] = true
		}
		for r, middle := range all {
			above := 0
			for _, other := range all {
				if other-0.01 > middle+0.01 {
					above++
				}
			}
			if want := above < s.count; kept[r] != want {
				t.Fatalf("row %d with %d surely above it: kept %v", r, above, kept[r])
			}
		}
	})
}

// TestFloat16 goes through all 65,536 codes and the rounding between them.
func TestFloat16(t *testing.T) {
	for code := range 1 << 16 {
		h := uint16(code)
		v := fromFloat16(h)
		if exponent := h >> 10 & 31; exponent == 31 {
			continue // infinities and NaN are never written
		}
		if got := toFloat16(v); got != h {
			t.Fatalf("code %#04x is %v, which becomes %#04x", h, v, got)
		}
		next := fromFloat16(h + 1)
		if h&0x7fff == 0x7bff {
			continue
		}
		middle := float32((float64(v) + float64(next)) / 2)
		if got := toFloat16(middle); got != h+h&1 {
			t.Fatalf("%v between %#04x and %#04x becomes %#04x, not the even one", middle, h, h+1, got)
		}
		if got := toFloat16(math.Nextafter32(middle, v)); got != h {
			t.Fatalf("just on this side of %v becomes %#04x, want %#04x", middle, got, h)
		}
	}
	for v, want := range map[float32]float32{1: 1, 0.1: 0.099975586, 1e9: 65504, -1e9: -65504, 65519: 65504, 1e-9: 0, 0x1p-24: 0x1p-24} {
		if got := fromFloat16(toFloat16(v)); got != want {
			t.Errorf("%v becomes %v, want %v", v, got, want)
		}
	}
}

func TestTokensComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := loopitr.States{Count: rapid.IntRange(0, 5).Draw(t, "count"), Width: rapid.IntRange(1, 9).Draw(t, "width")}
		s.Values = rapid.SliceOfN(rapid.Float32Range(-1000, 1000), s.Count*s.Width, s.Count*s.Width).Draw(t, "values")
		for kind, precision := range map[Tokens]float64{Int8Tokens: 0.5 / 127 * 1.001, Float16Tokens: 0x1p-11} {
			got, err := decodeTokens(encodeTokens(kind, s))
			if err != nil {
				t.Fatal(err)
			}
			if got.Count != s.Count || got.Width != s.Width || len(got.Values) != len(s.Values) {
				t.Fatalf("%d x %d with %d values, want %d x %d", got.Count, got.Width, len(got.Values), s.Count, s.Width)
			}
			for i, v := range s.Values {
				row := s.Values[i/s.Width*s.Width : (i/s.Width+1)*s.Width]
				if math.Abs(float64(got.Values[i]-v)) > precision*127*float64(scaleOf(row))+0x1p-25 {
					t.Errorf("kind %d: %v becomes %v", kind, v, got.Values[i])
				}
			}
		}
	})
}

func FuzzDecodeTokens(f *testing.F) {
	s := loopitr.States{Count: 2, Width: 3, Values: []float32{1, 2, 3, -4, 5, 6}}
	for _, kind := range []Tokens{Int8Tokens, Float16Tokens} {
		blob := encodeTokens(kind, s)
		f.Add(blob[:len(blob)-4])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := decodeTokens(seal(body))
		if err == nil && len(s.Values) != s.Count*s.Width {
			t.Errorf("%d x %d with %d values", s.Count, s.Width, len(s.Values))
		}
		b := block{dimensions: 3}
		if err := b.addSegment(seal(body)); err == nil && len(b.codes) != 3*b.rows() {
			t.Errorf("%d rows with %d codes", b.rows(), len(b.codes))
		}
	})
}
