package checkpoint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/loopitr/loopitr"
)

// Shape names a tensor that a model must have and its dimensions.
type Shape struct {
	Name string
	Dims []int
}

// Tensor is a named block of values, row after row.
type Tensor struct {
	Name   string
	Dims   []int
	Values []float32
}

// maxListed bounds how many names one error lists of each kind.
const maxListed = 20

// Match compares what a file holds with what is wanted. The error wraps
// loopitr.ErrCorrupt and lists every kind of difference with its count: missing,
// unexpected and mis-shaped names, at most twenty of each.
func Match(want, have []Shape) error {
	left := make(map[string][]int, len(have))
	for _, h := range have {
		left[h.Name] = h.Dims
	}
	var missing, unexpected, misshaped []string
	for _, w := range want {
		dims, ok := left[w.Name]
		switch {
		case !ok:
			missing = append(missing, fmt.Sprintf("%q %v", w.Name, w.Dims))
		case !slices.Equal(dims, w.Dims):
			misshaped = append(misshaped, fmt.Sprintf("%q is %v, want %v", w.Name, dims, w.Dims))
		}
		delete(left, w.Name)
	}
	for name, dims := range left {
		unexpected = append(unexpected, fmt.Sprintf("%q %v", name, dims))
	}
	slices.Sort(unexpected)
	if len(missing)+len(unexpected)+len(misshaped) == 0 {
		return nil
	}
	var b strings.Builder
	list(&b, "missing", missing)
	list(&b, "unexpected", unexpected)
	list(&b, "mis-shaped", misshaped)
	return fmt.Errorf("tensors do not fit the network: %s: %w", strings.TrimPrefix(b.String(), "; "), loopitr.ErrCorrupt)
}

func list(b *strings.Builder, kind string, names []string) {
	if len(names) == 0 {
		return
	}
	fmt.Fprintf(b, "; %d %s: %s", len(names), kind, strings.Join(names[:min(len(names), maxListed)], ", "))
	if more := len(names) - maxListed; more > 0 {
		fmt.Fprintf(b, " and %d more", more)
	}
}

// checkTensors refuses what could not be read back: wrong lengths and repeated names.
func checkTensors(tensors []Tensor) error {
	names := make([]string, len(tensors))
	for i, t := range tensors {
		n := 1
		for _, d := range t.Dims {
			n *= d
		}
		if n != len(t.Values) {
			return fmt.Errorf("tensor %q: %d values for shape %v: %w", t.Name, len(t.Values), t.Dims, loopitr.ErrInvalid)
		}
		names[i] = t.Name
	}
	slices.SortFunc(names, cmp.Compare)
	for i := 1; i < len(names); i++ {
		if names[i] == names[i-1] {
			return fmt.Errorf("tensor %q: given twice: %w", names[i], loopitr.ErrInvalid)
		}
	}
	return nil
}
