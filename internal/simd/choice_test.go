package simd

import "testing"

// What runs for every kind of machine and setting, whatever this machine is.
func TestChoiceOfKernels(t *testing.T) {
	rapids, zen4, skylake := features{best: AMX, pairs: true}, features{best: AVX512, pairs: true}, features{best: AVX512}
	zen3, other := features{best: AVX2}, features{best: Generic}
	for _, c := range []struct {
		on    features
		value string
		want  choice
	}{
		{rapids, "", choice{AMX, true}}, {rapids, "avx512", choice{AVX512, true}}, {rapids, "avx2", choice{AVX2, false}},
		{zen4, "", choice{AVX512, true}}, {zen4, "mmx", choice{AVX512, true}}, {zen4, "AVX512", choice{AVX512, true}},
		{zen4, "amx", choice{AVX512, true}}, {zen4, "avx2", choice{AVX2, false}}, {zen4, "generic", choice{Generic, false}},
		{skylake, "", choice{AVX2, false}}, {skylake, "avx512", choice{AVX512, false}},
		{zen3, "", choice{AVX2, false}}, {zen3, "avx512", choice{AVX2, false}},
		{other, "", choice{Generic, false}}, {other, "avx512", choice{Generic, false}},
	} {
		if got := c.on.choose(c.value); got != c.want {
			t.Errorf("%+v with %q: %+v, want %+v", c.on, c.value, got, c.want)
		}
	}
}

// Kernels for pairs change what products of bfloat16 take and nothing else.
func TestPairsAreForProductsOfBFloat16(t *testing.T) {
	for _, pairs := range []bool{false, true} {
		restore := use(choice{AVX512, pairs})
		if NativeBFloat16() != pairs || paired(BFloat16) != pairs || paired(Float32) {
			t.Errorf("pairs %v: native is %v, products of bfloat16 are paired: %v, of float32: %v",
				pairs, NativeBFloat16(), paired(BFloat16), paired(Float32))
		}
		for _, c := range []struct {
			a    span
			want *tileKernels
		}{{span{}, &wideColumns}, {span{alongK: true}, &wideRows}, {span{pairs: true}, &widePairColumns}, {span{alongK: true, pairs: true}, &widePairRows}} {
			if got, _ := c.a.kernels(); got != c.want {
				t.Errorf("pairs %v: %+v takes other kernels", pairs, c.a)
			}
		}
		restore()
	}
}
