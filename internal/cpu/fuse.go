package cpu

import (
	"sort"

	"github.com/gomlx/compute"
)

// maxMembers bounds a tile program; longer chains are cut.
const maxMembers = 256

// fuser divides a graph's tileable nodes into groups. It walks from results to
// inputs: a node joins a group that reads it, so that its value stays in a
// register; if others read it too, the group also writes it to memory.
type fuser struct {
	graph   *graph
	spaces  []space
	owner   []*group // by node id: the group that computes it for others
	users   [][]use  // by node id: who reads it
	escapes []bool   // by node id: read by what is in no group, or returned
	mark    map[any]int
	round   int
}

// use is one reading of a value: operand in of user, whose root the value is.
type use struct {
	user, in *node
	barrier  bool // through a barrier: the value must be in memory
}

// fuse divides the graph's tileable nodes into groups.
func fuse(g *graph) []*group {
	f := &fuser{
		graph: g, spaces: make([]space, len(g.nodes)), owner: make([]*group, len(g.nodes)),
		users: make([][]use, len(g.nodes)), escapes: make([]bool, len(g.nodes)), mark: map[any]int{},
	}
	f.findUsers()
	var groups []*group
	for i := len(g.nodes) - 1; i >= 0; i-- {
		n := g.nodes[i]
		if f.spaces[i].role == noRole || n.isView() {
			continue
		}
		if created := f.place(n); created != nil {
			groups = append(groups, created)
		}
	}
	groups = f.mergeSiblings(groups)
	f.recompute(groups)
	for _, group := range groups {
		f.finish(group)
	}
	return groups
}

// findUsers fills spaces, users and escapes.
func (f *fuser) findUsers() {
	for i, n := range f.graph.nodes {
		if n.isView() {
			if isBarrier(n) {
				for _, in := range n.inputs[1:] {
					f.escapes[in.root().id] = true
				}
			}
			continue
		}
		f.spaces[i] = spaceOf(n)
		for _, in := range n.inputs {
			r := in.root()
			barrier := crossesBarrier(in)
			f.users[r.id] = append(f.users[r.id], use{n, in, barrier})
			if f.spaces[i].role == noRole || barrier {
				f.escapes[r.id] = true
			}
		}
	}
	for _, n := range f.graph.outputs {
		f.escapes[n.root().id] = true
	}
}

func isBarrier(n *node) bool {
	return n.op == compute.OpTypeOptimizationBarrier || n.op == compute.OpTypeSchedulingBarrier
}

func crossesBarrier(n *node) bool {
	for ; n.isView(); n = n.inputs[0] {
		if isBarrier(n) {
			return true
		}
	}
	return false
}

// place puts n into groups of its readers or a new one, which it returns.
func (f *fuser) place(n *node) *group {
	readers := f.readers(n)
	if n.op == compute.OpTypeBroadcastInDim && !f.escapes[n.id] {
		// Repeating costs nothing inside a program: every reader has its own.
		joined := len(readers) > 0
		for _, g := range readers {
			joined = joined && f.fits(n, g)
		}
		if joined {
			for _, g := range readers {
				f.join(n, g)
			}
			return nil
		}
	}
	for _, g := range readers {
		if f.fits(n, g) && !f.cycles(n, g) {
			f.join(n, g)
			f.owner[n.id] = g
			return nil
		}
	}
	s := f.spaces[n.id]
	g := &group{rows: s.rows, columns: s.columns, has: map[*node]bool{}}
	f.join(n, g)
	f.owner[n.id] = g
	return g
}

// readers are the groups that read n, the first scheduled first.
func (f *fuser) readers(n *node) []*group {
	var groups []*group
	seen := map[*group]bool{}
	for _, u := range f.users[n.id] {
		for _, g := range f.groupsOf(u.user) {
			if !seen[g] {
				seen[g] = true
				groups = append(groups, g)
			}
		}
	}
	sort.Slice(groups, func(i, j int) bool { return groups[i].last < groups[j].last })
	return groups
}

// groupsOf are the groups that have n as a member: one, but for broadcasts.
func (f *fuser) groupsOf(n *node) []*group {
	if g := f.owner[n.id]; g != nil {
		return []*group{g}
	}
	return n.sharedBy
}

func (f *fuser) join(n *node, g *group) {
	g.members = append(g.members, n)
	g.has[n] = true
	g.last = max(g.last, n.id)
	s := f.spaces[n.id]
	switch {
	case s.columns > 1 && g.columns == 1:
		g.rows, g.columns = s.rows, s.columns
	}
	if n.op == compute.OpTypeBroadcastInDim {
		n.sharedBy = append(n.sharedBy, g)
	}
}

// fits tells whether g's program can compute n for its members.
func (f *fuser) fits(n *node, g *group) bool {
	s := f.spaces[n.id]
	if len(g.members) >= maxMembers || s.role == columnSum || s.role == totalSum {
		return false
	}
	rows, columns, ok := f.unite(n, s, g)
	if !ok {
		return false
	}
	want := full
	if columns > 1 && n.size() == rows {
		want = perRow
	}
	for _, u := range f.users[n.id] {
		if !g.has[u.user] {
			continue
		}
		if u.barrier {
			return false
		}
		if got := classIn(operandStrides(u.user, u.in), spaceDims(u.user), rows, columns); got != want {
			return false
		}
	}
	return true
}

// unite finds the iteration space of g with n in it.
func (f *fuser) unite(n *node, s space, g *group) (rows, columns int, ok bool) {
	switch {
	case s.role == pointwise && n.size() == g.rows*g.columns:
		if s.columns == 1 || s.columns == g.columns {
			return g.rows, g.columns, true
		}
		return s.rows, s.columns, g.columns == 1
	case s.role == pointwise && n.size() == g.rows && g.columns > 1:
		return g.rows, g.columns, s.columns == 1
	case s.role == rowReduce && s.rows > 1 && s.rows == g.rows && s.columns == g.columns:
		return g.rows, g.columns, true
	}
	return 0, 0, false
}

// cycles tells whether n in g would make g depend on itself: another reader of n
// would wait for g while g waits for that reader.
func (f *fuser) cycles(n *node, g *group) bool {
	f.round++
	targets := map[any]bool{}
	for _, u := range f.users[n.id] {
		if g.has[u.user] && !u.barrier {
			continue
		}
		for _, t := range f.unitsOf(u.user) {
			if t != any(g) {
				targets[t] = true
			}
		}
	}
	return len(targets) > 0 && f.reaches(g, targets, n.id)
}

// unitsOf is what computes n: its groups, or itself.
func (f *fuser) unitsOf(n *node) []any {
	groups := f.groupsOf(n)
	if len(groups) == 0 {
		return []any{n}
	}
	units := make([]any, len(groups))
	for i, g := range groups {
		units[i] = g
	}
	return units
}

// reaches tells whether unit waits for any of targets. Nodes up to id low cannot.
func (f *fuser) reaches(unit any, targets map[any]bool, low int) bool {
	if f.mark[unit] == f.round {
		return false
	}
	f.mark[unit] = f.round
	members := []*node{}
	g, isGroup := unit.(*group)
	if isGroup {
		members = g.members
	} else {
		members = append(members, unit.(*node))
	}
	for _, m := range members {
		for _, in := range m.inputs {
			if f.reachesThrough(in, g, targets, low) {
				return true
			}
		}
	}
	return false
}

func (f *fuser) reachesThrough(in *node, g *group, targets map[any]bool, low int) bool {
	for in.isView() {
		if isBarrier(in) {
			for _, d := range in.inputs[1:] {
				if f.reachesThrough(d, nil, targets, low) {
					return true
				}
			}
		}
		in = in.inputs[0]
	}
	if in.id <= low || g != nil && g.has[in] {
		return false
	}
	for _, t := range f.unitsOf(in) {
		if targets[t] || f.reaches(t, targets, low) {
			return true
		}
	}
	return false
}

// classIn is classify in a space where values of one element per row have axes of
// their own.
func classIn(strides, dims []int, rows, columns int) class {
	if columns > 1 && product(dims) == rows {
		switch classify(strides, dims, rows, 1) {
		case full:
			return perRow
		case single:
			return single
		}
		return strided
	}
	return classify(strides, dims, rows, columns)
}

// finish orders members and finds which of them others read.
func (f *fuser) finish(g *group) {
	sort.Slice(g.members, func(i, j int) bool { return g.members[i].id < g.members[j].id })
	for _, n := range g.members {
		if f.owner[n.id] != g {
			continue
		}
		role := f.spaces[n.id].role
		wanted := f.escapes[n.id] || role == columnSum || role == totalSum
		for _, u := range f.users[n.id] {
			for _, reader := range f.groupsOf(u.user) {
				wanted = wanted || !reader.has[n]
			}
		}
		if wanted {
			g.outputs = append(g.outputs, n)
		}
	}
}
