package dataset

import (
	"cmp"
	"slices"
)

// sortedKeys makes what is done over a map happen in one order.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
