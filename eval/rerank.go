package eval

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/loopitr/loopitr"
)

// judged is what the matcher said of the candidates, caption by caption.
type judged struct {
	first    []int   // first pair of each caption; one more at the end
	pictures []int32 // of each pair, rising within a caption
	z        []float32
}

// handOut gives every query the log-odds of its candidates.
func (j *judged) handOut(l *layout) {
	for c := range l.texts {
		t := &l.texts[c]
		t.z = make([]float32, len(t.top))
		for i, candidate := range t.top {
			t.z[i] = j.logOdds(c, candidate.Item)
		}
	}
	for p := range l.images {
		t := &l.images[p]
		t.z = make([]float32, len(t.top))
		for i, candidate := range t.top {
			t.z[i] = j.logOdds(candidate.Item, p)
		}
	}
}

// logOdds returns the match log-odds of a pair that was judged.
func (j *judged) logOdds(caption, picture int) float32 {
	from, to := j.first[caption], j.first[caption+1]
	i, ok := slices.BinarySearch(j.pictures[from:to], int32(picture))
	if !ok {
		panic(fmt.Sprintf("eval: caption %d with picture %d was not judged", caption, picture))
	}
	return j.z[from+i]
}

// candidates lists every pair that is among the k best in either direction, each
// once, so that a caption's pairs stand together.
func candidates(l *layout) *judged {
	rows := make([][]int32, len(l.captions))
	for c := range l.texts {
		for _, t := range l.texts[c].top {
			rows[c] = append(rows[c], int32(t.Item))
		}
	}
	for p := range l.images {
		for _, t := range l.images[p].top {
			rows[t.Item] = append(rows[t.Item], int32(p))
		}
	}
	j := &judged{first: make([]int, 1, len(rows)+1)}
	for _, row := range rows {
		slices.Sort(row)
		j.pictures = append(j.pictures, slices.Compact(row)...)
		j.first = append(j.first, len(j.pictures))
	}
	j.z = make([]float32, len(j.pictures))
	return j
}

// match judges all pairs. Pictures and captions go by in blocks whose states fit
// into half of the bound each; with all states held there is one block.
func (s *session) match(ctx context.Context) error {
	j := s.judged
	done := 0
	pictures, captions := s.images.block(s.config.StateBytes/2), s.texts.block(s.config.StateBytes/2)
	for p := 0; p < s.images.count; p += pictures {
		images, err := s.images.statesOf(ctx, p, min(p+pictures, s.images.count), s.config.Batch)
		if err != nil {
			return err
		}
		for c := 0; c < s.texts.count; c += captions {
			last := min(c+captions, s.texts.count)
			todo := j.within(span{c, last}, span{p, p + len(images)})
			if len(todo) == 0 {
				continue
			}
			texts, err := s.texts.statesOf(ctx, c, last, s.config.Batch)
			if err != nil {
				return err
			}
			pair := func(w work) loopitr.Pair {
				return loopitr.Pair{Text: texts[w.caption-c], Image: images[int(j.pictures[w.pair])-p]}
			}
			for batch := range slices.Chunk(todo, s.config.Pairs) {
				if err := s.matchBatch(ctx, batch, pair); err != nil {
					return err
				}
				done += len(batch)
				s.config.Progress(Rerank, done, len(j.z))
			}
		}
	}
	return nil
}

type span struct{ from, to int }

// work is one pair to be judged.
type work struct{ caption, pair int }

// within lists the pairs of a block, captions in order.
func (j *judged) within(captions, pictures span) []work {
	var todo []work
	for c := captions.from; c < captions.to; c++ {
		row := j.pictures[j.first[c]:j.first[c+1]]
		i, _ := slices.BinarySearchFunc(row, pictures.from, func(p int32, from int) int { return cmp.Compare(int(p), from) })
		for ; i < len(row) && int(row[i]) < pictures.to; i++ {
			todo = append(todo, work{caption: c, pair: j.first[c] + i})
		}
	}
	return todo
}

func (s *session) matchBatch(ctx context.Context, batch []work, pair func(work) loopitr.Pair) error {
	pairs := make([]loopitr.Pair, len(batch))
	for i, w := range batch {
		pairs[i] = pair(w)
	}
	z, err := s.model.Matcher.Match(ctx, pairs)
	if err != nil {
		return err
	}
	if len(z) != len(pairs) {
		return fmt.Errorf("matcher gave %d values for %d pairs: %w", len(z), len(pairs), loopitr.ErrInvalid)
	}
	for i, w := range batch {
		s.judged.z[w.pair] = z[i]
	}
	return nil
}
