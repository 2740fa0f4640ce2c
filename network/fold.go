package network

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// attendFolded is the attention of queries q [C,Q,D] to the tokens of their
// pictures [N,Q,D], with the key and value projections on the captions' side.
// Per head, with tokens x [P,V] and weights W [D/H,V]:
//
//	q (x Wk' + bk)' = (q Wk) x' + q bk'      the last is one number for all tokens,
//	                                         which softmax cancels
//	p (x Wv' + bv)  = (p x) Wv' + bv         the weights p add up to 1
//
// So short captions never pay for projecting hundreds of picture tokens. It is
// attention with one head of Q*H queries, whose keys and values are the tokens.
func (n LoopITR) attendFolded(name string, q *Node, in crossInput) *Node {
	heads, d, v := n.Config.Text.Heads, n.Config.Text.Width, n.Config.Vision.Width
	weight := func(which string) *Node {
		return Reshape(n.weight(name+which+"/weight", d, v), heads, d/heads, v)
	}
	c, queries := q.Shape().Dim(0), q.Shape().Dim(1)
	q = Reshape(q, c, queries, heads, d/heads)
	// [H,C,Q,V] to [C,1,H*Q,V]
	q = Reshape(TransposeAllAxes(Einsum("cqhd,hdv->hcqv", q, weight("/key")), 1, 0, 2, 3), c, 1, heads*queries, v)
	tokens := InsertAxes(deal(in.tokens, in.picture), 1)
	seen := attendHeads(deal(q, in.caption), memory{tokens, tokens, nil}, scoreScale(d/heads))
	pairs := seen.Shape().Dim(0)
	seen = Reshape(seen, pairs, heads, queries, v)
	// [H,N,Q,D/H] to [N,Q,D]
	out := TransposeAllAxes(Einsum("nhqv,hdv->hnqd", seen, weight("/value")), 1, 2, 0, 3)
	return Add(Reshape(out, pairs, queries, d), InsertAxes(n.weight(name+"/value/bias", d), 0, 0))
}

// foldingPays compares the multiplications of both ways to look from q [C,Q,D].
func (n LoopITR) foldingPays(q *Node, in crossInput) bool {
	heads, d, v := n.Config.Text.Heads, n.Config.Text.Width, n.Config.Vision.Width
	captions, queries := q.Shape().Dim(0), q.Shape().Dim(1)
	pictures, tokens := in.tokens.Shape().Dim(0), in.tokens.Shape().Dim(1)
	pairs := Pairs{States: q, Caption: in.caption, Picture: in.picture}.count()

	projected := pictures * tokens * 2 * v * d
	attended := pairs * queries * tokens * 2 * d
	foldedIn := captions * queries * d * v
	foldedOut := pairs * queries * v * d
	attendedFolded := pairs * heads * queries * tokens * 2 * v
	return foldedIn+attendedFolded+foldedOut < projected+attended
}
