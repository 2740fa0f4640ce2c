package cpu

import (
	"github.com/gomlx/compute"
)

// maxRecomputed is how many operations a group repeats to spare reading a value
// that another group would have to write and keep.
const maxRecomputed = 2

// recompute lets groups make cheap values themselves instead of reading them,
// when everything they are made of is in memory and read by the group anyway.
func (f *fuser) recompute(groups []*group) {
	for _, g := range groups {
		for _, n := range g.members {
			if f.owner[n.id] == g && !f.escapes[n.id] && n.size() >= siblingElements {
				f.recomputeValue(n, g)
			}
		}
	}
}

// recomputeValue moves copies of n's making into all other groups that read it,
// or leaves things as they are.
func (f *fuser) recomputeValue(n *node, g *group) {
	var readers []*group
	for _, r := range f.readers(n) {
		if r != g && !r.has[n] {
			readers = append(readers, r)
		}
	}
	if len(readers) == 0 {
		return
	}
	var parts []*node
	if !f.parts(n, g, readers, &parts) {
		return
	}
	for _, r := range readers {
		for _, m := range parts {
			if !r.has[m] {
				r.has[m] = true
				r.members = append(r.members, m)
			}
		}
	}
}

// parts collects the operations that make n from values in memory that every
// reader reads anyway, or are small.
func (f *fuser) parts(n *node, g *group, readers []*group, parts *[]*node) bool {
	if len(*parts) >= maxRecomputed || f.spaces[n.id].role != pointwise || !cheap(n) {
		return false
	}
	for _, r := range readers {
		s := f.spaces[n.id]
		if r.has[n] || n.size() != r.rows*r.columns || s.columns > 1 && (s.columns != r.columns || s.rows != r.rows) {
			return false
		}
		if !f.readsWhole(r, n) {
			return false
		}
	}
	*parts = append(*parts, n)
	for _, in := range n.inputs {
		root := in.root()
		if crossesBarrier(in) {
			return false
		}
		if !g.has[root] || f.keptAnyway(root, g) {
			if root.size() >= siblingElements && !f.readByAll(root, readers) {
				return false
			}
			continue
		}
		if !f.parts(root, g, readers, parts) {
			return false
		}
	}
	return true
}

// cheap operations take a few cycles for eight elements.
func cheap(n *node) bool {
	switch n.op {
	case compute.OpTypeAdd, compute.OpTypeSub, compute.OpTypeMul, compute.OpTypeDiv,
		compute.OpTypeNeg, compute.OpTypeMax, compute.OpTypeMin, compute.OpTypeBroadcastInDim:
		return true
	}
	return false
}

// readsWhole tells whether r reads n element for element only.
func (f *fuser) readsWhole(r *group, n *node) bool {
	for _, u := range f.users[n.id] {
		if !r.has[u.user] {
			continue
		}
		if u.barrier || classIn(operandStrides(u.user, u.in), spaceDims(u.user), r.rows, r.columns) != full {
			return false
		}
	}
	return true
}

// keptAnyway tells whether a member of g must be in memory for another reason:
// it is small, returned, or another group reads it.
func (f *fuser) keptAnyway(n *node, g *group) bool {
	if f.owner[n.id] != g {
		return false
	}
	if f.escapes[n.id] {
		return true
	}
	for _, u := range f.users[n.id] {
		for _, reader := range f.groupsOf(u.user) {
			if !reader.has[n] {
				return true
			}
		}
	}
	return n.size()*8 <= g.rows*g.columns && f.spaces[n.id].role != columnSum
}

// readByAll tells whether every reader reads n already.
func (f *fuser) readByAll(n *node, readers []*group) bool {
	for _, r := range readers {
		if r.has[n] {
			continue
		}
		reads := false
		for _, u := range f.users[n.id] {
			reads = reads || r.has[u.user] && !u.barrier
		}
		if !reads {
			return false
		}
	}
	return true
}
