package pixels_test

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"testing"

	"github.com/loopitr/loopitr/pixels"
)

func TestColourOperationsEqualPillow(t *testing.T) {
	names := []string{"brightness", "contrast", "saturation", "hue"}
	for _, group := range readGolden(t).Colour {
		src, stack := readRGB(t, group.Source), readRGB(t, group.Want)
		for i, c := range group.Cases {
			t.Run(fmt.Sprintf("%s/%s-%g", path.Base(group.Source), c.Op, c.By), func(t *testing.T) {
				index := slices.Index(names, c.Op)
				if index < 0 {
					t.Fatalf("unknown operation %q", c.Op)
				}
				want := pixels.Image{Width: src.Width, Height: src.Height, RGB: stack.RGB[i*len(src.RGB):][:len(src.RGB)]}
				got := clone(src)
				pixels.ColourOperation(index, got, c.By)
				checkSame(t, got, want)
			})
		}
	}
}

// A caption that names a colour keeps its picture's hues; others lose them.
func TestHuesAreGuardedByTheCaption(t *testing.T) {
	picture := testPicture(size, size)
	for name, c := range map[string]pixels.AugmentConfig{
		"hue":      {Colour: pixels.ColourConfig{Share: 1, Hue: 0.5}},
		"grey":     {Colour: pixels.ColourConfig{Grey: 1}},
		"convolve": {Convolve: 1},
	} {
		a := newAugmenter(t, c)
		changed := 0
		for step := range uint64(100) {
			s := pixels.Sample{Picture: picture, Caption: "a dog runs", Seed: 7, Step: step}
			if !bytes.Equal(augmented(t, a, s), picture.RGB) {
				changed++
			}
			s.Caption = "a brown dog runs"
			if !bytes.Equal(augmented(t, a, s), picture.RGB) {
				t.Fatalf("%s: changed against its caption", name)
			}
		}
		if changed != 100 { // even no turn at all rounds
			t.Errorf("%s: %d of 100 changed", name, changed)
		}
	}
}

func TestMentionsColour(t *testing.T) {
	for caption, want := range map[string]bool{
		"":                          false,
		"A dog runs through snow":   false,
		"A man in a RED shirt.":     true,
		"a redhead":                 true,
		"predators in a greenhouse": false,
		"orange":                    true,
		"ein roter Ball":            true,
		"une robe verte":            true,
		"una manzana roja":          true,
		"maçã vermelha":             true,
		"mela rossa":                true,
		"красное яблоко":            true,
		"червоне яблуко":            true,
		"红苹果":                       true,
		"青リンゴ":                      true,
		"빨간 사과":                     true,
		"تفاحة حمراء":               true,
		"लाल सेब":                   true,
		"apel merah":                true,
	} {
		if got := pixels.MentionsColour(caption); got != want {
			t.Errorf("MentionsColour(%q) = %t, want %t", caption, got, want)
		}
	}
}
