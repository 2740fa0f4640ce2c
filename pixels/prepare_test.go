package pixels_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/pixels"
)

func TestPrepareIsDecodeAndResize(t *testing.T) {
	file := readFile(t, "decode/rgba.png")
	rgb, facts, err := pixels.Prepare(file, pixels.CLIP(16))
	if err != nil {
		t.Fatal(err)
	}
	want, err := pixels.Resize(readRGB(t, "decode/rgba.png.want.png"), 16, 16)
	if err != nil {
		t.Fatal(err)
	}
	checkSame(t, pixels.Image{Width: 16, Height: 16, RGB: rgb}, want)
	if facts.Width != 45 || facts.Height != 31 || facts.Format != "png" {
		t.Errorf("facts %+v", facts)
	}
}

func TestPrepareRefusesABadConfig(t *testing.T) {
	if _, _, err := pixels.Prepare(readFile(t, "decode/rgb.png"), pixels.Config{}); !errors.Is(err, loopitr.ErrInvalid) {
		t.Errorf("error %v, want ErrInvalid", err)
	}
}

func TestConfigValidateNamesTheField(t *testing.T) {
	nan := float32(math.NaN())
	for field, spoil := range map[string]func(*pixels.Config){
		"size 0":                func(c *pixels.Config) { c.Size = 0 },
		"size 20000":            func(c *pixels.Config) { c.Size = 20_000 },
		`fit "stretch"`:         func(c *pixels.Config) { c.Fit = "stretch" },
		"max_pixels -1":         func(c *pixels.Config) { c.MaxPixels = -1 },
		"max_pixels 1073741825": func(c *pixels.Config) { c.MaxPixels = 1<<30 + 1 },
		"mean [NaN 0.5 0.5]":    func(c *pixels.Config) { c.Mean[0] = nan },
		"std [0.5 0 0.5]":       func(c *pixels.Config) { c.Std[1] = 0 },
		"std [0.5 0.5 NaN]":     func(c *pixels.Config) { c.Std[2] = nan },
	} {
		c := pixels.Half(32)
		spoil(&c)
		err := c.Validate()
		if !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), field) {
			t.Errorf("error %v, want ErrInvalid that names %s", err, field)
		}
	}
	for _, c := range []pixels.Config{pixels.CLIP(384), pixels.Half(64)} {
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
	}
}

func TestConfigSurvivesJSON(t *testing.T) {
	b, err := json.Marshal(pixels.CLIP(256))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{`"size":256`, `"fit":"squash"`, `"mean":[0.4814546`, `"std":[`, `"max_pixels":89478485`} {
		if !bytes.Contains(b, []byte(key)) {
			t.Errorf("%s lacks %s", b, key)
		}
	}
	var back pixels.Config
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(pixels.CLIP(256), back); d != "" {
		t.Error(d)
	}
}

func TestNormaliseByHand(t *testing.T) {
	got := make([]float32, 6)
	pixels.Normalise(got, []uint8{0, 255, 51, 255, 0, 204}, pixels.Half(1))
	if d := cmp.Diff([]float32{-1, 1, -0.6, 1, -1, 0.6}, got, within(1e-6)); d != "" {
		t.Error(d)
	}
	// (0/255 - 0.48145466)/0.26862954, (128/255 - 0.4578275)/0.26130258, (255/255 - 0.40821073)/0.27577711
	got = got[:3]
	pixels.Normalise(got, []uint8{0, 128, 255}, pixels.CLIP(1))
	if d := cmp.Diff([]float32{-1.7922626, 0.16889556, 2.1458969}, got, within(1e-5)); d != "" {
		t.Error(d)
	}
}

func within(tolerance float64) cmp.Option {
	return cmp.Comparer(func(a, b float32) bool { return math.Abs(float64(a)-float64(b)) <= tolerance })
}
