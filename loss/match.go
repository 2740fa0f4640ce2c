package loss

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// Side is one side of a batch, as both encoders judge it: for each row the
// positive and its negatives, [B,K] each.
type Side struct {
	Dual  *Node // s, cosine over temperature; Match does not read it
	Cross *Node // z, match log-odds
	Valid *Node // 1, or 0 where there is no candidate; see Candidates
}

// positive is [1,K]: 1 at the positive, 0 at the negatives.
func (s Side) positive() *Node {
	shape := s.Valid.Shape().Clone()
	shape.Dimensions[0] = 1
	place := Iota(s.Valid.Graph(), shape, 1)
	return ConvertDType(LessThan(place, ConstAs(place, 0.5)), shape.DType)
}

// negatives is Valid without the positive, spread so that each row with any
// negative sums to 1.
func (s Side) negatives() *Node {
	valid := Mul(s.Valid, OneMinus(s.positive()))
	return Div(valid, MaxScalar(ReduceAndKeep(valid, ReduceSum, -1), 1))
}

// taught is [B]: 1 for rows with at least one negative.
func (s Side) taught() *Node { return ReduceSum(s.negatives(), -1) }

// ofPositive is the positive's entry of x [B,K], [B].
func (s Side) ofPositive(x *Node) *Node { return ReduceSum(Mul(x, s.positive()), -1) }

// Match is the cross encoder's loss, a scalar.
//
// Binary (ALBEF's ITM; a softmax over two logits has only their difference z
// to learn from): the weighted mean of softplus(-z) of positives and softplus(z)
// of negatives. A positive weighs 1 and so do the m negatives of a row together,
// so that each side of each pair counts once however many negatives are drawn;
// with m=1 and none missing this is the plain mean over 3B pairs.
//
// Listwise: -log softmax(z) of the positive among its row's candidates, mean over
// the rows of both sides that have negatives. It does not fix where z is 0.
func Match(c MatchConfig, pictures, captions Side) *Node {
	switch c.Objective {
	case ListwiseMatch:
		return listwiseMatch(pictures, captions)
	case BinaryListwise:
		return MulScalar(Add(binaryMatch(pictures, captions), listwiseMatch(pictures, captions)), 0.5)
	}
	return binaryMatch(pictures, captions)
}

func binaryMatch(pictures, captions Side) *Node {
	z := pictures.Cross
	sum := ReduceAllSum(softplus(Neg(pictures.ofPositive(z))))
	weight := ConstAs(z, float64(z.Shape().Dim(0)))
	for _, side := range []Side{pictures, captions} {
		sum = Add(sum, ReduceAllSum(Mul(side.negatives(), softplus(side.Cross))))
		weight = Add(weight, ReduceAllSum(side.taught()))
	}
	return Div(sum, weight)
}

func listwiseMatch(pictures, captions Side) *Node {
	return overRows(pictures, captions, func(side Side) *Node {
		return Neg(side.ofPositive(maskedLogSoftmax(side.Cross, side.Valid)))
	})
}

// overRows is the mean of a loss per row [B] over the rows of both sides that
// have negatives; 0 if none has.
func overRows(pictures, captions Side, loss func(Side) *Node) *Node {
	var sum, rows *Node
	for _, side := range []Side{pictures, captions} {
		taught := side.taught()
		s, n := ReduceAllSum(Mul(loss(side), taught)), ReduceAllSum(taught)
		if sum == nil {
			sum, rows = s, n
		} else {
			sum, rows = Add(sum, s), Add(rows, n)
		}
	}
	return Div(sum, MaxScalar(rows, 1))
}

// softplus is log(1+exp(x)), with gradient sigmoid(x) everywhere, 0 included.
func softplus(x *Node) *Node {
	most := StopGradient(MaxScalar(x, 0))
	return Add(most, Log(Add(Exp(Neg(most)), Exp(Sub(x, most)))))
}

// maskedLogSoftmax is the log softmax over the last axis of what is valid (1, not
// 0); invalid entries get a huge negative number, no gradient, and stay finite.
func maskedLogSoftmax(x, valid *Node) *Node {
	return LogSoftmax(Where(GreaterThan(valid, ConstAs(valid, 0.5)), x, floorLike(x)))
}
