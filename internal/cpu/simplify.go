package cpu

import (
	"fmt"
	"strconv"

	"github.com/gomlx/compute"
)

// graph is a function after simplification: nodes in an order in which inputs
// come before users, and what it returns.
type graph struct {
	nodes   []*node
	outputs []*node
}

// simplify copies a function's live nodes, merging equal ones.
func simplify(fn *Function) *graph {
	live := make([]bool, len(fn.nodes))
	for _, n := range fn.outputs {
		live[n.id] = true
	}
	for i := len(fn.nodes) - 1; i >= 0; i-- {
		if live[i] {
			for _, in := range fn.nodes[i].inputs {
				live[in.id] = true
			}
		}
	}
	s := &simplifier{known: map[string]*node{}, replaced: make([]*node, len(fn.nodes))}
	for i, n := range fn.nodes {
		if live[i] {
			s.replaced[i] = s.add(n)
		}
	}
	g := &graph{nodes: s.nodes}
	for _, n := range fn.outputs {
		g.outputs = append(g.outputs, s.replaced[n.id])
	}
	g.sweep()
	g.foldResults()
	g.sweep()
	g.foldBiases()
	g.foldGELU()
	return g.sweep()
}

type simplifier struct {
	nodes    []*node
	replaced []*node // by old id
	known    map[string]*node
	key      []byte
}

// add copies n with replaced inputs, or returns an equal node.
func (s *simplifier) add(n *node) *node {
	c := *n
	c.inputs = make([]*node, len(n.inputs))
	for i, in := range n.inputs {
		c.inputs[i] = s.replaced[in.id]
	}
	if r := s.rewrite(&c); r != nil {
		return r
	}
	return s.intern(&c)
}

func (s *simplifier) intern(c *node) *node {
	if !c.unique {
		s.key = appendKey(s.key[:0], c)
		if known := s.known[string(s.key)]; known != nil {
			return known
		}
		s.known[string(s.key)] = c
	}
	c.id = len(s.nodes)
	s.nodes = append(s.nodes, c)
	return c
}

// appendKey describes a node completely but for its position.
func appendKey(b []byte, n *node) []byte {
	b = strconv.AppendInt(b, int64(n.op), 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(n.shape.DType), 10)
	for _, d := range n.shape.Dimensions {
		b = append(b, ',')
		b = strconv.AppendInt(b, int64(d), 10)
	}
	for _, in := range n.inputs {
		b = append(b, '#')
		b = strconv.AppendInt(b, int64(in.id), 10)
	}
	switch a := n.attr.(type) {
	case nil:
	case int:
		b = append(b, '@')
		b = strconv.AppendInt(b, int64(a), 10)
	case []int:
		for _, v := range a {
			b = append(b, '@')
			b = strconv.AppendInt(b, int64(v), 10)
		}
	case constantAttr:
		if a.block.size > 256 {
			return fmt.Appendf(b, "%p", a.block)
		}
		b = append(b, '=')
		b = append(b, a.block.bytes()...)
	default:
		b = fmt.Appendf(b, "%+v", a)
	}
	return b
}

// rewrite returns a simpler equal of n, or nil.
func (s *simplifier) rewrite(n *node) *node {
	switch n.op {
	case compute.OpTypeIdentity:
		return n.inputs[0]
	case compute.OpTypeReshape:
		in := n.inputs[0]
		if n.shape.Equal(in.shape) {
			return in
		}
		if in.op == compute.OpTypeReshape {
			n.inputs[0] = in.inputs[0]
			return s.rewrite(n)
		}
	case compute.OpTypeTranspose:
		perm := n.attr.([]int)
		if isIdentity(perm) {
			return n.inputs[0]
		}
		if n.inputs[0].op == compute.OpTypeTranspose {
			return s.composed(n)
		}
		if movesOnlyOnes(n.inputs[0].dims(), perm) {
			return s.intern(&node{op: compute.OpTypeReshape, shape: n.shape, inputs: n.inputs, fn: n.fn})
		}
	case compute.OpTypeDotGeneral:
		foldOperand(n, 0)
		foldOperand(n, 1)
	case compute.OpTypeScatterSum, compute.OpTypeScatterMax, compute.OpTypeScatterMin:
		// A scatter into a repeated number needs the number only.
		if in := n.inputs[0]; in.op == compute.OpTypeBroadcastInDim && in.inputs[0].size() == 1 {
			n.inputs[0] = in.inputs[0]
		}
	case opAttention, opAttentionGradient:
		return s.turnAttention(n)
	case opSelect:
		return s.turnSelect(n)
	case compute.OpTypeBroadcastInDim:
		in := n.inputs[0]
		if in.size() == n.size() {
			return s.rewriteOr(&node{op: compute.OpTypeReshape, shape: n.shape, inputs: n.inputs, fn: n.fn})
		}
	}
	return nil
}

func (s *simplifier) rewriteOr(n *node) *node {
	if r := s.rewrite(n); r != nil {
		return r
	}
	return s.intern(n)
}

func isIdentity(perm []int) bool {
	for i, p := range perm {
		if i != p {
			return false
		}
	}
	return true
}

// movesOnlyOnes tells whether a transpose leaves the order of elements as it is.
func movesOnlyOnes(dims, perm []int) bool {
	last := -1
	for _, p := range perm {
		if dims[p] == 1 {
			continue
		}
		if p < last {
			return false
		}
		last = p
	}
	return true
}

// sweep drops nodes that merging left without users.
func (g *graph) sweep() *graph {
	live := make([]bool, len(g.nodes))
	for _, n := range g.outputs {
		live[n.id] = true
	}
	for i := len(g.nodes) - 1; i >= 0; i-- {
		if live[i] || g.nodes[i].op == compute.OpTypeParameter {
			live[i] = true
			for _, in := range g.nodes[i].inputs {
				live[in.id] = true
			}
		}
	}
	kept := g.nodes[:0]
	for i, n := range g.nodes {
		if live[i] {
			n.id = len(kept)
			kept = append(kept, n)
		}
	}
	g.nodes = kept
	return g
}
