package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// columns generates what attention makes of scores that lie key by key: each works on
// a vector of queries, one a lane, whose rows are step bytes apart; n is positive.
func columns(f *file) {
	f.eachWidth("columnMaximum", "greatest, x *float32, step, n int", func() {
		greatest, x := f.gp("greatest"), f.gp("x")
		best := f.vec()
		f.VMOVUPS(at(x, 0), best)
		f.eachRow(func() { f.VMAXPS(at(x, 0), best, best) }, x)
		f.VMOVUPS(best, at(greatest, 0))
		f.end()
	})
	f.eachWidth("columnExpSum", "sums, x, shift *float32, step, n int", func() {
		sums, x, shift := f.gp("sums"), f.gp("x"), f.gp("shift")
		subtrahend, sum := f.vec(), f.zeros(1)[0]
		f.VMOVUPS(at(shift, 0), subtrahend)
		f.eachRow(func() {
			v := f.vec()
			f.VMOVUPS(at(x, 0), v)
			f.VSUBPS(subtrahend, v, v)
			y := f.expNegative(v)
			f.VADDPS(y, sum, sum)
			f.VMOVUPS(y, at(x, 0))
		}, x)
		f.VMOVUPS(sum, at(sums, 0))
		f.end()
	})
	f.eachWidth("columnSlope", "dy, y, dot *float32, step, n int", func() {
		dy, y, dot := f.gp("dy"), f.gp("y"), f.gp("dot")
		d := f.vec()
		f.VMOVUPS(at(dot, 0), d)
		f.eachRow(func() {
			v := f.vec()
			f.VMOVUPS(at(dy, 0), v)
			f.VSUBPS(d, v, v)
			f.VMULPS(at(y, 0), v, v)
			f.VMOVUPS(v, at(dy, 0))
		}, dy, y)
		f.end()
	})
}

// eachRow runs body over n rows, to whose first the addresses point.
func (f *file) eachRow(body func(), addresses ...reg.Register) {
	step, n, loop := f.gp("step"), f.gp("n"), f.label("loop")
	f.Label(loop)
	body()
	for _, p := range addresses {
		f.ADDQ(step, p)
	}
	f.DECQ(n)
	f.JNE(operand.LabelRef(loop))
}
