package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loopitr/loopitr/checkpoint"
	"github.com/loopitr/loopitr/infer"
	"github.com/loopitr/loopitr/network"
	"github.com/loopitr/loopitr/pixels"
	"github.com/loopitr/loopitr/wordpiece"
)

// square is one picture of the test data.
type square struct {
	file, caption, split string
	ball, ground         color.RGBA
}

// squares are sixteen pictures: a ball of one of four colours on one of four grounds.
func squares() []square {
	colours := []struct {
		name string
		rgb  color.RGBA
	}{{"red", color.RGBA{220, 30, 30, 255}}, {"green", color.RGBA{30, 180, 30, 255}}, {"blue", color.RGBA{30, 30, 220, 255}}, {"yellow", color.RGBA{230, 220, 30, 255}}}
	grounds := []struct {
		name string
		rgb  color.RGBA
	}{{"snow", color.RGBA{250, 250, 250, 255}}, {"night", color.RGBA{10, 10, 10, 255}}, {"sand", color.RGBA{200, 170, 120, 255}}, {"fog", color.RGBA{128, 128, 128, 255}}}
	splits := []string{"train", "train", "val", "test"}
	var all []square
	for i, c := range colours {
		for j, g := range grounds {
			all = append(all, square{
				file: c.name + "-" + g.name + ".png", caption: c.name + " ball in the " + g.name,
				split: splits[(i+j)%4], ball: c.rgb, ground: g.rgb,
			})
		}
	}
	return all
}

func (s square) png() []byte {
	m := image.NewRGBA(image.Rect(0, 0, 32, 32))
	draw.Draw(m, m.Bounds(), image.NewUniform(s.ground), image.Point{}, draw.Src)
	draw.Draw(m, image.Rect(8, 8, 24, 24), image.NewUniform(s.ball), image.Point{}, draw.Src)
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// makeFixtures writes data/images, data/pairs.tsv and two models of random weights.
func makeFixtures(dir string) error {
	images := filepath.Join(dir, "data", "images")
	if err := os.MkdirAll(images, 0o755); err != nil {
		return err
	}
	var table strings.Builder
	table.WriteString("image\tcaption\tsplit\n")
	var captions []string
	for _, s := range squares() {
		if err := os.WriteFile(filepath.Join(images, s.file), s.png(), 0o644); err != nil {
			return err
		}
		fmt.Fprintf(&table, "%s\t%s\t%s\n", s.file, s.caption, s.split)
		captions = append(captions, s.caption)
	}
	if err := os.WriteFile(filepath.Join(dir, "data", "pairs.tsv"), []byte(table.String()), 0o644); err != nil {
		return err
	}
	for name, seed := range map[string]uint64{"model": 1, "other": 2} {
		if err := saveNano(filepath.Join(dir, name), captions, seed); err != nil {
			return err
		}
	}
	return makeHostile(dir)
}

// makeHostile writes what strangers may send: hostile/ with files that are called
// pictures, and models whose weights are not numbers or whose header lies.
func makeHostile(dir string) error {
	hostile := filepath.Join(dir, "data", "hostile")
	if err := os.MkdirAll(filepath.Join(hostile, "folder.jpg"), 0o755); err != nil {
		return err
	}
	good := squares()[0].png()
	huge := bytes.Clone(good) // the header alone says 30,000 x 20,000
	binary.BigEndian.PutUint32(huge[16:], 30_000)
	binary.BigEndian.PutUint32(huge[20:], 20_000)
	binary.BigEndian.PutUint32(huge[29:], crc32.ChecksumIEEE(huge[12:29]))
	for name, content := range map[string][]byte{
		"good.png": good, "truncated.png": good[:len(good)/2], "huge.png": huge, "empty.gif": nil, "words.jpg": []byte("words"),
		"captions.tsv": []byte("image\tcaption\ngood.png\ta red ball\ngood.png\tbad \xff\n"),
	} {
		if err := os.WriteFile(filepath.Join(hostile, name), content, 0o644); err != nil {
			return err
		}
	}
	for name, weights := range map[string]func([]byte){
		"nan": func(b []byte) { binary.LittleEndian.PutUint32(b[len(b)-4:], math.Float32bits(float32(math.NaN()))) },
		"lie": func(b []byte) { binary.LittleEndian.PutUint64(b, 1<<62) },
	} {
		to := filepath.Join(dir, name)
		if err := os.CopyFS(to, os.DirFS(filepath.Join(dir, "model"))); err != nil {
			return err
		}
		path := filepath.Join(to, "model.safetensors")
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		weights(content)
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// saveNano saves a Nano network with initial weights.
func saveNano(dir string, captions []string, seed uint64) error {
	rules := wordpiece.Plain()
	rules.MaxTokens = 8
	vocabulary, err := wordpiece.Train(slices.Values(captions), wordpiece.DefaultTrainConfig(rules))
	if err != nil {
		return err
	}
	net := network.Nano()
	net.Text.Vocabulary = vocabulary.Size()
	initial := network.Initial(net, seed)
	parts := checkpoint.Parts{Config: infer.Config{Network: net, Pixels: pixels.CLIP(net.Vision.ImageSize), Captions: rules}, Card: "# Balls\n"}
	for _, s := range infer.Shapes(net) {
		parts.Weights = append(parts.Weights, checkpoint.Tensor{Name: s.Name, Dims: s.Dims, Values: initial[s.Name]})
	}
	var text bytes.Buffer
	if _, err := vocabulary.WriteTo(&text); err != nil {
		return err
	}
	parts.Vocabulary = text.Bytes()
	return checkpoint.Save(dir, parts)
}
