package cpu

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

// lowering turns a group into a tile program.
type lowering struct {
	group   *group
	program *tileProgram
	slot    func(*node) int
	values  map[*node]operand // of members
	loads   map[loadKey]operand
	virtual int // registers handed out so far
	sums    []partialSum
}

// loadKey identifies a strided operand, so that it is read once per tile. Two views of
// one array have strides of their own.
type loadKey struct{ reader, view *node }

// partialSum is a result that chunks add up.
type partialSum struct {
	partial, length, slot int
}

// lower makes the program of g; slot gives the storage of outputs and of what the
// group reads.
func lower(g *group, slot func(*node) int) *lowering {
	l := &lowering{
		group: g, slot: slot,
		program: &tileProgram{rows: g.rows, columns: g.columns},
		values:  map[*node]operand{}, loads: map[loadKey]operand{},
	}
	l.program.setTileRows()
	for _, n := range g.members {
		l.node(n)
	}
	l.assignRegisters()
	return l
}

// member returns the member whose value n is, behind views.
func (l *lowering) member(n *node) *node {
	root := n.root()
	if _, ok := l.values[root]; ok {
		return root
	}
	return nil
}

// operand finds input i of n and how n's program reads it.
func (l *lowering) operand(n *node, in *node) operand {
	if m := l.member(in); m != nil {
		return l.values[m]
	}
	key := loadKey{n, in}
	if r, ok := l.loads[key]; ok {
		return r
	}
	slot := l.slot(in)
	strides, dims := operandStrides(n, in), spaceDims(n)
	c := classIn(strides, dims, l.group.rows, l.group.columns)
	o := operand{class: c, boolean: in.dtype() == dtypes.Bool, register: -1, slot: slot}
	if c == strided {
		o = l.load(o, strides, dims)
		l.loads[key] = o
	}
	return o
}

func (l *lowering) load(o operand, strides, dims []int) operand {
	cut := columnAxis(dims, l.group.columns)
	c := full
	if product(dims) == l.group.rows && l.group.columns > 1 {
		cut, c = len(dims), perRow
	} else if _, zero := pattern(strides[cut:], dims[cut:], 1); zero {
		c = perRow
	}
	dst := l.register(c, o.boolean)
	o.class = c
	l.emit(instruction{run: runLoad, dst: dst, a: o, view: &view{dims[:cut:cut], strides[:cut:cut]}})
	return dst
}

func (l *lowering) register(c class, boolean bool) operand {
	l.virtual++
	return operand{class: c, boolean: boolean, register: l.virtual - 1, slot: -1}
}

func (l *lowering) emit(in instruction) { l.program.code = append(l.program.code, in) }

// destination is where n's value goes: its storage if others read it.
func (l *lowering) destination(n *node, c class) operand {
	if slices.Contains(l.group.outputs, n) {
		return operand{class: c, boolean: n.dtype() == dtypes.Bool, register: -1, slot: l.slot(n)}
	}
	return l.register(c, n.dtype() == dtypes.Bool)
}

// nominal is the class of n's own value: full unless it has one value per row.
func (l *lowering) nominal(n *node) class {
	if n.size() == l.group.rows && l.group.columns > 1 {
		return perRow
	}
	return full
}

// node emits the instructions of one member.
func (l *lowering) node(n *node) {
	switch n.op {
	case compute.OpTypeReduceSum, compute.OpTypeReduceMax, compute.OpTypeReduceMin:
		l.reduction(n)
		return
	}
	in := make([]operand, len(n.inputs))
	for i, input := range n.inputs {
		in[i] = l.operand(n, input)
	}
	if n.op == compute.OpTypeBroadcastInDim {
		l.broadcast(n, in[0])
		return
	}
	to := l.nominal(n)
	switch {
	case n.op == compute.OpTypeWhere:
		l.where(n, to, in)
	case n.op == compute.OpTypeConvertDType:
		l.convert(n, to, l.widen(in[0], to))
	case binaryKernels[n.op] != nil:
		l.binary(n, to, in[0], in[1])
	case unaryKernels[n.op] != nil:
		l.emitTo(n, to, instruction{run: runUnary, arity: 1, unary: unaryKernels[n.op], a: l.widen(in[0], to)})
	case testKernels[n.op] != nil:
		l.emitTo(n, to, instruction{run: runTest, arity: 1, test: testKernels[n.op], a: l.widen(in[0], to)})
	case logicalKernels[n.op] != nil:
		i := instruction{run: runLogical, arity: 1, logical: logicalKernels[n.op], a: l.widen(in[0], to)}
		if len(in) > 1 {
			i.b, i.arity = l.widen(in[1], to), 2
		}
		l.emitTo(n, to, i)
	default:
		l.compare(n, to, in[0], in[1])
	}
}

// emitTo emits i with n's value as its destination.
func (l *lowering) emitTo(n *node, c class, i instruction) {
	i.dst = l.destination(n, c)
	l.emit(i)
	l.values[n] = i.dst
}

// widen repeats o until it has class c.
func (l *lowering) widen(o operand, c class) operand {
	if o.class == c {
		return o
	}
	dst := l.register(c, o.boolean)
	l.emit(instruction{run: runExpand, arity: 1, dst: dst, a: o})
	return dst
}

// broadcast forwards its operand; only storage that others read is written.
func (l *lowering) broadcast(n *node, o operand) {
	if slices.Contains(l.group.outputs, n) {
		l.emitTo(n, l.nominal(n), instruction{run: runExpand, arity: 1, a: o})
	}
	l.values[n] = o
}

func (l *lowering) convert(n *node, to class, o operand) {
	switch {
	case o.boolean && n.dtype() == dtypes.Float32:
		l.emitTo(n, to, instruction{run: runFloatFromBool, arity: 1, a: o})
	case !o.boolean && n.dtype() == dtypes.Bool:
		l.emitTo(n, to, instruction{run: runTest, arity: 1, test: testKernels[n.op], a: o})
	default:
		l.emitTo(n, to, instruction{run: runExpand, arity: 1, a: o})
	}
}

// binary chooses the form that fits the operands' classes.
func (l *lowering) binary(n *node, to class, a, b operand) {
	i := instruction{binary: binaryKernels[n.op], arity: 2}
	if i.binary.vectorScalar == nil {
		a, b = l.widen(a, to), l.widen(b, to)
	}
	if a.class != to && b.class != to && (a.class == single || b.class == single || a.class == b.class) {
		// Neither is as wide as the result: widen the one that varies more.
		if a.class == single {
			b = l.widen(b, to)
		} else {
			a = l.widen(a, to)
		}
	}
	switch {
	case a.class == to && b.class == to:
		i.run = runBinary
	case b.class == single:
		i.run = runVectorScalar
	case a.class == single:
		i.run = runScalarVector
	case b.class == perRow:
		i.run = runRowsVectorScalar
	case a.class == perRow:
		i.run = runRowsScalarVector
	default:
		i.run = runColumns
	}
	i.a, i.b = a, b
	l.emitTo(n, to, i)
}

func (l *lowering) compare(n *node, to class, a, b operand) {
	i := instruction{run: runCompare, arity: 2, comparison: comparisons[n.op]}
	switch {
	case b.class == single:
		i.run, i.a, i.b = runCompareScalar, l.widen(a, to), b
	case a.class == single:
		i.run, i.a, i.b = runCompareScalar, l.widen(b, to), a
		i.comparison = mirrored[i.comparison]
	default:
		i.a, i.b = l.widen(a, to), l.widen(b, to)
	}
	l.emitTo(n, to, i)
}

func (l *lowering) where(n *node, to class, in []operand) {
	i := instruction{run: runSelect, arity: 3, a: l.widen(in[0], to), b: l.widen(in[1], to)}
	switch {
	case n.dtype() == dtypes.Bool:
		i.run, i.c = runSelectBool, l.widen(in[2], to)
	case in[2].class == single:
		i.run, i.c = runSelectScalar, in[2]
	default:
		i.c = l.widen(in[2], to)
	}
	l.emitTo(n, to, i)
}

func (l *lowering) reduction(n *node) {
	a := l.operand(n, n.inputs[0])
	s := reductionSpace(n)
	if s.role == rowReduce {
		i := instruction{run: runRowSum, arity: 1, a: l.widen(a, full)}
		switch n.op {
		case compute.OpTypeReduceMax:
			i.run = runRowMax
		case compute.OpTypeReduceMin:
			i.run = runRowMin
		}
		l.emitTo(n, perRow, i)
		return
	}
	sum := partialSum{partial: l.program.partials, length: n.size(), slot: l.slot(n)}
	i := instruction{run: runTotal, arity: 1, a: l.widen(a, full), partial: sum.partial}
	if s.role == columnSum {
		i.run, i.dst = runColumnSum, l.register(perColumn, false)
	} else {
		i.dst = operand{class: single, register: -1, slot: -1}
	}
	l.emit(i)
	l.sums = append(l.sums, sum)
	l.program.partials += sum.length
	l.values[n] = operand{class: strided, register: -1, slot: sum.slot}
}
