package cpu

import (
	"fmt"

	"github.com/gomlx/compute"
)

// unit is what one step computes: a group of fused nodes or a single node.
type unit struct {
	node  *node  // nil for a group
	group *group // nil for a single node

	index   int     // position in the schedule
	outputs []*node // what has storage afterwards
	reads   []*node // roots it reads
	scratch int     // bytes it needs while it runs
	slot    int     // of the scratch
}

// compiler turns a simplified graph into a program.
type compiler struct {
	backend *Backend
	graph   *graph
	program *program
	unitOf  []*unit // by node id: the unit that leaves it in memory
	fused   []bool  // by node id: computed inside groups
	groups  []*unit
	units   []*unit // in schedule order
	slotOf  []int   // by node id, -1 without storage
}

func compileFunction(fn *Function) (*program, error) {
	c := &compiler{backend: fn.builder.backend, graph: simplify(fn)}
	c.program = &program{backend: c.backend, captures: len(fn.captured)}
	for _, n := range fn.parameters {
		c.program.names = append(c.program.names, n.attr.(parameterAttr).name)
		c.program.inputs = append(c.program.inputs, n.shape)
	}
	for _, n := range fn.outputs {
		c.program.outputs = append(c.program.outputs, n.shape)
	}
	c.unitOf, c.fused = make([]*unit, len(c.graph.nodes)), make([]bool, len(c.graph.nodes))
	for _, g := range fuse(c.graph) {
		c.addGroup(g)
	}
	for _, n := range c.graph.nodes {
		c.addNode(n)
	}
	c.schedule()
	c.assignSlots()
	for _, u := range c.units {
		s, err := c.step(u)
		if err != nil {
			return nil, err
		}
		c.program.steps = append(c.program.steps, s)
	}
	c.returns()
	if err := c.planMemory(); err != nil {
		return nil, err
	}
	return c.program, nil
}

func (c *compiler) addGroup(g *group) {
	u := &unit{group: g, outputs: g.outputs}
	c.groups = append(c.groups, u)
	for _, n := range g.outputs {
		c.unitOf[n.id] = u
	}
	for _, n := range g.members {
		c.fused[n.id] = true
	}
}

// addNode makes a unit of a node that is no group's and computes something.
func (c *compiler) addNode(n *node) {
	if c.fused[n.id] || n.isView() {
		return
	}
	switch n.op {
	case compute.OpTypeParameter, compute.OpTypeCapturedValue, compute.OpTypeConstant:
		return
	case opSelect:
		u := c.unitOf[n.inputs[0].id]
		c.unitOf[n.id] = u
		u.outputs = append(u.outputs, n)
		return
	}
	u := &unit{node: n}
	if n.shape.Ok() {
		u.outputs = []*node{n}
	}
	c.unitOf[n.id] = u
}

// members are the nodes of a unit.
func (u *unit) members() []*node {
	if u.group != nil {
		return u.group.members
	}
	return []*node{u.node}
}

// dependencies calls visit for every unit that must run before n's value exists,
// and read for the root whose storage holds it.
func (c *compiler) dependencies(n *node, visit func(*unit), read func(*node)) {
	root := n
	for root.isView() {
		if root.op == compute.OpTypeOptimizationBarrier || root.op == compute.OpTypeSchedulingBarrier {
			for _, d := range root.inputs[1:] {
				c.dependencies(d, visit, func(*node) {})
			}
		}
		root = root.inputs[0]
	}
	if u := c.unitOf[root.id]; u != nil {
		visit(u)
	}
	read(root)
}

// schedule orders units: as recorded, but for what groups pull together.
func (c *compiler) schedule() {
	state := map[*unit]int{}
	var place func(u *unit)
	place = func(u *unit) {
		if state[u] == 2 {
			return
		}
		if state[u] == 1 {
			panic("cpu: fused groups depend on each other")
		}
		state[u] = 1
		seen := map[*node]bool{}
		for _, n := range u.members() {
			for _, in := range n.inputs {
				if u.computes(in.root()) {
					continue
				}
				c.dependencies(in, func(d *unit) {
					if d != u {
						place(d)
					}
				}, func(r *node) {
					if !u.computes(r) && !seen[r] {
						seen[r] = true
						u.reads = append(u.reads, r)
					}
				})
			}
		}
		state[u] = 2
		u.index = len(c.units)
		c.units = append(c.units, u)
	}
	ends := make([][]*unit, len(c.graph.nodes))
	for _, u := range c.groups {
		ends[u.last().id] = append(ends[u.last().id], u)
	}
	for _, n := range c.graph.nodes {
		for _, u := range ends[n.id] {
			place(u)
		}
		if u := c.unitOf[n.id]; u != nil && u.group == nil {
			place(u)
		}
	}
}

// computes tells whether n's value is made inside the unit.
func (u *unit) computes(n *node) bool {
	if u.group != nil {
		return u.group.has[n]
	}
	return u.node == n
}

// last is the member recorded last.
func (u *unit) last() *node {
	if u.group != nil {
		return u.group.members[len(u.group.members)-1]
	}
	return u.node
}

// assignSlots numbers everything that has storage.
func (c *compiler) assignSlots() {
	c.slotOf = make([]int, len(c.graph.nodes))
	for i := range c.slotOf {
		c.slotOf[i] = -1
	}
	p := c.program
	p.parameterSlots = make([]int, len(p.inputs))
	for i := range p.parameterSlots {
		p.parameterSlots[i] = -1 // until a node uses it
	}
	p.captureSlots = make([]int, p.captures)
	for i := range p.captureSlots {
		p.captureSlots[i] = -1
	}
	for _, n := range c.graph.nodes {
		switch n.op {
		case compute.OpTypeParameter:
			p.parameterSlots[n.attr.(parameterAttr).index] = c.newSlot(n)
		case compute.OpTypeCapturedValue:
			p.captureSlots[n.attr.(int)] = c.newSlot(n)
		case compute.OpTypeConstant:
			p.constants = append(p.constants, constant{c.newSlot(n), n.attr.(constantAttr).block})
		}
	}
	for _, u := range c.units {
		for _, n := range u.outputs {
			c.newSlot(n)
		}
	}
}

func (c *compiler) newSlot(n *node) int {
	c.slotOf[n.id] = c.program.slots
	c.program.slots++
	return c.slotOf[n.id]
}

// slot is where n's value is.
func (c *compiler) slot(n *node) int {
	s := c.slotOf[n.root().id]
	if s < 0 {
		panic(fmt.Sprintf("cpu: %s has no storage", n))
	}
	return s
}

// returns decides where results come from: computed in place in the result's
// buffer, or copied when they are inputs, constants or returned twice.
func (c *compiler) returns() {
	p := c.program
	taken := map[int]bool{}
	for _, n := range c.graph.outputs {
		s := c.slot(n)
		r := result{slot: s, shape: n.shape}
		if taken[s] || c.unitOf[n.root().id] == nil {
			r.copyFrom = true
		}
		taken[s] = true
		r.reuses = -1
		p.results = append(p.results, r)
	}
}
