package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// narrow generates the operations between numbers and smaller elements: masks and
// half precision.
func narrow(f *file) {
	selections(f)
	comparisons(f)
	bfloats(f)
	halves(f)
}

func selections(f *file) {
	f.both("select", "dst *float32, mask *bool, a, b *float32, n int", func() {
		b := f.gp("b")
		f.selection(func(l lane) operand.Op {
			if l.some == nil {
				return l.at(b)
			}
			return l.load(b)
		})
	})
	f.both("selectScalar", "dst *float32, mask *bool, a *float32, n int, s float32", func() {
		s := f.spread("s")
		f.selection(func(lane) operand.Op { return s })
	})
}

// selection generates dst = a where mask is true, other elsewhere.
func (f *file) selection(other func(lane) operand.Op) {
	dst, chosen, a, n := f.gp("dst"), f.gp("mask"), f.gp("a"), f.gp("n")
	zero := f.zeros(1)[0]
	f.eachGroup(n, func(l lane) {
		x := l.load(a)
		f.choose(l.falses(chosen, zero), other(l), x, x)
		l.store(x, dst)
	})
	f.end()
}

// falses returns the lanes of bools that are false.
func (l lane) falses(p reg.Register, zero vec) mask {
	no, from := l.vec(), l.element(p, 1)
	if !l.wide {
		l.VPMOVZXBD(from, no)
		l.VPCMPEQD(zero, no, no)
		return mask{lanes: no}
	}
	if l.some == nil {
		l.VPMOVZXBD(from, no)
	} else {
		l.VPMOVZXBD_Z(from, l.some.bits, no)
	}
	bits := l.K()
	l.VPCMPEQD(zero, no, bits)
	return mask{bits: bits}
}

// comparisons generates dst = a op b, where b has copies of one number if step is 0,
// bytes from one number to the next.
func comparisons(f *file) {
	for _, c := range []struct {
		name string
		predicate
	}{
		{"equal", isEqual}, {"notEqual", isNotEqual}, {"less", isLess}, {"lessOrEqual", isLessOrEqual},
		{"greater", isGreater}, {"greaterOrEqual", isGreaterOrEqual},
	} {
		f.both(c.name, "dst *bool, a, b *float32, n, step int", func() {
			dst, a, b, n, step := f.gp("dst"), f.gp("a"), f.gp("b"), f.gp("n"), f.gp("step")
			f.IMUL3Q(operand.Imm(uint64(f.width())), step, step)
			f.eachGroup(n, func(l lane) {
				var y operand.Op = at(b, 0)
				if l.some != nil {
					some := f.vec()
					f.VMOVUPS_Z(y, l.some.bits, some)
					y = some
				}
				holds := f.compare(c.predicate, l.load(a), y)
				f.ADDQ(step, b)
				l.storeBools(holds, dst)
			})
			f.end()
		})
	}
}

// storeBools writes a byte of 1 for each lane of m and of 0 for the others.
func (l lane) storeBools(m mask, p reg.Register) {
	to, x := l.element(p, 1), l.XMM()
	if !l.wide {
		l.VEXTRACTF128(operand.Imm(1), m.lanes, x)
		l.VPACKSSDW(x, m.lanes.AsX(), x)
		l.VPACKSSWB(x, x, x)
		l.VPAND(l.copies(0x01010101), x, x)
		l.VMOVQ(x, to)
		return
	}
	l.VMOVDQU8_Z(l.copies(0x01010101), m.bits, x)
	if l.some == nil {
		l.VMOVUPS(x, to)
	} else {
		l.VMOVDQU8(x, l.some.bits, to)
	}
}

// bfloat rounds x to bfloat16, nearest even, and leaves it in the upper halves. It does so
// with integers: VCVTNEPS2BF16 flushes subnormals.
func (f *file) bfloat(x vec) vec {
	odd, y, quiet := f.vec(), f.vec(), f.vec()
	f.VPSRLD(operand.Imm(16), x, odd)
	f.and(f.bits(1), odd, odd)
	f.VPADDD(f.bits(0x7fff), x, y)
	f.VPADDD(odd, y, y)
	isNaN := f.compare(isUnordered, x, x)
	f.VORPS(f.bits(0x00400000), x, quiet)
	f.choose(isNaN, quiet, y, y)
	f.VANDPS(f.bits(0xffff0000), y, y)
	return y
}

func (f *file) and(a operand.Op, b, dst vec) {
	if f.wide {
		f.VPANDD(a, b, dst)
		return
	}
	f.VPAND(a, b, dst)
}

func bfloats(f *file) {
	const params = "dst, x *float32, n int"
	f.both("roundBFloat16", params, func() {
		p := f.addresses(params)
		f.each(f.gp("n"), 2, func(l lane) { l.store(f.bfloat(l.load(p["x"])), p["dst"]) })
		f.end()
	})
	f.both("toBFloat16", "dst *uint16, src *float32, n int", func() {
		dst, src := f.gp("dst"), f.gp("src")
		f.eachGroup(f.gp("n"), func(l lane) {
			y := f.bfloat(l.load(src))
			f.VPSRLD(operand.Imm(16), y, y)
			l.storeWords(y, dst)
		})
		f.end()
	})
	f.both("fromBFloat16", "dst *float32, src *uint16, n int", func() {
		dst, src := f.gp("dst"), f.gp("src")
		f.eachGroup(f.gp("n"), func(l lane) {
			x := f.vec()
			if l.some == nil {
				f.VPMOVZXWD(l.element(src, 2), x)
			} else {
				f.VPMOVZXWD_Z(l.element(src, 2), l.some.bits, x)
			}
			f.VPSLLD(operand.Imm(16), x, x)
			l.store(x, dst)
		})
		f.end()
	})
}

// storeWords writes the lower halves of integers below 2^16; y is clobbered.
func (l lane) storeWords(y vec, p reg.Register) {
	to := l.element(p, 2)
	switch {
	case !l.wide:
		high := l.XMM()
		l.VEXTRACTF128(operand.Imm(1), y, high)
		l.VPACKUSDW(high, y.AsX(), y.AsX())
		l.VMOVUPS(y.AsX(), to)
	case l.some == nil:
		l.VPMOVDW(y, to)
	default:
		l.VPMOVDW(y, l.some.bits, to)
	}
}

func halves(f *file) {
	f.both("toFloat16", "dst *uint16, src *float32, n int", func() {
		dst, src := f.gp("dst"), f.gp("src")
		f.eachGroup(f.gp("n"), func(l lane) {
			if x := l.load(src); l.some == nil {
				f.VCVTPS2PH(operand.Imm(0), x, l.element(dst, 2))
			} else {
				f.VCVTPS2PH(operand.Imm(0), x, l.some.bits, l.element(dst, 2))
			}
		})
		f.end()
	})
	f.both("fromFloat16", "dst *float32, src *uint16, n int", func() {
		dst, src := f.gp("dst"), f.gp("src")
		f.eachGroup(f.gp("n"), func(l lane) {
			x := f.vec()
			if l.some == nil {
				f.VCVTPH2PS(l.element(src, 2), x)
			} else {
				f.VCVTPH2PS_Z(l.element(src, 2), l.some.bits, x)
			}
			l.store(x, dst)
		})
		f.end()
	})
}
