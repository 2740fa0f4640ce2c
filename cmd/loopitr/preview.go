package main

import (
	"fmt"
	"image"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loopitr/loopitr/internal/terminal"
	"github.com/loopitr/loopitr/pixels"
	"github.com/spf13/pflag"
)

// previewFlags are whether and how pictures are drawn in the terminal.
type previewFlags struct {
	mode   previewMode
	height int
}

// previewMode is a flag: a protocol, or "auto".
type previewMode string

const autoPreview previewMode = "auto"

// String writes the flag as Set reads it.
func (m *previewMode) String() string { return string(*m) }

func previewModes() []string {
	all := []string{string(autoPreview)}
	for _, p := range []terminal.Protocol{terminal.Kitty, terminal.ITerm, terminal.Sixel, terminal.Off} {
		all = append(all, string(p))
	}
	return all
}

// Set reads one of previewModes.
func (m *previewMode) Set(text string) error {
	if !slices.Contains(previewModes(), text) {
		return fmt.Errorf("%q is none of %s", text, strings.Join(previewModes(), ", "))
	}
	*m = previewMode(text)
	return nil
}

// Type names the flag's value in the help.
func (m *previewMode) Type() string { return strings.Join(previewModes(), "|") }

func (f *previewFlags) register(flags *pflag.FlagSet) {
	f.mode = autoPreview
	flags.Var(&f.mode, "preview", "draw hits in the terminal; auto draws where the terminal is known to")
	flags.IntVar(&f.height, "preview-height", 160, "height of drawn hits in pixels")
}

// canvas is what pictures are drawn on; its protocol is Off where they are not.
func (f *previewFlags) canvas(w io.Writer) terminal.Canvas {
	c := terminal.Canvas{W: w, Protocol: terminal.Protocol(f.mode), Multiplexed: environment("TMUX") != ""}
	if f.mode == autoPreview {
		c.Protocol = terminal.Off
		if terminal.Is(w) {
			c.Protocol = terminal.Detect(environment)
		}
	}
	return c
}

// drawer returns a function that draws a picture of the folder.
func (f *previewFlags) drawer(w io.Writer, folder string) func(path string) error {
	c := f.canvas(w)
	if c.Protocol == terminal.Off || f.height < 1 {
		return func(string) error { return nil }
	}
	return func(path string) error {
		encoded, err := readPicture(filepath.Join(folder, filepath.FromSlash(path)))
		if err != nil {
			return err
		}
		picture, err := thumbnail(encoded, f.height)
		if err != nil {
			return err
		}
		return c.Draw(terminal.Picture{Image: picture, Name: filepath.Base(path)})
	}
}

// thumbnail fits a picture into a height, and into four times that width.
func thumbnail(encoded []byte, height int) (image.Image, error) {
	picture, _, err := pixels.Decode(encoded, 0)
	if err != nil {
		return nil, err
	}
	width := max(1, picture.Width*height/picture.Height)
	if most := 4 * height; width > most {
		width, height = most, max(1, height*most/width)
	}
	small, err := pixels.Resize(picture, width, height)
	if err != nil {
		return nil, err
	}
	out := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range width * height {
		copy(out.Pix[4*i:], small.RGB[3*i:3*i+3])
		out.Pix[4*i+3] = 255
	}
	return out, nil
}
