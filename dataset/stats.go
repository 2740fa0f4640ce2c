package dataset

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Stats describes a set.
type Stats struct {
	Count
	// Splits are in the order of their names.
	Splits []SplitCount `json:"splits"`
	// CaptionsPerPicture and WordsPerCaption are histograms in rising order.
	CaptionsPerPicture []Bin `json:"captions_per_picture"`
	WordsPerCaption    []Bin `json:"words_per_caption"`
	// LongestCaption is in characters.
	LongestCaption int `json:"longest_caption"`
	// Texts is the number of different captions, but for case and white space.
	Texts int `json:"texts"`
	// Vocabulary is the number of different words.
	Vocabulary int `json:"vocabulary"`
	// Words are the most frequent words, the most frequent first.
	Words []WordCount `json:"words"`
}

// SplitCount is the size of one split; Split is "" for records that state none.
type SplitCount struct {
	Split string `json:"split"`
	Count
}

// Bin is how many have a value.
type Bin struct {
	Value int `json:"value"`
	Count int `json:"count"`
}

// WordCount is how often a word is in the captions.
type WordCount struct {
	Word  string `json:"word"`
	Count int    `json:"count"`
}

// StatsOf describes records, with the mostWords most frequent words. A word is a
// run of letters, marks and digits, in lower case.
func StatsOf(records []Record, mostWords int) Stats {
	s := Stats{Count: CountOf(records), Texts: NewGroups(records).Texts()}
	splits, captions, lengths := map[string]Count{}, map[int]int{}, map[int]int{}
	words := map[string]int{}
	for _, r := range records {
		c := splits[r.Split]
		splits[r.Split] = Count{c.Pictures + 1, c.Captions + len(r.Captions)}
		captions[len(r.Captions)]++
		for _, caption := range r.Captions {
			found := strings.FieldsFunc(strings.ToLower(caption), betweenWords)
			lengths[len(found)]++
			for _, word := range found {
				words[word]++
			}
			s.LongestCaption = max(s.LongestCaption, utf8.RuneCountInString(caption))
		}
	}
	for _, name := range sortedKeys(splits) {
		s.Splits = append(s.Splits, SplitCount{Split: name, Count: splits[name]})
	}
	s.CaptionsPerPicture, s.WordsPerCaption = histogram(captions), histogram(lengths)
	s.Vocabulary, s.Words = len(words), frequent(words, mostWords)
	return s
}

func betweenWords(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r)
}

func histogram(counts map[int]int) []Bin {
	bins := make([]Bin, 0, len(counts))
	for _, value := range sortedKeys(counts) {
		bins = append(bins, Bin{Value: value, Count: counts[value]})
	}
	return bins
}

func frequent(words map[string]int, most int) []WordCount {
	all := make([]WordCount, 0, len(words))
	for word, n := range words {
		all = append(all, WordCount{Word: word, Count: n})
	}
	slices.SortFunc(all, func(a, b WordCount) int {
		return cmp.Or(-cmp.Compare(a.Count, b.Count), cmp.Compare(a.Word, b.Word))
	})
	return slices.Clip(all[:max(0, min(most, len(all)))])
}
