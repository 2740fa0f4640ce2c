package terminal

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/term"
)

// Guard returns the writer for what may hold text of strangers: where w is a
// terminal, control characters but line breaks, tabs and zero bytes are replaced.
// Elsewhere it is w itself: what another program reads is exact.
func Guard(w io.Writer) io.Writer {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return &guard{file: f}
	}
	return w
}

// guard has no method but Write: io.Copy and io.WriteString would pass it by.
type guard struct {
	file *os.File

	mu      sync.Mutex
	partial []byte // the beginning of a character whose end is still to be written
}

// Write counts the bytes that it was given.
func (g *guard) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	whole := append(g.partial, p...)
	end := wholeCharacters(whole)
	g.partial = slices.Clone(whole[end:])
	clean := bytes.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r == 0 {
			return r
		}
		return harmless(r)
	}, whole[:end])
	if _, err := g.file.Write(clean); err != nil {
		return 0, err
	}
	return len(p), nil
}

// wholeCharacters is how much of p comes before a character that p only begins.
func wholeCharacters(p []byte) int {
	for at := len(p) - 1; at >= 0 && at >= len(p)-utf8.UTFMax; at-- {
		if utf8.RuneStart(p[at]) {
			if !utf8.FullRune(p[at:]) {
				return at
			}
			break
		}
	}
	return len(p)
}

// bare is what a guard stands before, for this package's own control sequences.
func bare(w io.Writer) io.Writer {
	if g, ok := w.(*guard); ok {
		return g.file
	}
	return w
}

// Shown is a stranger's word or name as one line of w: as Printable makes it where
// w is a terminal with a Guard, exact elsewhere.
func Shown(w io.Writer, line string) string {
	if _, ok := w.(*guard); ok {
		return Printable(line)
	}
	return line
}

// Printable takes control characters out of one line: names of files and words of
// strangers must not steer the terminal, nor break the lines of a table.
func Printable(line string) string { return strings.Map(harmless, line) }

// harmless replaces control characters, those of 8-bit terminals too. Bytes that
// are no UTF-8 come as the same replacement.
func harmless(r rune) rune {
	if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
		return '�'
	}
	return r
}
