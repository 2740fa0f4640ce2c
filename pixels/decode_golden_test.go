package pixels_test

import (
	"math"
	"path"
	"strings"
	"testing"

	"github.com/loopitr/loopitr/pixels"
)

func TestDecodeEqualsPillow(t *testing.T) {
	for _, c := range readGolden(t).Decode {
		t.Run(path.Base(c.File), func(t *testing.T) {
			got, facts, err := pixels.Decode(readFile(t, c.File), 0)
			if err != nil {
				t.Fatal(err)
			}
			checkSame(t, got, readRGB(t, c.Want))
			if facts.Format != c.Format || facts.Width != got.Width || facts.Height != got.Height {
				t.Errorf("facts say %s %dx%d, picture is %s %dx%d", facts.Format, facts.Width, facts.Height, c.Format, got.Width, got.Height)
			}
		})
	}
}

func TestDecodeReadsEXIF(t *testing.T) {
	for _, c := range readGolden(t).EXIF {
		t.Run(path.Base(c.File), func(t *testing.T) {
			_, facts, err := pixels.Decode(readFile(t, c.File), 0)
			if err != nil {
				t.Fatal(err)
			}
			if facts.Width != c.Width || facts.Height != c.Height {
				t.Errorf("size %dx%d, want %dx%d", facts.Width, facts.Height, c.Width, c.Height)
			}
			if facts.Camera != c.Camera {
				t.Errorf("camera %q, want %q", facts.Camera, c.Camera)
			}
			if !facts.Taken.Equal(c.Taken) {
				t.Errorf("taken %v, want %v", facts.Taken, c.Taken)
			}
			if strings.HasPrefix(path.Base(c.File), "plain") {
				if facts.Place != nil {
					t.Errorf("place %v, want none", facts.Place)
				}
			} else if facts.Place == nil || math.Abs(facts.Place.Latitude-c.Latitude) > 1e-6 || math.Abs(facts.Place.Longitude-c.Longitude) > 1e-6 {
				t.Errorf("place %v, want %v, %v", facts.Place, c.Latitude, c.Longitude)
			}
		})
	}
}
