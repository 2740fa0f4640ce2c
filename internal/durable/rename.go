package durable

import (
	"fmt"
	"os"
	"time"

	"github.com/loopitr/loopitr"
)

// How often a renamer tries, and how long it waits at first; twice as long each time
// makes 2.6 s.
const (
	renameTries = 10
	renameWait  = 5 * time.Millisecond
)

// Rename is os.Rename, which replaces what is at to. Windows does not replace a file
// that somebody has open; Rename waits some seconds for it to be closed. The error of
// a file that stays open wraps loopitr.ErrUnavailable and the operating system's.
func Rename(from, to string) error {
	return renamer{os.Rename, openElsewhere, time.Sleep}.rename(from, to)
}

// renamer is what Rename asks of the system.
type renamer struct {
	try   func(from, to string) error
	inUse func(err error) bool
	sleep func(time.Duration)
}

func (r renamer) rename(from, to string) error {
	err := r.try(from, to)
	for i, wait := 1, renameWait; i < renameTries && r.inUse(err); i, wait = i+1, 2*wait {
		r.sleep(wait)
		err = r.try(from, to)
	}
	if r.inUse(err) {
		return fmt.Errorf("%w: a program may have %q open, and it is not replaced until that is closed (%w)", err, to, loopitr.ErrUnavailable)
	}
	return err
}
