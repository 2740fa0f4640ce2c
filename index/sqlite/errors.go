package sqlite

import (
	"errors"
	"fmt"
	"strings"

	"modernc.org/sqlite"

	"github.com/loopitr/loopitr"
)

// SQLite's result codes that callers must tell apart (sqlite.org/rescode.html).
const (
	codeBusy     = 5
	codeLocked   = 6
	codeReadOnly = 8
	codeIO       = 10
	codeCorrupt  = 11
	codeFull     = 13
	codeCantOpen = 14
	codeNotADB   = 26

	codeShortRead = codeIO | 2<<8
)

func fullCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

func primaryCode(err error) int { return fullCode(err) & 0xff }

// wrap adds what was done to which file, and the kind that SQLite's code means.
func (x *Index) wrap(operation string, err error) error {
	if err == nil {
		return nil
	}
	var kind error
	switch primaryCode(err) {
	case codeCorrupt, codeNotADB:
		kind = loopitr.ErrCorrupt
	case codeBusy, codeLocked, codeReadOnly, codeFull, codeCantOpen, codeIO:
		kind = loopitr.ErrUnavailable
	}
	if fullCode(err) == codeShortRead {
		kind = loopitr.ErrCorrupt
	}
	switch {
	case kind != nil:
	case strings.Contains(err.Error(), "no such table"):
		// Publish by another process dropped the generation since it was opened.
		kind = loopitr.ErrUnavailable
	case strings.Contains(err.Error(), "sql: Scan error"):
		kind = loopitr.ErrCorrupt // a value of another type than was written
	}
	if kind == nil || errors.Is(err, kind) {
		return fmt.Errorf("%s %q: %w", operation, x.path, err)
	}
	return fmt.Errorf("%s %q: %w: %w", operation, x.path, err, kind)
}

// corrupt is the error of a stored value that is not what was written.
func corrupt(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, loopitr.ErrCorrupt)...)
}
