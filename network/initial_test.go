package network_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loopitr/loopitr/network"
)

func TestInitialDependsOnSeedNameAndIndexOnly(t *testing.T) {
	c := network.Nano()
	a, b := network.Initial(c, 7), network.Initial(c, 7)
	if diff := cmp.Diff(a, b); diff != "" {
		t.Error("same seed, other values")
	}
	wider := c
	wider.Text.Layers, wider.Text.Vocabulary = 3, 600
	other := network.Initial(wider, 7)
	if diff := cmp.Diff(a["vision/patch/weight"], other["vision/patch/weight"]); diff != "" {
		t.Error("a value depends on other parameters")
	}
	word := other["text/embedding/word"]
	if diff := cmp.Diff(a["text/embedding/word"], word[:len(a["text/embedding/word"])]); diff != "" {
		t.Error("a value depends on its parameter's size")
	}
	if cmp.Equal(a["vision/patch/weight"], network.Initial(c, 8)["vision/patch/weight"]) {
		t.Error("another seed, same values")
	}
	if cmp.Equal(a["text/block_00/mlp/up/weight"], a["cross/block_00/mlp/up/weight"]) {
		t.Error("another name, same values")
	}
}

// Computed with Python's integers, by the formula in the comments of initial.go.
func TestInitialBits(t *testing.T) {
	c := network.Nano()
	c.InitDeviation = 0.02
	got := network.Initial(c, 7)["vision/cls"][:4]
	want := []float32{0.0191877745, -0.0126523683, 0.0194440931, -0.0122009758}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestInitialIsATruncatedNormal(t *testing.T) {
	c := network.Nano()
	c.InitDeviation = 0.02
	weights := network.Initial(c, 1)
	var values []float32
	for _, p := range c.Params() {
		w := weights[p.Name]
		if len(w) != p.Size() {
			t.Fatalf("%s: %d values, want %d", p.Name, len(w), p.Size())
		}
		switch p.Init {
		case network.InitNormal, network.InitDense, network.InitReading, network.InitPlace:
			spread := 1.0
			if p.Init == network.InitPlace {
				spread = 0.2
			} else if p.Init != network.InitNormal {
				spread = math.Sqrt(768 / float64(p.Shape[1]))
			}
			if p.Init == network.InitReading {
				spread *= 1.75
			}
			for _, v := range w {
				values = append(values, v/float32(spread))
			}
		case network.InitTemperature:
			if w[0] != 0.07 {
				t.Errorf("temperature starts at %v", w[0])
			}
		default:
			for _, v := range w {
				if v != float32(p.Init-network.InitZeros) {
					t.Fatalf("%s starts at %v", p.Name, v)
				}
			}
		}
	}
	var sum, squares, most float64
	for _, v := range values {
		sum += float64(v)
		squares += float64(v) * float64(v)
		most = max(most, math.Abs(float64(v)))
	}
	n := float64(len(values))
	// A normal cut at two deviations has deviation 0.8796 of the uncut one's.
	if mean, deviation := sum/n, math.Sqrt(squares/n); math.Abs(mean) > 2e-4 || math.Abs(deviation/0.02-0.8796) > 0.01 || most > 0.0400001 {
		t.Errorf("mean %g, deviation %g, largest %g", mean, deviation, most)
	}
}
