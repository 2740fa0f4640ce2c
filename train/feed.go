package train

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// feeder makes batches ahead of the steps that use them, on goroutines of its
// own, and hands them out in order.
type feeder struct {
	stop    context.CancelFunc
	group   *errgroup.Group
	batches chan chan made
}

type made struct {
	batch batch
	err   error
}

// lookAhead bounds batches that are ready or being made.
const lookAhead = 4

// feed starts making the batches of steps first, first+1, ... Each worker gets a
// batcher of its own. Close ends it.
func feed(ctx context.Context, first int64, batchers []*batcher) *feeder {
	ctx, stop := context.WithCancel(ctx)
	group, ctx := errgroup.WithContext(ctx)
	f := &feeder{stop: stop, group: group, batches: make(chan chan made, lookAhead)}
	type job struct {
		step int64
		to   chan made
	}
	jobs := make(chan job)
	group.Go(func() error {
		defer close(jobs)
		for step := first; ; step++ {
			to := make(chan made, 1)
			select {
			case f.batches <- to:
			case <-ctx.Done():
				return nil
			}
			select {
			case jobs <- job{step, to}:
			case <-ctx.Done():
				return nil
			}
		}
	})
	for _, b := range batchers {
		group.Go(func() error {
			for j := range jobs {
				made := made{}
				made.batch, made.err = b.make(j.step)
				j.to <- made
			}
			return nil
		})
	}
	return f
}

// next waits for the next batch.
func (f *feeder) next(ctx context.Context) (batch, error) {
	select {
	case to := <-f.batches:
		select {
		case m := <-to:
			return m.batch, m.err
		case <-ctx.Done():
			return batch{}, ctx.Err()
		}
	case <-ctx.Done():
		return batch{}, ctx.Err()
	}
}

// close ends the feeder and waits for its goroutines.
func (f *feeder) close() {
	f.stop()
	_ = f.group.Wait() // workers hand their errors out with the batches
}
