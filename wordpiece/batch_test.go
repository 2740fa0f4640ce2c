package wordpiece_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/loopitr/loopitr/wordpiece"
)

func TestBucket(t *testing.T) {
	for _, c := range []struct{ length, longest, want int }{
		{0, 30, 8}, {1, 30, 8}, {8, 30, 8}, {9, 30, 16}, {17, 30, 24}, {24, 30, 24}, {25, 30, 30}, {30, 30, 30},
		{25, 32, 32}, {3, 4, 4}, {33, 64, 40},
	} {
		if got := wordpiece.Bucket(c.length, c.longest); got != c.want {
			t.Errorf("Bucket(%d, %d) = %d, want %d", c.length, c.longest, got, c.want)
		}
	}
}

func TestEncodeBatchPadsToABucket(t *testing.T) {
	tokenizer := newTokenizer(t, small(t), plain(64))
	got := tokenizer.EncodeBatch([]string{"a dogs", "", "a a a a a a a"})
	pad := []int32{0, 0, 0, 0, 0, 0, 0, 0}
	want := wordpiece.Batch{
		Count: 3, Length: 16, Lengths: []int{5, 2, 9},
		IDs: slices.Concat(
			[]int32{2, 5, 11, 12, 3}, pad, pad[:3],
			[]int32{2, 3}, pad, pad[:6],
			[]int32{2, 5, 5, 5, 5, 5, 5, 5, 3}, pad[:7],
		),
	}
	for _, length := range want.Lengths {
		want.Mask = append(want.Mask, slices.Repeat([]bool{true}, length)...)
		want.Mask = append(want.Mask, make([]bool, 16-length)...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEncodeBatchOfNothingIsZero(t *testing.T) {
	if diff := cmp.Diff(wordpiece.Batch{}, newTokenizer(t, small(t), plain(64)).EncodeBatch(nil)); diff != "" {
		t.Error(diff)
	}
}

func TestEncodeBatchRowsAreEncode(t *testing.T) {
	v := bertVocabulary(t)
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(captions(), 1, 5).Draw(t, "captions")
		maxTokens := rapid.IntRange(2, 40).Draw(t, "maxTokens")
		tokenizer, err := wordpiece.New(v, plain(maxTokens))
		if err != nil {
			t.Fatal(err)
		}
		b := tokenizer.EncodeBatch(texts)
		if longest := slices.Max(b.Lengths); b.Length != wordpiece.Bucket(longest, maxTokens) || b.Length < longest {
			t.Fatalf("length %d for %d ids", b.Length, longest)
		}
		for i, text := range texts {
			row, mask := b.IDs[i*b.Length:(i+1)*b.Length], b.Mask[i*b.Length:(i+1)*b.Length]
			if want := tokenizer.Encode(text); !slices.Equal(row[:b.Lengths[i]], want) {
				t.Fatalf("row %d: got %v, want %v", i, row, want)
			}
			for at := range row {
				if inside := at < b.Lengths[i]; mask[at] != inside || !inside && row[at] != v.Specials().Pad {
					t.Fatalf("row %d column %d: id %d, mask %v", i, at, row[at], mask[at])
				}
			}
		}
	})
}

func BenchmarkEncodeBatch(b *testing.B) {
	tokenizer := newTokenizer(b, bertVocabulary(b), wordpiece.ALBEF())
	texts := slices.Repeat([]string{
		"A man riding a wave on top of a surfboard.",
		"Two dogs play with a frisbee in the snow, near a wooden fence.",
		"An elderly woman is knitting.",
		"The skateboarder grinds along the handrail in an abandoned amphitheatre.",
	}, 32)
	b.ReportAllocs()
	for b.Loop() {
		tokenizer.EncodeBatch(texts)
	}
	b.ReportMetric(float64(b.N*len(texts))/b.Elapsed().Seconds(), "captions/s")
}
