package pixels_test

import (
	"fmt"
	"testing"

	"github.com/loopitr/loopitr/pixels"
)

// By hand: the stored picture has red in its upper left quarter; EXIF's eight
// orientations put it where the camera's top left was.
func TestOrientationPutsTheCornerWhereItBelongs(t *testing.T) {
	corner := map[int][2]bool{ // right, bottom
		1: {false, false}, 2: {true, false}, 3: {true, true}, 4: {false, true},
		5: {false, false}, 6: {true, false}, 7: {true, true}, 8: {false, true},
	}
	for turn, at := range corner {
		t.Run(fmt.Sprint(turn), func(t *testing.T) {
			m, _, err := pixels.Decode(readFile(t, fmt.Sprintf("decode/turn-%d.jpeg", turn)), 0)
			if err != nil {
				t.Fatal(err)
			}
			if wide := m.Width == 16 && m.Height == 8; wide != (turn < 5) {
				t.Fatalf("%dx%d pixels", m.Width, m.Height)
			}
			for _, right := range []bool{false, true} {
				for _, bottom := range []bool{false, true} {
					x, y := 1, 1
					if right {
						x = m.Width - 2
					}
					if bottom {
						y = m.Height - 2
					}
					red := m.RGB[3*(y*m.Width+x)+1] < 64
					if want := at == [2]bool{right, bottom}; red != want {
						t.Errorf("red at %d,%d: %v, want %v", x, y, red, want)
					}
				}
			}
		})
	}
}
