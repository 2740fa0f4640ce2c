package dataset

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/loopitr/loopitr"
)

// expand writes out the braces of a pattern ({00..03}, {a,b}) in order, then
// matches *, ? and [] against the disk. A path without any of them is itself.
func expand(pattern string) ([]string, error) {
	braced, err := expandBraces(pattern)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, p := range braced {
		if !strings.ContainsAny(p, "*?[") {
			paths = append(paths, p)
			continue
		}
		matches, err := filepath.Glob(p)
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w: %w", p, err, loopitr.ErrInvalid)
		}
		paths = append(paths, matches...)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("pattern %q matches no file: %w", pattern, loopitr.ErrNotFound)
	}
	return paths, nil
}

func expandBraces(pattern string) ([]string, error) {
	done, open := []string{""}, pattern
	for {
		before, rest, ok := strings.Cut(open, "{")
		inside, after, closed := strings.Cut(rest, "}")
		if !ok || !closed {
			for i := range done {
				done[i] += open
			}
			return done, nil
		}
		options, err := braceOptions(inside)
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", pattern, err)
		}
		if len(done)*len(options) > mostFiles {
			return nil, fmt.Errorf("pattern %q stands for more than %d files: %w", pattern, mostFiles, loopitr.ErrInvalid)
		}
		next := make([]string, 0, len(done)*len(options))
		for _, d := range done {
			for _, o := range options {
				next = append(next, d+before+o)
			}
		}
		done, open = next, after
	}
}

// braceOptions are the alternatives inside one pair of braces. Numbers keep the
// width of the wider end, as in a shell.
func braceOptions(inside string) ([]string, error) {
	from, to, ranged := strings.Cut(inside, "..")
	if !ranged {
		return strings.Split(inside, ","), nil
	}
	if !isNumber(from) || !isNumber(to) || strings.TrimSpace(from) != from || strings.TrimSpace(to) != to {
		return nil, fmt.Errorf("range {%s} is not of numbers: %w", inside, loopitr.ErrInvalid)
	}
	first, _ := strconv.Atoi(from) // isNumber: at most nine digits
	last, _ := strconv.Atoi(to)
	if last < first {
		return nil, fmt.Errorf("range {%s} runs backwards: %w", inside, loopitr.ErrInvalid)
	}
	if last-first >= mostFiles {
		return nil, fmt.Errorf("range {%s} is longer than %d: %w", inside, mostFiles, loopitr.ErrInvalid)
	}
	width := 0
	if from[0] == '0' && len(from) > 1 || to[0] == '0' && len(to) > 1 {
		width = max(len(from), len(to))
	}
	var options []string
	for n := first; n <= last; n++ {
		options = append(options, fmt.Sprintf("%0*d", width, n))
	}
	return options, nil
}
