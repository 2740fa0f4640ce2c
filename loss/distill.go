package loss

import (
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
)

// Distill is how far a student's scores are from a teacher's over the candidates
// of both sides, a scalar: the mean over rows that have negatives. With teacher
// scores t (z, or s when the dual encoder teaches), student scores u, temperature
// T, and sums over a row's valid candidates (docs/paper.md, "The losses", all ours):
//
//	listwise   KL(softmax(t/T) || softmax(u))
//	pointwise  mean of the cross entropy of sigmoid(u) against sigmoid(t/T); the dual logit is a s + b, with Scale and Bias of the config
//	margin     mean over negatives j of ((u_0 - u_j) - (t_0 - t_j)/T)^2
//	rank       mean over places of -log softmax(u) of the candidate in that place among it and those behind it;
//	           the positive comes first, then the negatives in the teacher's order (Plackett-Luce)
//	none       0
//
// Rows may leave out those where the teacher knows less than the student; they
// count as 0 in the mean. No gradient reaches the teacher unless the config says so.
func Distill(c DistillConfig, pictures, captions Side) *Node {
	if c.Objective == None {
		return ScalarZero(pictures.Dual.Graph(), pictures.Dual.DType())
	}
	toDual := func(side Side) *Node {
		s, z := c.calibrated(side.Dual), side.Cross
		return c.distance(c.teacher(z), s, side)
	}
	toCross := func(side Side) *Node {
		s, z := c.calibrated(side.Dual), side.Cross
		return c.distance(c.teacher(s), z, side)
	}
	switch c.Direction {
	case DualToCross:
		return overRows(pictures, captions, toCross)
	case BothDirections:
		return MulScalar(Add(overRows(pictures, captions, toDual), overRows(pictures, captions, toCross)), 0.5)
	}
	return overRows(pictures, captions, toDual)
}

func (c DistillConfig) calibrated(s *Node) *Node {
	if c.Objective != Pointwise {
		return s
	}
	return AddScalar(MulScalar(s, c.Scale), c.Bias)
}

func (c DistillConfig) teacher(scores *Node) *Node {
	if !c.TeacherGradient {
		scores = StopGradient(scores)
	}
	return DivScalar(scores, c.Temperature)
}

// distance is the loss of each row, [B], 0 for rows that are not taught.
func (c DistillConfig) distance(teacher, student *Node, side Side) *Node {
	rows := c.objective(teacher, student, side)
	if c.Rows == BetterRow {
		rows = Mul(rows, better(teacher, student, side))
	}
	return rows
}

// better is [B]: 1 where the teacher finds the positive likelier among the row's
// candidates than the student does.
func better(teacher, student *Node, side Side) *Node {
	positive := func(scores *Node) *Node {
		log := maskedLogSoftmax(StopGradient(scores), side.Valid)
		return Slice(log, AxisRange(), AxisRange(0, 1))
	}
	t := positive(teacher)
	return Reshape(ConvertDType(GreaterThan(t, positive(student)), t.DType()), t.Shape().Dim(0))
}

func (c DistillConfig) objective(teacher, student *Node, side Side) *Node {
	switch c.Objective {
	case Pointwise:
		return pointwise(teacher, student, side)
	case Margin:
		return margin(teacher, student, side)
	case Rank:
		return rank(teacher, student, side)
	}
	return listwise(teacher, student, side)
}

func listwise(teacher, student *Node, side Side) *Node {
	t, u := maskedLogSoftmax(teacher, side.Valid), maskedLogSoftmax(student, side.Valid)
	// Both logs are huge and equal where invalid, and exp(t) is 0 there.
	return ReduceSum(Mul(Exp(t), Sub(t, u)), -1)
}

func pointwise(teacher, student *Node, side Side) *Node {
	each := Sub(softplus(student), Mul(Logistic(teacher), student))
	return Div(ReduceSum(Mul(side.Valid, each), -1), ReduceSum(side.Valid, -1))
}

func margin(teacher, student *Node, side Side) *Node {
	margins := func(x *Node) *Node { return Sub(InsertAxes(side.ofPositive(x), -1), x) }
	return ReduceSum(Mul(side.negatives(), Square(Sub(margins(student), margins(teacher)))), -1)
}

func rank(teacher, student *Node, side Side) *Node {
	b, k := student.Shape().Dim(0), student.Shape().Dim(1)
	places := student.Shape().Clone()
	places.DType = dtypes.Int32
	place := BroadcastToDims(InsertAxes(Iota(student.Graph(), places, 1), 1), b, k, k)
	self := Transpose(place, 1, 2)

	// behind[i,j]: candidate j does not come before candidate i. Ties keep their
	// order; the positive is put before all.
	order := Where(Equal(Iota(student.Graph(), places, 1), ConstAsDType(student.Graph(), dtypes.Int32, 0)),
		FillScalar(teacher.Graph(), teacher.Shape(), -floor), teacher)
	mine := BroadcastToDims(InsertAxes(order, 2), b, k, k)
	other := BroadcastToDims(InsertAxes(order, 1), b, k, k)
	behind := LogicalOr(LessThan(other, mine), LogicalAnd(Equal(other, mine), GreaterOrEqual(place, self)))
	valid := BroadcastToDims(InsertAxes(side.Valid, 1), b, k, k)
	behind = LogicalAnd(behind, GreaterThan(valid, ConstAs(valid, 0.5)))
	behind = LogicalOr(behind, Equal(place, self)) // nobody's list is empty

	scores := BroadcastToDims(InsertAxes(student, 1), b, k, k)
	log := LogSoftmax(Where(behind, scores, floorLike(scores)))
	own := ReduceSum(Where(Equal(place, self), log, ZerosLike(log)), -1)
	// The last place has nobody behind it and always costs 0.
	count := MaxScalar(AddScalar(ReduceSum(side.Valid, -1), -1), 1)
	return Div(Neg(ReduceSum(Mul(side.Valid, own), -1)), count)
}
