package terminal

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/png"
	"strings"
)

// Picture is what Draw draws.
type Picture struct {
	Image image.Image
	Name  string // a file name, for terminals that show one
}

// kittyChunk is the most base64 that one escape sequence of kitty's graphics
// protocol may carry.
const kittyChunk = 4096

// kitty transmits and displays a PNG, in chunks.
func (c Canvas) kitty(b *strings.Builder, p Picture) error {
	encoded, err := encodePNG(p.Image)
	if err != nil {
		return err
	}
	for first := true; len(encoded) > 0; first = false {
		chunk := encoded[:min(kittyChunk, len(encoded))]
		encoded = encoded[len(chunk):]
		keys := fmt.Sprintf("m=%d", btoi(len(encoded) > 0))
		if first { // PNG, transmit and display, no answers
			keys = "f=100,a=T,q=2," + keys
		}
		b.WriteString(c.pass("\x1b_G" + keys + ";" + chunk + "\x1b\\"))
	}
	return nil
}

// iterm is iTerm2's inline image: OSC 1337.
func (c Canvas) iterm(b *strings.Builder, p Picture) error {
	encoded, err := encodePNG(p.Image)
	if err != nil {
		return err
	}
	size := p.Image.Bounds().Size()
	b.WriteString(c.pass(fmt.Sprintf("\x1b]1337;File=name=%s;inline=1;width=%dpx;height=%dpx:%s\a",
		base64.StdEncoding.EncodeToString([]byte(p.Name)), size.X, size.Y, encoded)))
	return nil
}

// pass wraps an escape sequence for tmux, which wants every escape inside doubled.
func (c Canvas) pass(sequence string) string {
	if !c.Multiplexed {
		return sequence
	}
	return "\x1bPtmux;" + strings.ReplaceAll(sequence, "\x1b", "\x1b\x1b") + "\x1b\\"
}

func encodePNG(m image.Image) (string, error) {
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
