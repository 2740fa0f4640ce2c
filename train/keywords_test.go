package train

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/loopitr/loopitr/dataset"
)

func TestSplitByHand(t *testing.T) {
	for caption, want := range map[string][]string{
		"dessert, pudding,sweet": {"dessert", "pudding", "sweet"},
		"custard":                {"custard"},
		" , a ,, b,":             {"a", "b"},
		"":                       nil,
	} {
		if diff := cmp.Diff(want, (Keywords{Separator: ","}).split(caption)); diff != "" {
			t.Errorf("%q (-want +got)\n%s", caption, diff)
		}
	}
}

// fruits are four pictures; the second has all keywords of the first list, the third
// a caption that is no list.
var fruits = []dataset.Record{
	{Captions: []string{"apple", "fruit,red"}},
	{Captions: []string{"cherry", "berry,fruit,red"}},
	{Captions: []string{"a red bus"}},
	{Captions: []string{"pear", "fruit,green"}},
}

func TestCutListsDescribeNoOtherPicture(t *testing.T) {
	k := Keywords{Share: 1, Separator: ","}
	pairs := []dataset.Pair{{Picture: 0, Caption: 1}, {Picture: 1, Caption: 1}, {Picture: 2}, {Picture: 3, Caption: 1}}
	// Two lists of "berry,fruit,red" tell the cherry apart only with "berry"; the
	// apple's list is the cherry's too, cut or not, so it stays whole.
	allowed := [][]string{
		{"fruit,red"},
		{"berry", "berry,fruit", "berry,red", "berry,fruit,red"},
		{"a red bus"},
		{"green", "fruit,green"},
	}
	seen := map[string]bool{}
	for seed := range uint64(1000) {
		captions := []string{"fruit,red", "berry,fruit,red", "a red bus", "fruit,green"}
		k.vary(rand.New(rand.NewPCG(seed, 1)), captions, k.known(pairs, fruits))
		for i, caption := range captions {
			words := slices.Sorted(strings.SplitSeq(caption, ","))
			sorted := strings.Join(words, ",")
			if !slices.Contains(allowed[i], sorted) {
				t.Fatalf("caption %d is cut to %q, want one of %q", i, caption, allowed[i])
			}
			seen[sorted] = true
		}
	}
	for _, want := range slices.Concat(allowed...) {
		if !seen[want] {
			t.Errorf("%q was never drawn", want)
		}
	}
}

func TestKeywordsAreCutInAShareOfTheSteps(t *testing.T) {
	k := Keywords{Share: 0.25, Separator: ","}
	known := []map[string]bool{{}}
	whole := 0
	for seed := range uint64(10_000) {
		captions := []string{"a,b,c,d,e,f,g,h,i,j"}
		k.vary(rand.New(rand.NewPCG(seed, 1)), captions, known)
		if captions[0] == "a,b,c,d,e,f,g,h,i,j" {
			whole++
		}
	}
	if whole < 7300 || whole > 7700 { // 7500 of 10,000, deviation 43; a shuffled whole list is rare
		t.Errorf("%d of 10,000 lists stay as they are, want about 7500", whole)
	}
}

func TestCutListsAreParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := Keywords{Share: 1, Separator: ","}
		words := rapid.SliceOfN(rapid.StringMatching(`[a-c]{1,2}`), 1, 6).Draw(t, "words")
		captions := []string{strings.Join(words, ", ")}
		k.vary(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)), captions, []map[string]bool{{}})
		cut := k.split(captions[0])
		if len(cut) == 0 {
			t.Fatalf("%q became empty", words)
		}
		for _, word := range cut {
			at := slices.Index(words, word)
			if at < 0 {
				t.Fatalf("%q holds %q more often than %q", captions, word, words)
			}
			words = slices.Delete(words, at, at+1)
		}
	})
}
