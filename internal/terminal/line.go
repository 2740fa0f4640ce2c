package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// Is reports whether w is a terminal that understands cursor movement.
func Is(w io.Writer) bool {
	f, ok := bare(w).(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

// Columns is the width of the terminal, 80 when w is none.
func Columns(w io.Writer) int {
	if f, ok := bare(w).(*os.File); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			return columns
		}
	}
	return 80
}

// Line shows progress: on a terminal one line that is overwritten, elsewhere a
// plain line now and then. The zero Line shows nothing. It may be used
// concurrently.
type Line struct {
	mu    sync.Mutex
	w     io.Writer
	now   func() time.Time
	live  bool
	every time.Duration
	last  time.Time
	shown bool
	meter meter
}

// How often progress is written: ten times a second is smooth, and a log wants
// no more than a line in ten seconds.
const (
	liveEvery  = 100 * time.Millisecond
	plainEvery = 10 * time.Second
)

// NewLine returns a line on w.
func NewLine(w io.Writer) *Line {
	w = bare(w) // it cleans what it is given, and moves the cursor itself
	return newLine(w, Is(w), time.Now)
}

func newLine(w io.Writer, live bool, now func() time.Time) *Line {
	if live {
		return &Line{w: w, now: now, live: true, every: liveEvery}
	}
	return &Line{w: w, now: now, every: plainEvery, last: now()} // short work needs no log
}

// Update replaces the progress shown. Updates that come too fast are left out.
func (l *Line) Update(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.w != nil {
		l.meter = meter{}
		l.update(l.now(), text)
	}
}

// Start begins a count, so that the rate is known sooner. It shows nothing yet.
func (l *Line) Start(c Count) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.live {
		l.meter = meter{}
		l.meter.rate(l.now(), c)
	}
}

// Count is Update with how much is done and, on a terminal, how fast it goes and
// how long the rest takes. Another stage or noun, or less that is done, is another
// count.
func (l *Line) Count(c Count) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.w == nil {
		return
	}
	now := l.now()
	if l.live {
		l.update(now, c.live(l.meter.rate(now, c)))
	} else {
		l.update(now, c.plain())
	}
}

// Counter starts a count and returns what counts one more. It may be called
// concurrently.
func (l *Line) Counter(c Count) (one func()) {
	l.Start(c)
	var mu sync.Mutex
	return func() {
		mu.Lock()
		defer mu.Unlock()
		c.Done++
		l.Count(c)
	}
}

func (l *Line) update(now time.Time, text string) {
	if now.Sub(l.last) < l.every {
		return
	}
	l.last = now
	if !l.live {
		fmt.Fprintln(l.w, Printable(text))
		return
	}
	fmt.Fprint(l.w, "\r\x1b[K", cut(Printable(text), Columns(l.w)-1))
	l.shown = true
}

// Keep writes lines that stay, above the progress.
func (l *Line) Keep(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.w == nil {
		return
	}
	l.clear()
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		fmt.Fprintln(l.w, Printable(line))
	}
}

// Clear takes the progress away, before something else is written.
func (l *Line) Clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clear()
}

func (l *Line) clear() {
	if l.shown {
		fmt.Fprint(l.w, "\r\x1b[K")
		l.shown, l.last = false, time.Time{}
	}
}

// cut keeps a line within the terminal's width: a wrapped one cannot be replaced.
func cut(text string, columns int) string {
	if utf8.RuneCountInString(text) <= columns {
		return text
	}
	runes := []rune(text)
	return string(runes[:max(columns-1, 0)]) + "…"
}
