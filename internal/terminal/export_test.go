package terminal

import (
	"io"
	"os"
	"time"
)

// GuardAlways is Guard of a file taken for a terminal.
func GuardAlways(f *os.File) io.Writer { return &guard{file: f} }

// Marks is how many times the line's rate is measured from.
func (l *Line) Marks() int { return len(l.meter.marks) }

// LineAt is NewLine with a clock, of a writer taken for a terminal or not.
func LineAt(w io.Writer, live bool, now func() time.Time) *Line { return newLine(w, live, now) }
