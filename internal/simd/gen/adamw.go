package main

// adamw generates one optimizer step; c holds the constants in the order that
// AdamW.Update writes them.
func adamw(f *file) {
	const params = "p, m, v, gradient *float32, n int, c *float32"
	f.function("adamwAVX2", params)
	p := f.addresses(params)
	c := f.gp("c")
	load := func(i int) vec {
		v := f.YMM()
		f.VBROADCASTSS(at(c, 4*i), v)
		return v
	}
	beta1, keep1, beta2, keep2 := load(0), load(1), load(2), load(3)
	correction1, correction2, epsilon, decay, rate := load(4), load(5), load(6), load(7), load(8)
	scale := load(9)
	f.each(f.gp("n"), 1, func(l lane) {
		g, m, v := l.load(p["gradient"]), l.load(p["m"]), l.load(p["v"])
		f.VMULPS(scale, g, g)
		f.VMULPS(beta1, m, m)
		f.VFMADD231PS(keep1, g, m)
		l.store(m, p["m"])
		f.VMULPS(beta2, v, v)
		square := f.YMM()
		f.VMULPS(keep2, g, square)
		f.VFMADD231PS(g, square, v)
		l.store(v, p["v"])
		f.VMULPS(correction2, v, v)
		f.VSQRTPS(v, v)
		f.VADDPS(epsilon, v, v)
		f.VMULPS(correction1, m, m)
		f.VDIVPS(v, m, m)
		old := l.load(p["p"])
		f.VFMADD231PS(decay, old, m)
		f.VFNMADD231PS(rate, m, old)
		l.store(old, p["p"])
	})
	f.end()
}
