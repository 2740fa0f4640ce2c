package terminal

import (
	"io"
	"os"
)

// GuardAlways is Guard of a file taken for a terminal.
func GuardAlways(f *os.File) io.Writer { return &guard{file: f} }
