package train

import (
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"

	"github.com/loopitr/loopitr/internal/durable"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// Plot draws loss.png and recall.png from the metrics of the run in dir. A run
// without measures of one kind gets no such picture.
func Plot(dir string) error {
	measures, err := ReadMetrics(dir)
	if err != nil {
		return err
	}
	losses, recalls := newCurves(), newCurves()
	for _, m := range measures {
		x := float64(m.Pairs)
		if t := m.Train; t != nil {
			losses.add("total", x, t.Loss)
			for _, part := range slices.Sorted(maps.Keys(t.Parts)) {
				losses.add(part, x, t.Parts[part])
			}
		}
		if v := m.Validation; v != nil {
			for i, direction := range []string{"image to text", "text to image"} {
				recalls.add("dual R@1, "+direction, x, v.DualR1[i])
				recalls.add("re-ranked R@1, "+direction, x, v.RerankedR1[i])
			}
		}
	}
	if err := losses.save(filepath.Join(dir, "loss.png"), "Training loss", "loss", true); err != nil {
		return err
	}
	return recalls.save(filepath.Join(dir, "recall.png"), "Recall on validation", "R@1, %", false)
}

// curves are named series of points over pairs seen.
type curves map[string]plotter.XYs

func newCurves() curves { return curves{} }

// mostDrawn and leastDrawn bound what is drawn and how finely: gonum's search for tick
// marks never ends on ranges that a float64 cannot divide.
const (
	mostDrawn  = 1e12
	leastDrawn = 1e-9
)

// mostCurves bounds how many names a stranger's measures draw.
const mostCurves = 32

// add leaves out a point that is off any scale or of one curve too many.
func (c curves) add(name string, x, y float64) {
	if c[name] == nil && len(c) == mostCurves {
		return
	}
	if math.Abs(y) <= mostDrawn && x >= 0 && x <= mostDrawn {
		c[name] = append(c[name], plotter.XY{X: x, Y: math.Round(y/leastDrawn) * leastDrawn})
	}
}

// save draws the curves; falling ones leave room for their names at the top.
func (c curves) save(file, title, axis string, falling bool) error {
	if len(c) == 0 {
		return nil
	}
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, "pairs seen", axis
	p.Y.Min = 0
	p.Legend.XOffs, p.Legend.YOffs = -vg.Millimeter, vg.Millimeter
	if falling {
		p.Legend.Top, p.Legend.YOffs = true, -vg.Millimeter
	}
	p.Add(plotter.NewGrid())
	names := make([]string, 0, len(c))
	for name := range c {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		line, err := plotter.NewLine(c[name])
		if err != nil {
			return fmt.Errorf("plot %s: %w", name, err)
		}
		line.Color, line.Width = plotutil.Color(i), vg.Points(1.5)
		p.Add(line)
		p.Legend.Add(name, line)
	}
	drawn, err := p.WriterTo(18*vg.Centimeter, 11*vg.Centimeter, "png")
	if err == nil {
		err = durable.WriteFile(file, func(w io.Writer) error { _, err := drawn.WriteTo(w); return err })
	}
	if err != nil {
		return fmt.Errorf("plot %s: %w", file, err)
	}
	return nil
}
