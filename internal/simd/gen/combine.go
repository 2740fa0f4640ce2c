package main

import "fmt"

// combines generates c += a[0]*b[0] + a[1]*b[1] + ..., in this order, for rows of b
// that are bStep bytes apart and coefficients aStep bytes apart.
func combines(f *file) {
	for _, rows := range []int{1, 4} {
		f.both(fmt.Sprintf("combine%d", rows), "c, b *float32, bStep int, a *float32, aStep, n int", func() {
			f.combine(rows)
		})
	}
}

func (f *file) combine(rows int) {
	c, b, bStep, a, aStep := f.gp("c"), f.gp("b"), f.gp("bStep"), f.gp("a"), f.gp("aStep")
	from, coefficients := f.rowsApart(b, bStep, rows), make([]vec, rows)
	for i, p := range f.rowsApart(a, aStep, rows) {
		coefficients[i] = f.vec()
		f.VBROADCASTSS(at(p, 0), coefficients[i])
	}
	f.each(f.gp("n"), 2, func(l lane) {
		sum := l.load(c)
		for i, p := range from {
			if l.some == nil {
				f.VFMADD231PS(l.at(p), coefficients[i], sum)
			} else {
				f.VFMADD231PS(l.load(p), coefficients[i], sum)
			}
		}
		l.store(sum, c)
	})
	f.end()
}
