package eval

import (
	"fmt"
	"image/color"
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/loopitr/loopitr"
)

// Plot draws a sweep as a PNG: recall at 1 over the number of candidates in both
// directions on the left, the time of one query on the right. The error wraps
// loopitr.ErrInvalid when there are no points, otherwise it is w's.
func Plot(w io.Writer, points []Point) error {
	if len(points) == 0 {
		return fmt.Errorf("plot sweep: no points: %w", loopitr.ErrInvalid)
	}
	var images, texts, times plotter.XYs
	for _, p := range points {
		k := float64(p.K)
		images = append(images, plotter.XY{X: k, Y: p.ImageToText.R1})
		texts = append(texts, plotter.XY{X: k, Y: p.TextToImage.R1})
		times = append(times, plotter.XY{X: k, Y: 1000 * p.QuerySeconds})
	}
	left, err := panel("R@1, %", curve{"image to text", images}, curve{"text to image", texts})
	if err != nil {
		return err
	}
	right, err := panel("re-ranking one query, ms", curve{points: times})
	if err != nil {
		return err
	}
	canvas := vgimg.New(24*vg.Centimeter, 10*vg.Centimeter)
	tiles := draw.Tiles{Rows: 1, Cols: 2, PadX: vg.Centimeter, PadRight: vg.Millimeter * 2}
	plots := [][]*plot.Plot{{left, right}}
	for i, c := range plot.Align(plots, tiles, draw.New(canvas))[0] {
		plots[0][i].Draw(c)
	}
	_, err = vgimg.PngCanvas{Canvas: canvas}.WriteTo(w)
	return err
}

type curve struct {
	name   string
	points plotter.XYs
}

// palette keeps apart for readers who see few colours.
var palette = [...]color.RGBA{{R: 0x1f, G: 0x4e, B: 0x9e, A: 0xff}, {R: 0xd9, G: 0x6b, B: 0x0b, A: 0xff}}

func panel(y string, curves ...curve) (*plot.Plot, error) {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = "candidates re-ranked (0: dual encoder alone)", y
	p.Y.Min = 0
	p.Legend.YOffs = vg.Millimeter
	p.Add(plotter.NewGrid())
	for i, c := range curves {
		line, marks, err := plotter.NewLinePoints(c.points)
		if err != nil {
			return nil, fmt.Errorf("plot sweep: %w", err)
		}
		line.Color, marks.Color = palette[i], palette[i]
		line.Width, marks.Shape = vg.Points(1.5), draw.CircleGlyph{}
		p.Add(line, marks)
		if len(curves) > 1 {
			p.Legend.Add(c.name, line)
		}
	}
	return p, nil
}
