package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/loopitr/loopitr"
)

// row is one thing to measure.
type row struct {
	name, size string
	// amount units are what one run does.
	unit   string
	amount float64
	// flops are the floating-point operations of one run; 0: they are not the point.
	flops float64
	// Where reading bounds a run, it reads array bytes passes times.
	array, passes float64
	offers        []offer
}

// offer is somebody who may do a row's work.
type offer struct {
	name string
	// flops, where not 0, replaces the row's: another way to the same end.
	flops float64
	// bytes is about how much memory it takes.
	bytes float64
	// open prepares the work; a peer that is not there wraps loopitr.ErrUnavailable.
	open func(ctx context.Context) (work, error)
}

// work is done again and again.
type work interface {
	// run does the work so many times and returns how long that took.
	run(ctx context.Context, times int) (time.Duration, error)
	close() error
}

// local is work of this process.
type local struct {
	once func(ctx context.Context) error
	end  func() error // nil: nothing to free
}

func (l local) run(ctx context.Context, times int) (time.Duration, error) {
	began := time.Now()
	for n := time.Duration(1); ; n++ {
		for range times {
			if err := l.once(ctx); err != nil {
				return 0, err
			}
		}
		if spent := time.Since(began); spent > 0 { // Windows' clock moves in steps of up to 15.6 ms
			return max(spent/n, 1), nil
		}
	}
}

func (l local) close() error {
	if l.end == nil {
		return nil
	}
	return l.end()
}

// contender is an offer that was taken, on its way.
type contender struct {
	offer
	work    work
	reads   float64 // bytes of one run
	times   int     // runs in one sample
	rounds  int
	length  time.Duration // about that of each sample
	seconds []float64     // of one run, from each sample
	// ofPeak and ofReading are the rates of each sample over the roof at its time.
	ofPeak, ofReading []float64
	reason            string // why it is not measured
}

// sampleTime is how long one sample takes at least: short runs are repeated.
const sampleTime = 50 * time.Millisecond

// goLimit is the most floating-point operations that the engine go is given: it
// does about 5 GFLOPS in a plain build.
const goLimit = 200e9

// measure has the row's contenders take turns.
func (s *session) measure(ctx context.Context, r row) (_ []Line, err error) {
	var all []*contender
	defer func() {
		for _, c := range all {
			if c.work != nil {
				err = errors.Join(err, c.work.close())
			}
		}
	}()
	g := s.gauge(r)
	for _, o := range r.offers {
		c := &contender{offer: o, reads: r.array * r.passes}
		all = append(all, c)
		c.flops = cmp.Or(c.flops, r.flops)
		if c.reason = s.refuse(o, c.flops); c.reason == "" {
			c.try(s.prepare(ctx, c, g))
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	if err := s.takeTurns(ctx, all, g); err != nil {
		return nil, err
	}
	return s.lines(r, all), nil
}

// takeTurns samples; the roof is measured between any two samples and counts for both.
func (s *session) takeTurns(ctx context.Context, all []*contender, g gauge) error {
	var longest time.Duration
	for _, c := range all {
		longest = max(longest, c.length)
	}
	before := g.roof(longest)
	for round := range s.Rounds {
		for _, c := range all {
			if c.reason != "" || round >= c.rounds {
				continue
			}
			spent, err := c.work.run(ctx, c.times)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			after := g.roof(longest)
			if c.try(err); err == nil {
				c.sample(spent, before.mean(after))
			}
			before = after
		}
	}
	return nil
}

// sample notes c.times runs and the roof at their time.
func (c *contender) sample(spent time.Duration, at roof) {
	seconds := spent.Seconds() / float64(c.times)
	c.seconds = append(c.seconds, seconds)
	if at.gflops > 0 {
		c.ofPeak = append(c.ofPeak, c.flops/seconds/1e9/at.gflops)
	}
	if at.reads > 0 {
		c.ofReading = append(c.ofReading, c.reads/seconds/1e9/at.reads)
	}
}

// try notes why a contender is out.
func (c *contender) try(err error) {
	if err != nil {
		c.reason = err.Error()
	}
}

// refuse says why an offer is not taken; empty: it is.
func (s *session) refuse(o offer, flops float64) string {
	if o.name == peerGo && flops > goLimit {
		return fmt.Sprintf("left out: %.0f GFLOP are too many for it", flops/1e9)
	}
	if free := availableMemory(); !s.Short && free > 0 && o.bytes > free {
		return fmt.Sprintf("left out: it needs about %.1f GB of memory, %.1f are free", o.bytes/1e9, free/1e9)
	}
	return ""
}

// prepare opens the work, runs it to warm up, and decides how often to sample it.
func (s *session) prepare(ctx context.Context, c *contender, g gauge) (err error) {
	if c.work, err = c.open(ctx); err != nil {
		if errors.Is(err, loopitr.ErrUnavailable) {
			err = fmt.Errorf("not here: %w", err)
		}
		return err
	}
	spent, err := c.work.run(ctx, 1)
	if err != nil {
		return err
	}
	c.times, c.rounds = 1, 1
	if s.Short {
		return nil
	}
	if spent > s.Budget { // no time for another
		c.sample(spent, g.roof(spent))
		c.rounds = 0
		return nil
	}
	// The first run paid for compiling and for fresh memory.
	if spent, err = c.work.run(ctx, 1); err != nil {
		return err
	}
	c.times = int(math.Ceil(float64(sampleTime) / float64(max(spent, 1))))
	c.length = spent * time.Duration(c.times)
	c.rounds = int(max(1, min(int64(s.Rounds), int64(s.Budget/max(c.length, 1)))))
	return nil
}

// lines sums up what was measured. The first contender is the one under test.
func (s *session) lines(r row, all []*contender) []Line {
	var lines []Line
	for _, c := range all {
		l := Line{Contender: c.name, Reason: c.reason}
		if c.reason == "" {
			l.Samples, l.Least, l.Most = len(c.seconds), slices.Min(c.seconds), slices.Max(c.seconds)
			l.Median = median(c.seconds)
			l.Rate = r.amount / l.Median
			l.GFLOPS, l.ReadGBs = c.flops/l.Median/1e9, c.reads/l.Median/1e9
			l.OfPeak, l.OfReading = median(c.ofPeak), median(c.ofReading)
			for _, share := range c.ofPeak {
				if share > 1 {
					l.AbovePeak++
				}
			}
			if len(lines) > 0 && lines[0].Median > 0 {
				l.Ratio = l.Median / lines[0].Median
			}
		}
		lines = append(lines, l)
	}
	return lines
}

// median is 0 for none.
func median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
