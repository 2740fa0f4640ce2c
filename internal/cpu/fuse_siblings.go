package cpu

import "sort"

// Siblings are groups that read the same value without waiting for each other:
// one pass over it serves both.
const (
	siblingElements = 4096 // shared values below this fit a cache anyway
	siblingDistance = 400  // recorded nodes between siblings: far ones would keep values alive
)

// mergeSiblings joins groups of equal space that share a large operand.
func (f *fuser) mergeSiblings(groups []*group) []*group {
	merged := map[*group]bool{}
	for _, n := range f.graph.nodes {
		if n.isView() || n.size() < siblingElements || len(f.users[n.id]) < 2 || !n.shape.Ok() {
			continue
		}
		readers := f.readers(n)
		for i, a := range readers {
			if merged[a] || a.has[n] {
				continue
			}
			for _, b := range readers[i+1:] {
				if !merged[b] && !b.has[n] && f.mergeable(a, b, n) {
					f.merge(a, b)
					merged[b] = true
				}
			}
		}
	}
	kept := groups[:0]
	for _, g := range groups {
		if !merged[g] {
			kept = append(kept, g)
		}
	}
	sort.Slice(kept, func(i, j int) bool { return kept[i].last < kept[j].last })
	return kept
}

func (f *fuser) mergeable(a, b *group, n *node) bool {
	if a.rows*a.columns != b.rows*b.columns || n.size() != a.rows*a.columns {
		return false
	}
	if a.columns != b.columns && a.columns != 1 && b.columns != 1 {
		return false
	}
	if len(a.members)+len(b.members) > maxMembers || b.last-a.last > siblingDistance || a.last-b.last > siblingDistance {
		return false
	}
	f.round++
	if f.reaches(a, map[any]bool{b: true}, -1) {
		return false
	}
	f.round++
	return !f.reaches(b, map[any]bool{a: true}, -1)
}

// merge moves b's members to a.
func (f *fuser) merge(a, b *group) {
	if a.columns == 1 {
		a.rows, a.columns = b.rows, b.columns
	}
	for _, n := range b.members {
		for i, g := range n.sharedBy {
			if g == b {
				n.sharedBy[i] = a
			}
		}
		if f.owner[n.id] == b {
			f.owner[n.id] = a
		}
		if !a.has[n] {
			a.has[n] = true
			a.members = append(a.members, n)
		}
	}
	a.last = max(a.last, b.last)
}
