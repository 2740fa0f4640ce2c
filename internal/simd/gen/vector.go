package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

type vec = reg.VecVirtual

// lane is one vector of 8 elements on its way through a loop: full, or masked at
// the end of the slices, where loads give zeros and stores leave memory alone.
type lane struct {
	*file
	index  reg.Register // byte offset
	offset int
	mask   vec // nil if full
	count  reg.Register
	number int // which of the unrolled vectors
}

func (l lane) at(p reg.Register) operand.Mem {
	return operand.Mem{Base: p, Index: l.index, Scale: 1, Disp: l.offset}
}

func (l lane) load(p reg.Register) vec {
	v := l.YMM()
	if l.mask != nil {
		l.VMASKMOVPS(l.at(p), l.mask, v)
	} else {
		l.VMOVUPS(l.at(p), v)
	}
	return v
}

func (l lane) store(v vec, p reg.Register) {
	if l.mask == nil {
		l.VMOVUPS(v, l.at(p))
		return
	}
	address, rest := l.GP64(), l.YMM()
	l.LEAQ(l.at(p), address)
	l.VMOVAPS(v, rest)
	l.storeFirst(rest, l.count, address)
}

// storeFirst stores the first count lanes of v, by halves: a masked store takes
// some twenty cycles on Zen 1 and cannot be forwarded to a load. count is 0 to 7;
// v and address are clobbered.
func (f *file) storeFirst(v vec, count, address reg.Register) {
	two, one, done := f.label("two"), f.label("one"), f.label("stored")
	x := v.AsX()
	f.TESTQ(operand.U32(4), count)
	f.JE(operand.LabelRef(two))
	f.VMOVUPS(x, at(address, 0))
	f.ADDQ(operand.Imm(16), address)
	f.VEXTRACTF128(operand.Imm(1), v, x)
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
	index := f.GP64()
	f.XORQ(index, index)
	many, one, ones, rest, done := f.label("many"), f.label("one"), f.label("ones"), f.label("rest"), f.label("done")
	if unroll > 1 {
		f.SUBQ(operand.U32(uint32(8*unroll)), n)
		f.JL(operand.LabelRef(ones))
		f.Label(many)
		for u := range unroll {
			body(lane{file: f, index: index, offset: 32 * u, number: u})
		}
		f.ADDQ(operand.U32(uint32(32*unroll)), index)
		f.SUBQ(operand.U32(uint32(8*unroll)), n)
		f.JGE(operand.LabelRef(many))
		f.Label(ones)
		f.ADDQ(operand.U32(uint32(8*unroll)), n)
	}
	f.SUBQ(operand.Imm(8), n)
	f.JL(operand.LabelRef(rest))
	f.Label(one)
	body(lane{file: f, index: index})
	f.ADDQ(operand.Imm(32), index)
	f.SUBQ(operand.Imm(8), n)
	f.JGE(operand.LabelRef(one))
	f.Label(rest)
	f.ADDQ(operand.Imm(8), n)
	f.JE(operand.LabelRef(done))
	body(lane{file: f, index: index, mask: f.tailMask(n), count: n})
	f.Label(done)
}

// tailMask returns a vector with the first n (1 to 7) lanes set.
func (f *file) tailMask(n reg.Register) vec {
	const name = "tailMask"
	if !f.seen[name] {
		f.seen[name] = true
		f.StaticGlobal(name)
		f.DataAttributes(attr.RODATA | attr.NOPTR)
		for i := range 16 {
			f.AddDatum(4*i, operand.U32(uint32(0xffffffff*((15-uint64(i))/8))))
		}
	}
	table, back, mask := f.GP64(), f.GP64(), f.YMM()
	f.LEAQ(operand.NewDataAddr(operand.NewStaticSymbol(name), 32), table)
	f.MOVQ(n, back)
	f.NEGQ(back)
	f.VMOVUPS(operand.Mem{Base: table, Index: back, Scale: 4}, mask)
	return mask
}

// constant returns the address of 8 copies of v.
func (f *file) constant(v float64) operand.Mem { return f.bits(math.Float32bits(float32(v))) }

func (f *file) bits(bits uint32) operand.Mem {
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

// vector loads 8 copies of v.
func (f *file) vector(v float64) vec {
	r := f.YMM()
	f.VMOVUPS(f.constant(v), r)
	return r
}

// spread loads a float32 parameter into every lane.
func (f *file) spread(param string) vec {
	x, v := f.XMM(), f.YMM()
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
	limit, y := f.vector(high), f.YMM()
	f.VMINPS(x, limit, y)
	floor := f.vector(low)
	f.VMAXPS(y, floor, y)
	return y
}

func (f *file) zeros(n int) []vec {
	v := make([]vec, n)
	for i := range v {
		v[i] = f.YMM()
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
	v, high := sums[0], f.XMM()
	f.VEXTRACTF128(operand.Imm(1), v, high)
	op(high, v.AsX(), v.AsX())
	f.VSHUFPS(operand.Imm(0x4e), v.AsX(), v.AsX(), high)
	op(high, v.AsX(), v.AsX())
	f.VSHUFPS(operand.Imm(0xb1), v.AsX(), v.AsX(), high)
	op(high, v.AsX(), v.AsX())
	return v.AsX()
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
