package terminal_test

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loopitr/loopitr/internal/terminal"
)

// clock is a time that only tests move.
type clock struct{ time time.Time }

func newClock() *clock { return &clock{time.Unix(1_000_000, 0)} }

func (c *clock) now() time.Time { return c.time }

// told is a count, some seconds after the one before.
type told struct {
	after float64
	terminal.Count
}

func pictures(after float64, done, total int) told {
	return told{after, terminal.Count{Done: done, Total: total, Noun: "pictures"}}
}

// lastShown is what a line, with a clock of its own, holds after all that is told.
func lastShown(live bool, all []told) string {
	var b bytes.Buffer
	c := newClock()
	line := terminal.LineAt(&b, live, c.now)
	for _, one := range all {
		c.time = c.time.Add(time.Duration(one.after * float64(time.Second)))
		line.Count(one.Count)
	}
	shown := strings.TrimRight(b.String(), "\n")
	return shown[strings.LastIndexAny(shown, "\n\r")+1:]
}

func TestCountOnATerminal(t *testing.T) {
	indexing := terminal.Count{Done: 1200, Total: -1, Noun: "pictures", Parts: []terminal.Part{{"encoded", 1020}, {"skipped", 0}}}
	for name, c := range map[string]struct {
		all  []told
		want string
	}{
		"no progress yet":           {[]told{pictures(0, 0, 8000)}, "0/8,000 pictures"},
		"no progress for a while":   {[]told{pictures(0, 0, 8000), pictures(5, 0, 8000)}, "0/8,000 pictures"},
		"rate and time left":        {[]told{pictures(0, 580, 8000), pictures(2, 1200, 8000)}, "1,200/8,000 pictures  310/s  22s left"},
		"too soon for a rate":       {[]told{pictures(0, 0, 8000), pictures(0.9, 640, 8000)}, "640/8,000 pictures"},
		"resumed":                   {[]told{pictures(0, 5000, 8000), pictures(10, 5100, 8000)}, "5,100/8,000 pictures  10/s  4m50s left"},
		"resumed just now":          {[]told{pictures(0, 5000, 8000)}, "5,000/8,000 pictures"},
		"total unknown":             {[]told{pictures(0, 0, 0), pictures(4, 64, 0)}, "64 pictures  16/s"},
		"total still to be counted": {[]told{pictures(0, 0, -1), pictures(4, 64, -1)}, "64/? pictures  16/s"},
		"total counted meanwhile":   {[]told{pictures(0, 0, -1), pictures(4, 64, 128)}, "64/128 pictures  16/s  4s left"},
		"done":                      {[]told{pictures(0, 0, 64), pictures(4, 64, 64)}, "64/64 pictures  16/s"},
		"more than there should be": {[]told{pictures(0, 0, 64), pictures(4, 80, 64)}, "80/64 pictures  20/s"},
		"never 0 s left":            {[]told{pictures(0, 0, 1000), pictures(4, 999, 1000)}, "999/1,000 pictures  250/s  1s left"},
		"the rest is not cut off":   {[]told{pictures(0, 0, 25), pictures(4, 10, 25)}, "10/25 pictures  2.5/s  6s left"},
		"a part of a second counts": {[]told{pictures(0, 0, 26), pictures(4, 10, 26)}, "10/26 pictures  2.5/s  7s left"},
		"slow":                      {[]told{pictures(0, 0, 64), pictures(10, 4, 64)}, "4/64 pictures  24/min  2m30s left"},
		"very slow":                 {[]told{pictures(0, 0, 64), pictures(1000, 2, 64)}, "2/64 pictures  7.2/h  8h36m40s left"},
		"too long to tell":          {[]told{pictures(0, 0, 2_000_000_000), pictures(1000, 2, 2_000_000_000)}, "2/2,000,000,000 pictures  7.2/h"},
		"slower than before":        {[]told{pictures(0, 0, 9000), pictures(5, 5000, 9000), pictures(10, 5100, 9000), pictures(10, 5200, 9000)}, "5,200/9,000 pictures  10/s  6m20s left"},
		"batches beyond the window": {[]told{pictures(0, 0, 192), pictures(64, 64, 192), pictures(32, 128, 192)}, "128/192 pictures  2.0/s  32s left"},
		"stalled":                   {[]told{pictures(0, 0, 192), pictures(5, 64, 192), pictures(20, 64, 192)}, "64/192 pictures"},
		"another run of it":         {[]told{pictures(0, 0, 192), pictures(5, 192, 192), pictures(5, 64, 192)}, "64/192 pictures"},
		"another stage of it":       {[]told{{0, terminal.Count{Stage: "encode images", Done: 3}}, {5, terminal.Count{Stage: "encode texts", Done: 64, Total: 100}}}, "encode texts 64/100"},
		"another noun":              {[]told{pictures(0, 3, 0), {5, terminal.Count{Done: 64, Noun: "captions"}}}, "64 captions"},
		"a stage":                   {[]told{{0, terminal.Count{Stage: "rerank", Done: 1000, Total: 64000}}, {5, terminal.Count{Stage: "rerank", Done: 6000, Total: 64000}}}, "rerank 6,000/64,000  1,000/s  58s left"},
		"parts":                     {[]told{pictures(0, 0, -1), {4, indexing}}, "1,200/? pictures  300/s  1,020 encoded, 0 skipped"},
		"cut to the terminal's width": {[]told{pictures(0, 0, -1), {4, terminal.Count{Done: 1200, Noun: "pictures", Parts: []terminal.Part{{strings.Repeat("x", 80), 1}}}}},
			"1,200 pictures  300/s  1 " + strings.Repeat("x", 53) + "…"},
	} {
		got := strings.TrimPrefix(lastShown(true, c.all), "\x1b[K")
		if got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// What a log is read by stays as it is, and has no rate.
func TestCountElsewhereIsPlain(t *testing.T) {
	for want, all := range map[string][]told{
		"":                     {pictures(9, 1200, 8000)}, // too soon to be worth a line
		"1200/8000 pictures":   {pictures(0, 0, 8000), pictures(10, 1200, 8000)},
		"64 encoded":           {{10, terminal.Count{Done: 64, Noun: "encoded"}}},
		"encode texts 64/5000": {{10, terminal.Count{Stage: "encode texts", Done: 64, Total: 5000}}},
		"1200/? pictures: 1020 encoded, 0 skipped": {
			{10, terminal.Count{Done: 1200, Total: -1, Noun: "pictures", Parts: []terminal.Part{{"encoded", 1020}, {"skipped", 0}}}},
		},
	} {
		if got := lastShown(false, all); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestStartedCountKnowsItsRateSooner(t *testing.T) {
	for live, want := range map[bool]string{true: "\r\x1b[K64/128 encoded  32/s  2s left", false: ""} {
		var b bytes.Buffer
		c := newClock()
		line := terminal.LineAt(&b, live, c.now)
		line.Start(terminal.Count{Noun: "encoded"})
		if b.Len() > 0 {
			t.Errorf("on a terminal %v: started with %q", live, b.String())
		}
		c.time = c.time.Add(2 * time.Second)
		line.Count(terminal.Count{Done: 64, Total: 128, Noun: "encoded"})
		if got := b.String(); got != want {
			t.Errorf("on a terminal %v: got %q, want %q", live, got, want)
		}
	}
}

// The count before is over, although this one has more.
func TestCountBehindOtherProgressIsAnother(t *testing.T) {
	for name, between := range map[string]func(*terminal.Line){
		"update": func(l *terminal.Line) { l.Update("step 3") },
		"start":  func(l *terminal.Line) { l.Start(terminal.Count{Noun: "pictures", Done: 60}) },
	} {
		var b bytes.Buffer
		c := newClock()
		line := terminal.LineAt(&b, true, c.now)
		line.Count(terminal.Count{Done: 1, Noun: "pictures"})
		c.time = c.time.Add(2 * time.Second)
		between(line)
		c.time = c.time.Add(time.Second / 2)
		line.Count(terminal.Count{Done: 64, Noun: "pictures"})
		if got, want := b.String(), "\r\x1b[K64 pictures"; !strings.HasSuffix(got, want) {
			t.Errorf("%s: got %q, want %q at its end", name, got, want)
		}
	}
}

func TestFastCountTakesLittleMemory(t *testing.T) {
	c := newClock()
	line := terminal.LineAt(io.Discard, true, c.now)
	for n := range 60_000 {
		c.time = c.time.Add(time.Millisecond)
		line.Count(terminal.Count{Done: n})
	}
	if got := line.Marks(); got > 100 {
		t.Errorf("%d marks", got)
	}
}

func TestCounterCountsFromManyGoroutines(t *testing.T) {
	var b bytes.Buffer
	c := newClock()
	line := terminal.LineAt(&b, true, c.now)
	one := line.Counter(terminal.Count{Total: 1000, Noun: "pictures"})
	c.time = c.time.Add(3 * time.Second)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				one()
			}
		})
	}
	group.Wait()
	c.time = c.time.Add(time.Second)
	one()
	if got, want := b.String(), "\r\x1b[K801/1,000 pictures  200/s  1s left"; !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want %q at its end", got, want)
	}
}

func TestZeroLineCountsInSilence(t *testing.T) {
	var line terminal.Line
	line.Start(terminal.Count{})
	line.Count(terminal.Count{Done: 1})
	line.Counter(terminal.Count{})()
}
