package durable

import (
	"errors"
	"testing"
	"time"
)

func TestWhatIsInTheWayIsWaitedFor(t *testing.T) {
	open, other := errors.New("open"), errors.New("other")
	for _, c := range []struct {
		name   string
		fails  []error // the last for good
		waited time.Duration
		want   error
	}{
		{"free", []error{nil}, 0, nil},
		{"closed in time", []error{open, open, nil}, 3 * firstWait, nil},
		{"then something else", []error{open, other}, firstWait, other},
		{"something else", []error{other}, 0, other},
		{"never closed", []error{open}, 2555 * time.Millisecond, open},
	} {
		tries, waited := 0, time.Duration(0)
		p := patience{func(err error) bool { return errors.Is(err, open) }, func(d time.Duration) { waited += d }, renameTries}
		err := p.do(func() error {
			tries++
			return c.fails[min(tries, len(c.fails))-1]
		})
		if !errors.Is(err, c.want) || waited != c.waited {
			t.Errorf("%s: %v after %v", c.name, err, waited)
		}
	}
}
