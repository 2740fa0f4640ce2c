package simd

import (
	"testing"
	"unsafe"
)

// The generator writes these offsets into the kernels.
func TestTileHasTheOffsetsOfTheKernels(t *testing.T) {
	var v tile
	for i, got := range []uintptr{
		unsafe.Offsetof(v.a), unsafe.Offsetof(v.b), unsafe.Offsetof(v.c), unsafe.Offsetof(v.d), unsafe.Offsetof(v.k),
		unsafe.Offsetof(v.aStep), unsafe.Offsetof(v.bStep), unsafe.Offsetof(v.cStep), unsafe.Offsetof(v.dStep),
		unsafe.Offsetof(v.mask), unsafe.Offsetof(v.scale), unsafe.Offsetof(v.next), unsafe.Offsetof(v.lanes), unsafe.Offsetof(v.last),
		unsafe.Offsetof(v.groups), unsafe.Offsetof(v.panel),
	} {
		if want := uintptr(8 * i); unsafe.Sizeof(got) == 8 && got != want {
			t.Errorf("field %d is at %d, want %d", i, got, want)
		}
	}
}

func TestTileRegistersCallHasTheOffsetsOfTheKernels(t *testing.T) {
	var v amxCall
	for i, got := range []uintptr{
		unsafe.Offsetof(v.a), unsafe.Offsetof(v.b), unsafe.Offsetof(v.c), unsafe.Offsetof(v.d), unsafe.Offsetof(v.chunks),
		unsafe.Offsetof(v.panel), unsafe.Offsetof(v.cStep), unsafe.Offsetof(v.dStep), unsafe.Offsetof(v.rows),
		unsafe.Offsetof(v.lanes), unsafe.Offsetof(v.scale), unsafe.Offsetof(v.config), unsafe.Offsetof(v.sums),
	} {
		if want := uintptr(8 * i); unsafe.Sizeof(got) == 8 && got != want {
			t.Errorf("field %d is at %d, want %d", i, got, want)
		}
	}
}

func TestLevelIsWhereTheKernelsReadIt(t *testing.T) {
	if at := unsafe.Offsetof(active.level); at != 0 {
		t.Errorf("the level is at %d of the choice", at)
	}
}
