package eval

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/loopitr/loopitr"
)

// side is one side of the split, pictures or captions, encoded. Vectors always
// stay; states stay while they fit.
type side struct {
	count  int
	width  int
	vector []float32 // count*width
	states []loopitr.States
	// itemBytes is the most that one item's states take.
	itemBytes int64
	encode    func(ctx context.Context, from, to int) ([]loopitr.Encoding, error)
}

// add appends encodings, keeping their states as long as all of them stay within
// limit bytes; keep is false when no states will be needed.
func (s *side) add(encodings []loopitr.Encoding, keep bool, limit int64) error {
	for _, e := range encodings {
		if s.width == 0 {
			s.width = len(e.Vector)
		}
		if len(e.Vector) != s.width || s.width == 0 {
			return fmt.Errorf("encoder gave a vector of %d values after %d: %w", len(e.Vector), s.width, loopitr.ErrInvalid)
		}
		s.vector = append(s.vector, e.Vector...)
		s.itemBytes = max(s.itemBytes, 4*int64(len(e.States.Values)))
		s.count++
		if keep && (s.states != nil || s.count == 1) {
			s.states = append(s.states, e.States)
		}
	}
	if int64(s.count)*s.itemBytes > limit {
		s.states = nil
	}
	return nil
}

// block is how many items' states fit into limit bytes, all when they are held.
func (s *side) block(limit int64) int {
	if s.states != nil || s.itemBytes == 0 {
		return max(s.count, 1)
	}
	return int(max(1, min(limit/s.itemBytes, int64(s.count))))
}

// statesOf returns the states of the items from..to, encoding them in batches
// when they are not held.
func (s *side) statesOf(ctx context.Context, from, to, batch int) ([]loopitr.States, error) {
	if s.states != nil {
		return s.states[from:to], nil
	}
	out := make([]loopitr.States, 0, to-from)
	for at := from; at < to; at += batch {
		encodings, err := s.encode(ctx, at, min(at+batch, to))
		if err != nil {
			return nil, err
		}
		for _, e := range encodings {
			out = append(out, e.States)
		}
	}
	return out, nil
}

// encodeTexts encodes the captions.
func encodeTexts(ctx context.Context, e loopitr.Encoder, captions []string, c Config) (*side, error) {
	s := &side{encode: func(ctx context.Context, from, to int) ([]loopitr.Encoding, error) {
		encodings, err := e.EncodeTexts(ctx, captions[from:to])
		return encodings, checkCount(len(encodings), to-from, err)
	}}
	for at := 0; at < len(captions); at += c.Batch {
		encodings, err := s.encode(ctx, at, min(at+c.Batch, len(captions)))
		if err != nil {
			return nil, err
		}
		if err := s.add(encodings, c.Rerank != 0, c.StateBytes/2); err != nil {
			return nil, err
		}
		c.Progress(EncodeTexts, s.count, len(captions))
	}
	return s, nil
}

func checkCount(got, want int, err error) error {
	if err == nil && got != want {
		err = fmt.Errorf("encoder gave %d encodings for %d items: %w", got, want, loopitr.ErrInvalid)
	}
	return err
}

// Skip is a record whose picture could not be used.
type Skip struct {
	Record int    `json:"record"`
	ID     string `json:"id"`
	Reason string `json:"reason"`
}

// loaded is one batch of pictures, fetched ahead of the encoder.
type loaded struct {
	from, to int // records
	pictures []loopitr.Picture
	errs     []error
}

// encodeImages encodes the pictures that can be used and returns their records.
func encodeImages(ctx context.Context, e loopitr.Encoder, split Split, c Config) (s *side, kept []int, skipped []Skip, err error) {
	s = &side{}
	ctx, cancel := context.WithCancel(ctx)
	batches := make(chan loaded)
	var fetching sync.WaitGroup
	fetching.Go(func() {
		defer close(batches)
		for at := 0; at < len(split.Records); at += c.Batch {
			b := loaded{from: at, to: min(at+c.Batch, len(split.Records))}
			b.pictures, b.errs = fetch(ctx, b.to-b.from, func(i int) (loopitr.Picture, error) { return split.Picture(at + i) })
			select {
			case batches <- b:
			case <-ctx.Done():
				return
			}
		}
	})
	defer fetching.Wait()
	defer cancel()
	for b := range batches {
		if err := ctx.Err(); err != nil {
			return nil, nil, nil, err
		}
		var usable []loopitr.Picture
		for i, err := range b.errs {
			record := b.from + i
			id := split.Records[record].ID
			if err != nil && (c.Strict || !unusable(err)) {
				return nil, nil, nil, fmt.Errorf("picture %q: %w", id, err)
			}
			if err != nil {
				skipped = append(skipped, Skip{Record: record, ID: id, Reason: err.Error()})
				continue
			}
			kept = append(kept, record)
			usable = append(usable, b.pictures[i])
		}
		if err := s.encodePictures(ctx, e, usable, c); err != nil {
			return nil, nil, nil, err
		}
		c.Progress(EncodeImages, b.to, len(split.Records))
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, nil, err
	}
	s.encode = encodeAgain(e, split, kept)
	return s, kept, skipped, nil
}

func (s *side) encodePictures(ctx context.Context, e loopitr.Encoder, pictures []loopitr.Picture, c Config) error {
	if len(pictures) == 0 {
		return nil
	}
	encodings, err := e.EncodeImages(ctx, pictures)
	if err := checkCount(len(encodings), len(pictures), err); err != nil {
		return err
	}
	return s.add(encodings, c.Rerank != 0, c.StateBytes/2)
}

// encodeAgain makes the encodings of pictures whose states were not held.
func encodeAgain(e loopitr.Encoder, split Split, kept []int) func(context.Context, int, int) ([]loopitr.Encoding, error) {
	return func(ctx context.Context, from, to int) ([]loopitr.Encoding, error) {
		pictures, errs := fetch(ctx, to-from, func(i int) (loopitr.Picture, error) { return split.Picture(kept[from+i]) })
		if err := errors.Join(errs...); err != nil {
			return nil, err
		}
		encodings, err := e.EncodeImages(ctx, pictures)
		return encodings, checkCount(len(encodings), to-from, err)
	}
}

func unusable(err error) bool {
	return errors.Is(err, loopitr.ErrInvalid) || errors.Is(err, loopitr.ErrNotFound) || errors.Is(err, loopitr.ErrCorrupt)
}

// fetch calls picture for 0..n-1 on every processor.
func fetch(ctx context.Context, n int, picture func(i int) (loopitr.Picture, error)) ([]loopitr.Picture, []error) {
	pictures, errs := make([]loopitr.Picture, n), make([]error, n)
	spread(n, func(i int) {
		if errs[i] = ctx.Err(); errs[i] == nil {
			pictures[i], errs[i] = picture(i)
		}
	})
	return pictures, errs
}

// spread calls work for 0..n-1 from as many goroutines as there are processors
// and waits for them.
func spread(n int, work func(i int)) {
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for i := range next {
				work(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	workers.Wait()
}
