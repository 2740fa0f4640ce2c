package bench

import (
	"sync"
	"time"

	"github.com/loopitr/loopitr/internal/simd"
)

// roof is the most that all cores together can do at one time, as in the roofline
// model (Williams, Waterman and Patterson 2009).
type roof struct {
	gflops float64 // float32 multiply-adds, two operations each
	reads  float64 // GB/s
}

func (r roof) mean(other roof) roof {
	return roof{gflops: (r.gflops + other.gflops) / 2, reads: (r.reads + other.reads) / 2}
}

// settling is how long nothing runs before a roof is measured. Threads look for more
// work after theirs and would lower it: ONNX Runtime 1.30's for some 40 ms of processor
// time, PyTorch 2.15's for 9 (2026-11-27).
const settling = 50 * time.Millisecond

// gauge measures the roof over one row. Clocks and other work change it, so each sample
// has its own.
type gauge struct {
	*session
	flops bool
	// array is as large as what the row reads: where that stays in the caches, it does too.
	array []float32
}

func (s *session) gauge(r row) gauge {
	return gauge{session: s, flops: r.flops > 0, array: noise(int(r.array / 4))}
}

// roof is measured beside a sample of that length.
func (g gauge) roof(sample time.Duration) (r roof) {
	if !g.flops && len(g.array) == 0 {
		return r
	}
	if !g.Short {
		time.Sleep(settling)
	}
	budget := gaugeTime(sample)
	if g.flops {
		r.gflops = g.peak(budget)
	}
	if len(g.array) > 0 {
		r.reads = g.reading(g.array, budget)
	}
	return r
}

// gaugeTime is a twentieth of a sample: less says little about seconds of work.
func gaugeTime(sample time.Duration) time.Duration {
	return min(max(sample/20, sampleTime/2), 500*time.Millisecond)
}

// peak is the multiply-add rate of all cores together in GFLOPS.
func (s *session) peak(budget time.Duration) float64 {
	return s.together(budget, func(_ int, budget time.Duration) float64 { return simd.Peak(budget) })
}

// reading is the rate in GB/s at which all cores together read an array, each a part of
// its own again and again.
func (s *session) reading(array []float32, budget time.Duration) float64 {
	n := len(array) / s.threads
	return s.together(budget, func(core int, budget time.Duration) float64 {
		part, began := array[core*n:(core+1)*n], time.Now()
		for round := 1; ; round++ {
			simd.Sum(part)
			if spent := time.Since(began); spent >= budget {
				return float64(4*n*round) / float64(spent.Nanoseconds())
			}
		}
	})
}

// together adds up what all cores do at the same time.
func (s *session) together(budget time.Duration, rate func(core int, budget time.Duration) float64) (sum float64) {
	if s.Short {
		budget = min(budget, time.Millisecond)
	}
	rates := make([]float64, s.threads)
	var cores sync.WaitGroup
	for i := range rates {
		cores.Go(func() { rates[i] = rate(i, budget) })
	}
	cores.Wait()
	for _, r := range rates {
		sum += r
	}
	return sum
}
