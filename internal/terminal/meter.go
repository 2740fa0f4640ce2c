package terminal

import "time"

// meter measures how fast counted work goes. The zero meter is ready.
type meter struct {
	last  Count
	marks []mark // the rate is measured from the first; the last is the newest
}

type mark struct {
	at   time.Time
	done int
}

// A rate is that of the last rateOver, because work becomes slower and faster, or
// of more where batches take longer. Over less than rateFrom it would tell how large
// a batch is. markEvery bounds the marks.
const (
	rateOver  = 20 * time.Second
	rateFrom  = time.Second
	markEvery = 250 * time.Millisecond
)

// rate takes note of how far the work is, and returns how much is done a second; 0
// as long as nobody knows. A first count is none to measure from zero: what it has
// may have been done by an earlier run.
func (m *meter) rate(now time.Time, c Count) float64 {
	if c.Stage != m.last.Stage || c.Noun != m.last.Noun || c.Done < m.last.Done {
		m.marks = nil
	}
	m.last = c
	if n := len(m.marks); n == 0 || now.Sub(m.marks[n-1].at) >= markEvery {
		m.marks = append(m.marks, mark{now, c.Done})
	}
	for len(m.marks) > 1 && now.Sub(m.marks[1].at) >= rateOver {
		m.marks = m.marks[1:]
	}
	since := now.Sub(m.marks[0].at)
	if since < rateFrom {
		return 0
	}
	return float64(c.Done-m.marks[0].done) / since.Seconds()
}
