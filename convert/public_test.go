package convert_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/loopitr/loopitr/checkpoint"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/convert"
	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/network"
	"github.com/loopitr/loopitr/pixels"
	"github.com/loopitr/loopitr/wordpiece"
)

// tokenizerOf reads a model's captions as the model does.
func tokenizerOf(t *testing.T, dir string, rules wordpiece.Rules) *wordpiece.Tokenizer {
	t.Helper()
	m, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	v, err := wordpiece.ReadVocabulary(bytes.NewReader(m.Vocabulary()))
	if err != nil {
		t.Fatal(err)
	}
	tokenizer, err := wordpiece.New(v, rules)
	if err != nil {
		t.Fatal(err)
	}
	return tokenizer
}

func idsOf(tokenizer *wordpiece.Tokenizer, caption string) engine.Tensor {
	var ids []int64
	for _, id := range tokenizer.Encode(caption) {
		ids = append(ids, int64(id))
	}
	return engine.Ints(ids, 1, len(ids))
}

// A real pretrained text tower gives the sentence embeddings that Hugging Face's code
// gives (scripts/golden/minilm.py).
func TestMiniLMGivesTheReferenceEmbeddings(t *testing.T) {
	source := os.Getenv("LOOPITR_MINILM")
	if source == "" {
		t.Skip("LOOPITR_MINILM names no folder with the weights: scripts/minilm.sh fetches them")
	}
	f, err := safetensors.Open("testdata/minilm.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var sentences []string
	if err := json.Unmarshal([]byte(f.Metadata()["sentences"]), &sentences); err != nil {
		t.Fatal(err)
	}
	stored, _ := f.Tensor("embeddings")
	want, err := stored.Float32()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "model")
	r, err := convert.Import(t.Context(), source, dir, convert.Config{Around: convert.Around{Network: network.Nano(), TextLayers: 6, CrossLayers: 1}})
	if err != nil {
		t.Fatal(err)
	}
	tokenizer, weights := tokenizerOf(t, dir, r.Model.Captions), loadWeights(t, dir, r.Model.Network)
	width := r.Model.Network.Text.Width
	eachEngine(t, func(t *testing.T, e *engine.Engine) {
		least := 1.0
		for i, s := range sentences {
			out := forward(t, e, r.Model.Network, weights, map[string]engine.Tensor{"ids": idsOf(tokenizer, s)}, func(n network.LoopITR, in map[string]*graph.Node) []*graph.Node {
				return []*graph.Node{graph.ReduceMean(n.Text(network.Captions{IDs: in["ids"]}), 1)}
			})
			cosine := cosine(out[0].Floats(), want[i*width:(i+1)*width])
			least = min(least, cosine)
			if !(cosine >= 0.99999) {
				t.Errorf("%.40q: cosine %v with the reference", s, cosine)
			}
		}
		t.Logf("least cosine of %d sentences: 1 - %.2g", len(sentences), 1-least)
	})
}

func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	return ab / math.Sqrt(aa*bb)
}

// The values that Hugging Face's converter of BLIP asserts: ids padded
// to 35 without a mask, [CLS] first, the picture demo.jpg of BLIP's authors.
func TestBLIPBaseCOCOGivesThePublishedValues(t *testing.T) {
	source := os.Getenv("LOOPITR_BLIP_BASE_COCO")
	if source == "" {
		t.Skip("LOOPITR_BLIP_BASE_COCO names no folder with blip-itm-base-coco and demo.jpg")
	}
	const (
		caption    = "a picture of a woman with a dog sitting in a beach"
		length     = 35
		wantCosine = 0.2110687494277954
		wantMatch  = 0.45698845386505127
		// Decoding and resizing equal Pillow's to the bit, which the converter used; an
		// older libjpeg may have decoded otherwise by a step of 255 here and there.
		near = 1e-3
	)
	encoded, err := os.ReadFile(filepath.Join(source, "demo.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "model")
	r, err := convert.Import(t.Context(), source, dir, convert.Config{First: convert.FirstClass})
	if err != nil {
		t.Fatal(err)
	}
	c := r.Model
	rgb, _, err := pixels.Prepare(encoded, c.Pixels)
	if err != nil {
		t.Fatal(err)
	}
	picture := make([]float32, len(rgb))
	pixels.Normalise(picture, rgb, c.Pixels)
	ids := idsOf(tokenizerOf(t, dir, c.Captions), caption).Ints()
	padded := make([]int64, length)
	copy(padded, ids)
	size := c.Pixels.Size
	inputs := map[string]engine.Tensor{"pictures": engine.Floats(picture, 1, size, size, 3), "ids": engine.Ints(padded, 1, length)}
	weights := loadWeights(t, dir, c.Network)
	eachEngine(t, func(t *testing.T, e *engine.Engine) {
		out := forward(t, e, c.Network, weights, inputs, func(n network.LoopITR, in map[string]*graph.Node) []*graph.Node {
			made := outputs(n, in)
			return []*graph.Node{made["cosine"], graph.Softmax(made["match"])}
		})
		if got := float64(out[0].Floats()[0]); !(math.Abs(got-wantCosine) <= near) {
			t.Errorf("cosine %v, want %v", got, wantCosine)
		}
		if got := float64(out[1].Floats()[1]); !(math.Abs(got-wantMatch) <= near) {
			t.Errorf("match probability %v, want %v", got, wantMatch)
		}
	})
}
