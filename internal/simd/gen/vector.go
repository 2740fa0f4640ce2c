package main

import (
	"fmt"
	"strings"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

type vec = reg.VecVirtual

// lane is one vector of elements on its way through a loop: full, or at the end of the
// slices with fewer, where loads give zeros and stores leave memory alone.
type lane struct {
	*file
	index  reg.Register // in elements
	offset int          // in elements
	some   *mask        // nil if full
	count  reg.Register // elements, if not full
	number int          // which of the unrolled vectors
}

// element returns the address of the vector in a slice of elements of the given bytes.
func (l lane) element(p reg.Register, size uint8) operand.Mem {
	return element(p, l.index, size, l.offset)
}

func (l lane) at(p reg.Register) operand.Mem { return l.element(p, 4) }

func (l lane) load(p reg.Register) vec {
	v := l.vec()
	switch {
	case l.some == nil:
		l.VMOVUPS(l.at(p), v)
	case l.wide:
		l.VMOVUPS_Z(l.at(p), l.some.bits, v)
	default:
		l.VMASKMOVPS(l.at(p), l.some.lanes, v)
	}
	return v
}

func (l lane) store(v vec, p reg.Register) {
	if l.some == nil {
		l.VMOVUPS(v, l.at(p))
		return
	}
	address, rest := l.GP64(), l.vec()
	l.LEAQ(l.at(p), address)
	l.VMOVAPS(v, rest)
	if l.wide {
		l.storeHalf(rest, l.count, address)
	}
	l.storeFirst(rest, l.count, address)
}

// storeHalf stores the lower half of v if count has 8 and puts the upper in its place.
func (f *file) storeHalf(v vec, count, address reg.Register) {
	four := f.label("four")
	f.TESTQ(operand.U32(8), count)
	f.JE(operand.LabelRef(four))
	f.VMOVUPS(v.AsY(), at(address, 0))
	f.ADDQ(operand.Imm(32), address)
	f.VEXTRACTF64X4(operand.Imm(1), v, v.AsY())
	f.Label(four)
}

// storeFirst stores the first lanes of v, as many as count's lower three bits say, by halves: a
// masked store takes some twenty cycles on Zen 1 and cannot be forwarded to a load, on Zen 4
// neither. v and address are clobbered.
func (f *file) storeFirst(v vec, count, address reg.Register) {
	two, one, done := f.label("two"), f.label("one"), f.label("stored")
	x := v.AsX()
	f.TESTQ(operand.U32(4), count)
	f.JE(operand.LabelRef(two))
	f.VMOVUPS(x, at(address, 0))
	f.ADDQ(operand.Imm(16), address)
	f.VEXTRACTF128(operand.Imm(1), v.AsY(), x)
	f.Label(two)
	f.TESTQ(operand.U32(2), count)
	f.JE(operand.LabelRef(one))
	f.VMOVLPS(x, at(address, 0))
	f.ADDQ(operand.Imm(8), address)
	f.VSHUFPS(operand.Imm(0xee), x, x, x)
	f.Label(one)
	f.TESTQ(operand.U32(1), count)
	f.JE(operand.LabelRef(done))
	f.VMOVSS(x, at(address, 0))
	f.Label(done)
}

// each runs body over n elements: unroll vectors at a time, then one, then the
// masked rest. n is clobbered.
func (f *file) each(n reg.Register, unroll int, body func(lane)) {
	index, done := f.wholes(n, unroll, body), f.label("done")
	f.TESTQ(n, n)
	f.JE(operand.LabelRef(done))
	body(lane{file: f, index: index, some: f.first(n), count: n})
	f.Label(done)
}

// eachGroup is each for bodies that mask other sizes than 4 bytes, which AVX2 cannot: there
// n is a multiple of 8.
func (f *file) eachGroup(n reg.Register, body func(lane)) {
	if f.wide {
		f.each(n, 2, body)
		return
	}
	f.wholes(n, 2, body)
}

// wholes runs body over the whole vectors of n elements, unroll at a time, then one; n becomes
// what is left. It returns the index behind them.
func (f *file) wholes(n reg.Register, unroll int, body func(lane)) (index reg.Register) {
	index = f.GP64()
	f.XORQ(index, index)
	if unroll > 1 {
		f.atOnce(n, index, unroll, body)
	}
	f.atOnce(n, index, 1, body)
	return index
}

// atOnce runs body over elements in steps of count vectors, as long as n has so many.
func (f *file) atOnce(n, index reg.Register, count int, body func(lane)) {
	step := operand.I32(int32(count * f.width()))
	loop, fewer := f.label("loop"), f.label("fewer")
	f.SUBQ(step, n)
	f.JL(operand.LabelRef(fewer))
	f.Label(loop)
	for u := range count {
		body(lane{file: f, index: index, offset: u * f.width(), number: u})
	}
	f.ADDQ(step, index)
	f.SUBQ(step, n)
	f.JGE(operand.LabelRef(loop))
	f.Label(fewer)
	f.ADDQ(step, n)
}

// groups runs body over n elements, size at a time; n is a positive multiple of size, and
// index counts elements.
func (f *file) groups(n reg.Register, size int, body func(index reg.Register)) {
	index, loop := f.GP64(), f.label("loop")
	f.XORQ(index, index)
	f.Label(loop)
	body(index)
	f.ADDQ(operand.Imm(uint64(size)), index)
	f.CMPQ(index, n)
	f.JL(operand.LabelRef(loop))
}

// element returns the address of an element of the given size in bytes.
func element(base, index reg.Register, size uint8, offset int) operand.Mem {
	return operand.Mem{Base: base, Index: index, Scale: size, Disp: offset * int(size)}
}

// constant returns an operand of copies of v, not to be written.
func (f *file) constant(v float64) operand.Op { return f.bits(floatBits(v)) }

// bits is constant for any 32 bits.
func (f *file) bits(bits uint32) operand.Op {
	if f.wide {
		return f.shared(bits)
	}
	return f.copies(bits)
}

// copies returns the address of 8 copies of bits.
func (f *file) copies(bits uint32) operand.Mem {
	name := fmt.Sprintf("x%08x", bits)
	if !f.seen[name] {
		f.seen[name] = true
		f.StaticGlobal(name)
		f.DataAttributes(attr.RODATA | attr.NOPTR)
		for i := range 8 {
			f.AddDatum(4*i, operand.U32(bits))
		}
	}
	return operand.NewDataAddr(operand.NewStaticSymbol(name), 0)
}

// vector loads copies of v.
func (f *file) vector(v float64) vec {
	r := f.vec()
	f.VMOVUPS(f.constant(v), r)
	return r
}

// spread loads a float32 parameter into every lane.
func (f *file) spread(param string) vec {
	x, v := f.XMM(), f.vec()
	f.Load(f.Param(param), x)
	f.VBROADCASTSS(x, v)
	return v
}

// horner evaluates the polynomial with the given coefficients, lowest first, at z.
func (f *file) horner(z vec, coefficients ...float64) vec {
	last := len(coefficients) - 1
	y := f.vector(coefficients[last])
	for i := last - 1; i >= 0; i-- {
		f.VFMADD213PS(f.constant(coefficients[i]), z, y)
	}
	return y
}

// clamp returns x limited to [low, high]; NaN stays NaN.
func (f *file) clamp(x vec, low, high float64) vec {
	limit, y := f.vector(high), f.vec()
	f.VMINPS(x, limit, y)
	floor := f.vector(low)
	f.VMAXPS(y, floor, y)
	return y
}

func (f *file) zeros(n int) []vec {
	v := make([]vec, n)
	for i := range v {
		v[i] = f.vec()
		f.VXORPS(v[i], v[i], v[i])
	}
	return v
}

// total adds up the accumulators pairwise and then the lanes of the result.
func (f *file) total(sums []vec, op func(a, b, dst operand.Op)) reg.Register {
	for step := 1; step < len(sums); step *= 2 {
		for i := 0; i+step < len(sums); i += 2 * step {
			op(sums[i+step], sums[i], sums[i])
		}
	}
	v, high := f.halved(sums[0], op), f.XMM()
	f.VEXTRACTF128(operand.Imm(1), v.AsY(), high)
	op(high, v.AsX(), v.AsX())
	f.VSHUFPS(operand.Imm(0x4e), v.AsX(), v.AsX(), high)
	op(high, v.AsX(), v.AsX())
	f.VSHUFPS(operand.Imm(0xb1), v.AsX(), v.AsX(), high)
	op(high, v.AsX(), v.AsX())
	return v.AsX()
}

// halved combines the upper half of a vector of 512 bits with the lower, and leaves one of
// 256 as it is.
func (f *file) halved(v vec, op func(a, b, dst operand.Op)) vec {
	if f.wide {
		high := f.YMM()
		f.VEXTRACTF64X4(operand.Imm(1), v, high)
		op(high, v.AsY(), v.AsY())
	}
	return v
}

func (f *file) add(a, b, dst operand.Op) { f.VADDPS(a, b, dst) }

// addresses loads the leading parameters, which are addresses.
func (f *file) addresses(params string) map[string]reg.Register {
	list, _, _ := strings.Cut(params, " *float32")
	registers := map[string]reg.Register{}
	for _, name := range strings.Split(list, ", ") {
		registers[name] = f.gp(name)
	}
	return registers
}
