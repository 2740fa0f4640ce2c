package durable

import (
	"fmt"
	"os"
	"time"

	"github.com/loopitr/loopitr"
)

// How often is tried, and how long is waited at first; twice as long each time makes
// 2.6 s for writers and 0.16 s for readers, who are in the way themselves.
const (
	renameTries = 10
	openTries   = 6
	firstWait   = 5 * time.Millisecond
)

// Rename is os.Rename, which replaces what is at to. Windows does not replace a file
// that somebody has open; Rename waits some seconds for it to be closed. The error of
// a file that stays open wraps loopitr.ErrUnavailable and the operating system's.
func Rename(from, to string) error {
	p := patience{openElsewhere, time.Sleep, renameTries}
	err := p.do(func() error { return os.Rename(from, to) })
	if openElsewhere(err) {
		return fmt.Errorf("%w: a program may have %q open, and it is not replaced until that is closed (%w)", err, to, loopitr.ErrUnavailable)
	}
	return err
}

// Open is os.Open. Windows does not open a file at the moment in which it is
// replaced; Open waits for that to pass.
func Open(path string) (f *os.File, err error) {
	err = patience{openElsewhere, time.Sleep, openTries}.do(func() error {
		f, err = os.Open(path)
		return err
	})
	return f, err
}

// patience does again what another program is in the way of.
type patience struct {
	inWay func(err error) bool
	sleep func(time.Duration)
	tries int
}

func (p patience) do(try func() error) error {
	err := try()
	for i, wait := 1, firstWait; i < p.tries && p.inWay(err); i, wait = i+1, 2*wait {
		p.sleep(wait)
		err = try()
	}
	return err
}
