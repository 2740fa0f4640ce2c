package dataset_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/dataset"
)

// numbered returns records with the given numbers of captions, all different.
func numbered(captions ...int) []dataset.Record {
	records := make([]dataset.Record, len(captions))
	for i, n := range captions {
		records[i].ID = fmt.Sprintf("%d.jpg", i)
		for c := range n {
			records[i].Captions = append(records[i].Captions, fmt.Sprintf("caption %d of %d", c, i))
		}
	}
	return records
}

func sampler(t testing.TB, records []dataset.Record, config dataset.SamplerConfig) *dataset.Sampler {
	t.Helper()
	s, err := dataset.NewSampler(records, config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestGroupsIgnoreCaseAndSpace(t *testing.T) {
	g := dataset.NewGroups([]dataset.Record{
		{ID: "a", Captions: []string{"A red  apple", "fruit"}},
		{ID: "b", Captions: []string{"a red apple ", "pear"}},
		{ID: "c", Captions: []string{"plum"}},
	})
	got := []int{g.Pictures(), g.Captions(), g.Texts(), g.Text(dataset.Pair{Picture: 1})}
	if diff := cmp.Diff([]int{3, 5, 4, 0}, got); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	for _, c := range []struct {
		a, b dataset.Pair
		want bool
	}{
		{dataset.Pair{Picture: 0}, dataset.Pair{Picture: 0, Caption: 1}, true}, // one picture
		{dataset.Pair{Picture: 0}, dataset.Pair{Picture: 1}, true},             // one text
		{dataset.Pair{Picture: 0}, dataset.Pair{Picture: 1, Caption: 1}, true}, // a's text is also b's picture's
		{dataset.Pair{Picture: 0, Caption: 1}, dataset.Pair{Picture: 1, Caption: 1}, false},
		{dataset.Pair{Picture: 0}, dataset.Pair{Picture: 2}, false},
	} {
		if g.Related(c.a, c.b) != c.want || g.Related(c.b, c.a) != c.want {
			t.Errorf("related %v, %v: got %v, want %v", c.a, c.b, !c.want, c.want)
		}
	}
}

func TestEveryPairIsVisitedOnceAnEpoch(t *testing.T) {
	s := sampler(t, numbered(5, 5, 5, 5, 5, 5, 5, 5), dataset.SamplerConfig{Seed: 1, Batch: 4})
	if s.Steps() != 10 || s.Visits() != 40 {
		t.Fatalf("got %d steps of %d pairs, want 10 of 40", s.Steps(), s.Visits())
	}
	for epoch := range int64(20) {
		seen := map[dataset.Pair]int{}
		for i := range int64(10) {
			for _, p := range s.Batch(epoch*10 + i) {
				seen[p]++
			}
		}
		if len(seen) != 40 {
			t.Errorf("epoch %d: %d pairs seen, want 40", epoch, len(seen))
		}
	}
}

func TestLastBatchIsFilledFromTheEpochsBeginning(t *testing.T) {
	s := sampler(t, numbered(1, 1, 1, 1, 1, 1, 1), dataset.SamplerConfig{Seed: 3, Batch: 4})
	want := dataset.EpochCount{Visited: 7, Repeated: 1}
	if got := s.Epoch(5); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, first := s.Batch(11)[3], s.Batch(10)[0]; got != first {
		t.Errorf("filled with %v, want the first of the epoch, %v", got, first)
	}
}

func TestPicturesModeDrawsEveryCaptionInARound(t *testing.T) {
	records := numbered(3, 3, 3, 3)
	s := sampler(t, records, dataset.SamplerConfig{Seed: 9, Batch: 2, Mode: dataset.Pictures})
	rounds := map[string]bool{}
	for round := range int64(8) {
		seen := map[dataset.Pair]bool{}
		order := ""
		for step := range int64(6) {
			for _, p := range s.Batch(round*6 + step) {
				seen[p] = true
				if p.Picture == 0 {
					order += fmt.Sprint(p.Caption)
				}
			}
		}
		if len(seen) != 12 {
			t.Errorf("round %d: %d of 12 pairs", round, len(seen))
		}
		rounds[order] = true
	}
	if len(rounds) < 2 {
		t.Errorf("every round draws picture 0's captions in the order %v", rounds)
	}
}

func TestSamplerRefusesBatchesThatCannotBe(t *testing.T) {
	same := numbered(1, 1, 1, 1)
	for i := range same {
		same[i].Captions[0] = "the same"
	}
	for name, c := range map[string]struct {
		records []dataset.Record
		config  dataset.SamplerConfig
	}{
		"no records":        {nil, dataset.SamplerConfig{Batch: 1}},
		"batch 0":           {numbered(1), dataset.SamplerConfig{}},
		"larger than set":   {numbered(1, 1), dataset.SamplerConfig{Batch: 3}},
		"one picture":       {numbered(9), dataset.SamplerConfig{Batch: 2}},
		"one text":          {same, dataset.SamplerConfig{Batch: 2}},
		"unknown mode":      {numbered(1), dataset.SamplerConfig{Batch: 1, Mode: "rows"}},
		"captionless drawn": {numbered(1, 0), dataset.SamplerConfig{Batch: 1, Mode: dataset.Pictures}},
	} {
		if _, err := dataset.NewSampler(c.records, c.config); !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
}

// The order is part of what a checkpoint means: another one would resume old runs
// into other data. The values are of scripts/golden/dataset_order.py.
func TestOrderIsTheGoldenOne(t *testing.T) {
	s := sampler(t, numbered(1, 1, 1, 1, 1, 1, 1), dataset.SamplerConfig{Seed: 42, Batch: 7})
	for epoch, want := range map[int64][]int32{
		0:       {3, 0, 4, 6, 1, 2, 5},
		1:       {5, 2, 0, 6, 1, 4, 3},
		1 << 40: {2, 5, 6, 3, 0, 4, 1},
	} {
		var got []int32
		for _, p := range s.Batch(epoch) {
			got = append(got, p.Picture)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("epoch %d (-want +got):\n%s", epoch, diff)
		}
	}
}

func TestBatchesHoldNoRelatedPairs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records, config := drawRecords(t), dataset.SamplerConfig{
			Seed:  rapid.Uint64().Draw(t, "seed"),
			Batch: rapid.IntRange(1, 12).Draw(t, "batch"),
			Mode:  rapid.SampledFrom([]dataset.Mode{dataset.Pairs, dataset.Pictures}).Draw(t, "mode"),
		}
		s, err := dataset.NewSampler(records, config)
		if err != nil {
			t.Skip(err)
		}
		epoch := rapid.Int64Range(0, 5).Draw(t, "epoch")
		seen, places := map[dataset.Pair]bool{}, 0
		for i := range int64(s.Steps()) {
			batch := s.Batch(epoch*int64(s.Steps()) + i)
			for a, p := range batch {
				seen[p] = true
				for _, q := range batch[:a] {
					if s.Groups().Related(p, q) {
						t.Fatalf("step %d holds %v and %v", i, p, q)
					}
				}
			}
			places += len(batch)
		}
		count := s.Epoch(epoch)
		if count.Visited != len(seen) || count.Visited+count.LeftOut != s.Visits() || places != count.Visited+count.Repeated {
			t.Fatalf("%+v with %d different pairs in %d places of %d", count, len(seen), places, s.Visits())
		}
	})
}

// A sampler that starts at a step sees what one sees that ran up to it.
func TestBatchDependsOnTheStepAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		config := dataset.SamplerConfig{Seed: rapid.Uint64().Draw(t, "seed"), Batch: 2}
		records := numbered(3, 2, 4, 1, 2)
		straight, err := dataset.NewSampler(records, config)
		if err != nil {
			t.Fatal(err)
		}
		var want [][]dataset.Pair
		for step := range int64(20) {
			want = append(want, straight.Batch(step))
		}
		for _, step := range rapid.SliceOf(rapid.Int64Range(0, 19)).Draw(t, "steps") {
			fresh, err := dataset.NewSampler(records, config)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want[step], fresh.Batch(step)); diff != "" {
				t.Fatalf("step %d (-want +got):\n%s", step, diff)
			}
		}
	})
}

func drawRecords(t *rapid.T) []dataset.Record {
	texts := rapid.IntRange(1, 60).Draw(t, "texts")
	text := rapid.Custom(func(t *rapid.T) string { return fmt.Sprint("t", rapid.IntRange(0, texts).Draw(t, "text")) })
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) dataset.Record {
		return dataset.Record{Captions: rapid.SliceOfN(text, 1, 6).Draw(t, "captions")}
	}), 1, 40).Draw(t, "records")
}

func TestUnevenTextsLeaveOutNoMoreThanTheyMust(t *testing.T) {
	records := numbered(make([]int, 400)...)
	for i := range records {
		records[i].Captions = []string{fmt.Sprint("own ", i)}
		if i%4 == 0 {
			records[i].Captions[0] = "the same"
		}
	}
	s := sampler(t, records, dataset.SamplerConfig{Batch: 8})
	// 50 batches have room for 50 of the 100 pairs that share a text.
	if got := s.Epoch(0); got.LeftOut != 50 || got.Repeated != 50 {
		t.Errorf("got %+v, want 50 left out and their places filled", got)
	}
}

func BenchmarkPlan(b *testing.B) {
	captions := make([]int, 100_000)
	for i := range captions {
		captions[i] = 5
	}
	s := sampler(b, numbered(captions...), dataset.SamplerConfig{Batch: 128})
	for b.Loop() {
		s.Batch(0)
		s.Batch(int64(s.Steps()))
	}
}
