package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"path/filepath"
	"strings"
	"time"

	"github.com/loopitr/loopitr/internal/durable"
	"github.com/loopitr/loopitr/pixels"
	"github.com/soniakeys/quant/median"
)

// size is the side of every shipped picture; colours bounds its palette. 256
// colours keep all three artists, tar padding and captions under 25 MB where
// true colour takes 28 MB (measured 2026-11).
const (
	size    = 64
	colours = 256
)

// languages have their captions in captions.LANG.tsv beside the shards; English
// is in the shards themselves.
var languages = []string{"ar", "de", "es", "fr", "hi", "it", "ja", "ko", "pt", "ru", "uk", "zh"}

// shard is one tar file: one artist's pictures of some concepts.
type shard struct {
	name, artist string
	concepts     []concept
}

func shards(concepts []concept) []shard {
	validation, test := split(concepts)
	return []shard{
		{"train-00.tar", noto, concepts},
		{"train-01.tar", twemoji, concepts},
		{"val.tar", fluent, validation},
		{"test.tar", fluent, test},
	}
}

func (s shard) write(dir string) error {
	var out bytes.Buffer
	entries := tar.NewWriter(&out)
	for _, c := range s.concepts {
		picture, err := shrink(c.pictures[s.artist])
		if err != nil {
			return fmt.Errorf("picture %s/%s: %w", s.artist, c.key, err)
		}
		key := s.artist + "/" + c.key
		if err := addEntry(entries, key+".png", picture); err != nil {
			return err
		}
		if err := addEntry(entries, key+".txt", []byte(strings.Join(c.captions, "\n")+"\n")); err != nil {
			return err
		}
	}
	if err := entries.Close(); err != nil {
		return err
	}
	return durable.WriteBytes(filepath.Join(dir, s.name), out.Bytes())
}

// addEntry gives every entry the same date, so that the same packages always
// make the same bytes.
func addEntry(entries *tar.Writer, name string, content []byte) error {
	h := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
	if err := entries.WriteHeader(h); err != nil {
		return err
	}
	_, err := entries.Write(content)
	return err
}

// shrink returns the picture on white, size pixels wide, as a paletted PNG.
func shrink(encoded []byte) ([]byte, error) {
	decoded, _, err := pixels.Decode(encoded, pixels.DefaultMaxPixels)
	if err != nil {
		return nil, err
	}
	small, err := pixels.Resize(decoded, size, size)
	if err != nil {
		return nil, err
	}
	full := image.NewRGBA(image.Rect(0, 0, size, size))
	for i := range size * size {
		copy(full.Pix[4*i:], small.RGB[3*i:3*i+3])
		full.Pix[4*i+3] = 0xff
	}
	palette := median.Quantizer(colours).Quantize(make(color.Palette, 0, colours), full)
	paletted := image.NewPaletted(full.Bounds(), palette)
	draw.Draw(paletted, paletted.Bounds(), full, image.Point{}, draw.Src)
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	err = encoder.Encode(&out, paletted)
	return out.Bytes(), err
}

// writeCaptions writes captions.LANG.tsv: one row per caption, keyed by concept.
func writeCaptions(dir, language string, concepts []concept, files map[string][]byte) error {
	translated, err := annotations(files, language)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	out.WriteString("key\tcaption\n")
	for _, c := range concepts {
		for _, caption := range translated[c.text] {
			fmt.Fprintf(&out, "%s\t%s\n", c.key, strings.ReplaceAll(caption, "\t", " "))
		}
	}
	return durable.WriteBytes(filepath.Join(dir, "captions."+language+".tsv"), out.Bytes())
}
