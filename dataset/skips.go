package dataset

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/loopitr/loopitr"
)

// Reason is why an input was skipped.
type Reason string

// The reasons, in the words that are printed.
const (
	MissingFile    Reason = "missing file"
	MissingTokens  Reason = "no tokens"
	Unreadable     Reason = "unreadable"
	NotAFile       Reason = "not a file"
	SymlinkLoop    Reason = "symlink loop"
	UnsafeName     Reason = "unsafe name"
	OversizedInput Reason = "oversized"
	BadRow         Reason = "bad row"
	InvalidText    Reason = "invalid UTF-8"
	EmptyCaption   Reason = "empty caption"
	NoCaption      Reason = "picture without caption"
	DuplicateID    Reason = "duplicate picture"
	SeveralSplits  Reason = "picture in several splits"
	Truncated      Reason = "truncated file"
)

// kind is the root's kind of error for a picture that is skipped for the reason.
func (r Reason) kind() error {
	if r == MissingFile {
		return loopitr.ErrNotFound
	}
	return loopitr.ErrInvalid
}

// Skip is one input that was left out.
type Skip struct {
	// Where is the file and line, sample or element.
	Where string `json:"where"`
	// Reason is one of the constants.
	Reason Reason `json:"reason"`
	// Detail is what was wrong with it; it may be empty.
	Detail string `json:"detail,omitempty"`
}

// String is the one line that is shown.
func (s Skip) String() string {
	return fmt.Sprintf("skipping %s: %s", s.Where, s.Cause())
}

// Cause is the reason and what was wrong.
func (s Skip) Cause() string {
	if s.Detail == "" {
		return string(s.Reason)
	}
	return string(s.Reason) + ": " + s.Detail
}

// Skips is what was left out: full counts, and the first of them in detail.
type Skips struct {
	// Details are the first skipped inputs in the order they were met
	// (Limits.Details of them).
	Details []Skip `json:"details"`
	// Counts is the full number for each reason.
	Counts map[Reason]int `json:"counts"`
}

// Total is the number of skipped inputs.
func (s Skips) Total() int {
	total := 0
	for _, n := range s.Counts {
		total += n
	}
	return total
}

// String is the counts on one line, the most frequent reason first; empty when
// nothing was skipped.
func (s Skips) String() string {
	reasons := make([]Reason, 0, len(s.Counts))
	for r := range s.Counts {
		reasons = append(reasons, r)
	}
	sort.Slice(reasons, func(i, j int) bool {
		if a, b := s.Counts[reasons[i]], s.Counts[reasons[j]]; a != b {
			return a > b
		}
		return reasons[i] < reasons[j]
	})
	parts := make([]string, len(reasons))
	for i, r := range reasons {
		parts[i] = fmt.Sprintf("%d %s", s.Counts[r], r)
	}
	return strings.Join(parts, ", ")
}

func (s *Skips) add(limit int, k Skip) {
	if s.Counts == nil {
		s.Counts = map[Reason]int{}
	}
	s.Counts[k.Reason]++
	if len(s.Details) < limit {
		// Names and causes come from the input: what they may do to a terminal and
		// to memory is bounded here.
		k.Where, k.Detail = printable(k.Where), printable(k.Detail)
		s.Details = append(s.Details, k)
	}
}

// printable quotes text with control characters or invalid UTF-8 and cuts it to
// a line's length.
func printable(text string) string {
	const longest = 300
	if len(text) > longest {
		text = text[:longest] + "..."
	}
	if quoted := strconv.Quote(text); quoted[1:len(quoted)-1] != text && !onlyQuotesDiffer(quoted, text) {
		return quoted
	}
	return text
}

func onlyQuotesDiffer(quoted, text string) bool {
	inner := strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
	return strings.ReplaceAll(inner, `\\`, `\`) == text
}

// spot is a place in an annotation file, formatted only when it is shown:
// there is one for every row.
type spot struct {
	file string
	line int    // from 1; 0 when the file has no lines
	unit string // "line" is written as FILE:N, others as FILE UNIT N
}

func (s spot) String() string {
	switch {
	case s.line == 0:
		return s.file
	case s.unit == "":
		return s.file + ":" + strconv.Itoa(s.line)
	default:
		return s.file + " " + s.unit + " " + strconv.Itoa(s.line)
	}
}
