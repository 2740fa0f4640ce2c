package terminal_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/loopitr/loopitr/internal/terminal"
	"github.com/mattn/go-sixel"
)

func TestDetect(t *testing.T) {
	for _, c := range []struct {
		variables map[string]string
		want      terminal.Protocol
	}{
		{map[string]string{"TERM": "xterm-256color"}, terminal.Off},
		{map[string]string{"TERM": "dumb", "KITTY_WINDOW_ID": "1"}, terminal.Off},
		{map[string]string{"TERM": "xterm-kitty"}, terminal.Kitty},
		{map[string]string{"TERM": "tmux-256color", "TMUX": "x", "KITTY_WINDOW_ID": "1"}, terminal.Kitty},
		{map[string]string{"TERM": "xterm-ghostty"}, terminal.Kitty},
		{map[string]string{"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, terminal.ITerm},
		{map[string]string{"TERM": "screen-256color", "LC_TERMINAL": "iTerm2"}, terminal.ITerm},
		{map[string]string{"TERM": "foot"}, terminal.Sixel},
		{map[string]string{"TERM": "xterm-sixel"}, terminal.Sixel},
		{map[string]string{}, terminal.Off},
	} {
		if got := terminal.Detect(func(name string) string { return c.variables[name] }); got != c.want {
			t.Errorf("%v: got %s, want %s", c.variables, got, c.want)
		}
	}
}

// noise is a picture that needs more than one of kitty's chunks.
func noise() image.Image {
	m := image.NewRGBA(image.Rect(0, 0, 60, 40))
	seed := uint32(1)
	for y := range 40 {
		for x := range 60 {
			seed = seed*1664525 + 1013904223
			m.Set(x, y, color.RGBA{uint8(seed >> 24), uint8(seed >> 16), uint8(seed >> 8), 255})
		}
	}
	return m
}

func draw(t *testing.T, c terminal.Canvas) string {
	t.Helper()
	var b bytes.Buffer
	c.W = &b
	if err := c.Draw(terminal.Picture{Image: noise(), Name: "a.png"}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func checkPNG(t *testing.T, encoded string) {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	want := noise()
	for y := range 40 {
		for x := range 60 {
			if r, g, b, _ := m.At(x, y).RGBA(); true {
				if wr, wg, wb, _ := want.At(x, y).RGBA(); r != wr || g != wg || b != wb {
					t.Fatalf("pixel %d,%d differs", x, y)
				}
			}
		}
	}
}

func TestKittyIsCutIntoChunks(t *testing.T) {
	chunks := regexp.MustCompile(`\x1b_G([^;]*);([^\x1b]*)\x1b\\`).FindAllStringSubmatch(draw(t, terminal.Canvas{Protocol: terminal.Kitty}), -1)
	if len(chunks) < 2 {
		t.Fatalf("%d chunks", len(chunks))
	}
	encoded := ""
	for i, c := range chunks {
		if len(c[2]) > 4096 {
			t.Errorf("chunk %d has %d bytes", i, len(c[2]))
		}
		if last := i == len(chunks)-1; strings.HasSuffix(c[1], "m=0") != last {
			t.Errorf("chunk %d: keys %q", i, c[1])
		}
		encoded += c[2]
	}
	if !strings.HasPrefix(chunks[0][1], "f=100,a=T") {
		t.Errorf("keys %q", chunks[0][1])
	}
	checkPNG(t, encoded)
}

func TestITerm(t *testing.T) {
	m := regexp.MustCompile(`^\x1b\]1337;File=name=YS5wbmc=;inline=1;width=60px;height=40px:([^\a]*)\a\n$`).FindStringSubmatch(draw(t, terminal.Canvas{Protocol: terminal.ITerm}))
	if m == nil {
		t.Fatal("no such sequence")
	}
	checkPNG(t, m[1])
}

func TestTmuxPassesOn(t *testing.T) {
	plain := draw(t, terminal.Canvas{Protocol: terminal.ITerm})
	wrapped := draw(t, terminal.Canvas{Protocol: terminal.ITerm, Multiplexed: true})
	inner, ok := strings.CutPrefix(strings.TrimSuffix(wrapped, "\x1b\\\n"), "\x1bPtmux;")
	if !ok || strings.ReplaceAll(inner, "\x1b\x1b", "\x1b")+"\n" != plain {
		t.Errorf("wrapped %.60q", wrapped)
	}
}

func TestSixelDecodes(t *testing.T) {
	var m image.Image
	if err := sixel.NewDecoder(strings.NewReader(draw(t, terminal.Canvas{Protocol: terminal.Sixel}))).Decode(&m); err != nil {
		t.Fatal(err)
	}
	if got := m.Bounds().Size(); got.X != 60 {
		t.Errorf("size %v", got)
	}
}

func TestOffDrawsNothing(t *testing.T) {
	if got := draw(t, terminal.Canvas{Protocol: terminal.Off}); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestLineElsewhereIsPlain(t *testing.T) {
	var b bytes.Buffer
	l := terminal.NewLine(&b)
	l.Update("progress") // too soon to be worth a line
	l.Keep("kept")
	l.Clear()
	if got, want := b.String(), "kept\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestZeroLineIsSilent(t *testing.T) {
	var l terminal.Line
	l.Update("one")
	l.Keep("two")
	l.Clear()
}

func TestTextIsGuardedOnTerminalsOnly(t *testing.T) {
	const name = "a\x1b[2J\u009b1mé\x9b\n.png"
	written := func(wrap func(f *os.File) io.Writer, write func(w io.Writer)) string {
		t.Helper()
		path := filepath.Join(t.TempDir(), "out")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		write(wrap(f))
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	elsewhere := func(f *os.File) io.Writer { return terminal.Guard(f) }
	for want, got := range map[string]string{
		name:                written(elsewhere, func(w io.Writer) { fmt.Fprint(w, name) }),
		name + "\t\x00":     written(elsewhere, func(w io.Writer) { fmt.Fprint(w, terminal.Shown(w, name+"\t\x00")) }),
		"a�[2J�1mé�\n.png":  written(terminal.GuardAlways, func(w io.Writer) { _, _ = io.Copy(w, strings.NewReader(name)) }),
		"a�[2J�1mé��.png\n": written(terminal.GuardAlways, func(w io.Writer) { fmt.Fprintln(w, terminal.Shown(w, name)) }),
		"鯨�x": written(terminal.GuardAlways, func(w io.Writer) {
			for _, part := range []string{"\xe9\xaf", "\xa8", "\xe9", "x", "\xe9"} { // the last one never ends
				fmt.Fprint(w, part)
			}
		}),
		"a\tb\x00c\n": written(terminal.GuardAlways, func(w io.Writer) { fmt.Fprint(w, "a\tb\x00c\n") }),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	drawn := written(terminal.GuardAlways, func(w io.Writer) {
		if err := (terminal.Canvas{W: w, Protocol: terminal.Kitty}).Draw(terminal.Picture{Image: noise()}); err != nil {
			t.Error(err)
		}
	})
	if !strings.HasPrefix(drawn, "\x1b_G") {
		t.Errorf("a picture is guarded: %.40q", drawn)
	}
}

func TestNamesDoNotSteerTheTerminal(t *testing.T) {
	if got, want := terminal.Printable("a\x1b[2Jé\n.png"), "a�[2Jé�.png"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var b strings.Builder
	terminal.NewLine(&b).Keep("skipping a\x1b[2J.png\nand b\r.png\n")
	if got, want := b.String(), "skipping a�[2J.png\nand b�.png\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
