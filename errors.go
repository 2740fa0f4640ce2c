package loopitr

import "errors"

// The four kinds of error that callers tell apart with errors.Is. Every error
// that crosses a package border of loopitr and has one of these causes wraps it;
// anything else is a bug or the operating system's own error.
var (
	// ErrInvalid: the input can never work: a bad flag, caption, picture or configuration.
	ErrInvalid = errors.New("invalid input")
	// ErrNotFound: the named file, item or model does not exist.
	ErrNotFound = errors.New("not found")
	// ErrUnavailable: it may work later or elsewhere: no such engine here, deadline, disk full.
	ErrUnavailable = errors.New("unavailable")
	// ErrCorrupt: stored bytes are not what was written: weights, index, checkpoint.
	ErrCorrupt = errors.New("corrupt")
)
