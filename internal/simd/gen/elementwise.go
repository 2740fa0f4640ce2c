package main

// binary is dst = a op b.
type binary struct {
	name string
	op   func(f *file, a, b, dst vec)
}

var binaries = []binary{
	{"add", func(f *file, a, b, dst vec) { f.VADDPS(b, a, dst) }},
	{"sub", func(f *file, a, b, dst vec) { f.VSUBPS(b, a, dst) }},
	{"mul", func(f *file, a, b, dst vec) { f.VMULPS(b, a, dst) }},
	{"div", func(f *file, a, b, dst vec) { f.VDIVPS(b, a, dst) }},
	{"max", func(f *file, a, b, dst vec) { f.orNaN(a, func() { f.VMAXPS(b, a, dst) }, dst) }},
	{"min", func(f *file, a, b, dst vec) { f.orNaN(a, func() { f.VMINPS(b, a, dst) }, dst) }},
}

// orNaN puts a's NaN where the instruction gives b for it.
func (f *file) orNaN(a vec, op func(), dst vec) {
	isNaN := f.compare(isUnordered, a, a)
	op()
	f.choose(isNaN, a, dst, dst)
}

func elementwise(f *file) {
	for _, b := range binaries {
		const params = "dst, a, b *float32, n int"
		f.both(b.name, params, func() {
			p := f.addresses(params)
			f.each(f.gp("n"), 4, func(l lane) {
				y := f.vec()
				b.op(f, l.load(p["a"]), l.load(p["b"]), y)
				l.store(y, p["dst"])
			})
			f.end()
		})
	}
	for _, b := range binaries {
		if b.name != "sub" { // that is add of -s
			f.scalar(b.name+"Scalar", func(a, s, y vec) { b.op(f, a, s, y) })
		}
	}
	const fill = "dst *float32, n int, v float32"
	f.both("fill", fill, func() {
		p, v := f.addresses(fill), f.spread("v")
		f.each(f.gp("n"), 4, func(l lane) { l.store(v, p["dst"]) })
		f.end()
	})
	f.scalar("scalarSub", func(a, s, y vec) { f.VSUBPS(a, s, y) })
	f.scalar("scalarDiv", func(a, s, y vec) { f.VDIVPS(a, s, y) })
	f.scalar("xor", func(a, s, y vec) { f.VXORPS(a, s, y) })
	f.scalar("and", func(a, s, y vec) { f.VANDPS(a, s, y) })
	dotBounds(f)
}

// scalar generates dst = op(a, s).
func (f *file) scalar(name string, op func(a, s, y vec)) {
	const params = "dst, a *float32, n int, s float32"
	f.both(name, params, func() {
		p := f.addresses(params)
		s := f.spread("s")
		f.each(f.gp("n"), 4, func(l lane) {
			y := f.vec()
			op(l.load(p["a"]), s, y)
			l.store(y, p["dst"])
		})
		f.end()
	})
}

// dotBounds generates dst = products*scales*scale + errors*length + constant.
func dotBounds(f *file) {
	f.both("dotBounds", "dst *float32, products *int32, scales, errors *float32, n int, scale, length, constant float32", func() {
		dst, products, scales, errors := f.gp("dst"), f.gp("products"), f.gp("scales"), f.gp("errors")
		scale, length, constant := f.spread("scale"), f.spread("length"), f.spread("constant")
		f.each(f.gp("n"), 2, func(l lane) {
			middle, bound := l.load(products), l.load(errors)
			f.VCVTDQ2PS(middle, middle)
			f.VMULPS(l.load(scales), middle, middle)
			f.VFMADD213PS(constant, length, bound)
			f.VFMADD231PS(middle, scale, bound)
			l.store(bound, dst)
		})
		f.end()
	})
}
