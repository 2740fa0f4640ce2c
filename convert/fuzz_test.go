package convert_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/convert"
	"github.com/loopitr/loopitr/network"
)

// FuzzSideFiles imports a small tower with a stranger's files beside it. The files'
// readers are all that stands behind them; those of weights are fuzzed where they are.
func FuzzSideFiles(f *testing.F) {
	weights, err := os.ReadFile("testdata/vit_classifier/model.safetensors")
	if err != nil {
		f.Fatal(err)
	}
	read := func(path string) []byte {
		raw, err := os.ReadFile(filepath.Join("testdata", path))
		if err != nil {
			f.Fatal(err)
		}
		return raw
	}
	index := []byte(`{"weight_map":{"vit.layernorm.bias":"model.safetensors"}}`)
	f.Add(read("vit_classifier/config.json"), []byte(`{"image_mean":[0.5,0.5,0.5],"image_std":[0.5,0,0.5]}`), read("vit_classifier/vocab.txt"), []byte{})
	f.Add([]byte(`{"num_attention_heads":2,"layer_norm_eps":1e300}`), []byte(`{}`), []byte("[PAD]\n"), index)
	f.Add([]byte(`{"num_attention_heads":-1,"hidden_act":"relu","vision_config":{"vision_config":null}}`), []byte(`[]`), []byte{}, []byte(`{"weight_map":{"a":"../b"}}`))
	f.Fuzz(func(t *testing.T, config, pictures, words, index []byte) {
		dir := t.TempDir()
		write := func(name string, content []byte) {
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		write("model.safetensors", weights)
		write("config.json", config)
		write("preprocessor_config.json", pictures)
		if len(index) > 0 {
			write("model.safetensors.index.json", index)
		}
		c := convert.Config{Vocabulary: words, Around: convert.Around{Network: network.Nano()}}
		_, err := convert.Import(t.Context(), dir, filepath.Join(dir, "model"), c)
		for _, kind := range []error{loopitr.ErrInvalid, loopitr.ErrCorrupt, loopitr.ErrNotFound} {
			if err == nil || errors.Is(err, kind) {
				return
			}
		}
		t.Errorf("error of no kind: %v", err)
	})
}

// FuzzTokenizer reads the vocabulary of a tokenizer.json.
func FuzzTokenizer(f *testing.F) {
	f.Add([]byte(`{"model":{"type":"WordPiece","vocab":{"[PAD]":0,"[UNK]":1,"[CLS]":2,"[SEP]":3,"[MASK]":4,"a":5}}}`))
	f.Add([]byte(`{"model":{"type":"WordPiece","vocab":{"a":0,"b":0}}}`))
	f.Add([]byte(`{"model":{"type":"BPE","vocab":{}}}`))
	f.Add([]byte(`{"model":{"type":"WordPiece","vocab":{"a":-1}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		text, err := convert.WordPieces(raw)
		if err != nil && !errors.Is(err, loopitr.ErrCorrupt) && !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("error of no kind: %v", err)
		}
		if err == nil && len(text) == 0 {
			t.Error("neither a vocabulary nor an error")
		}
	})
}
