package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is the table.
type Report struct {
	Date       string `json:"date"`
	Machine    string `json:"machine"`
	Processors int    `json:"processors"`
	SIMD       string `json:"simd"`
	Engine     string `json:"engine"`
	// PeakGFLOPS is the float32 multiply-add rate of all processors, measured at the start.
	PeakGFLOPS float64 `json:"peak_gflops"`
	// Versions say what the peers that came are, by contender.
	Versions map[string]string `json:"versions,omitempty"`
	Short    bool              `json:"short,omitempty"`
	Rows     []Row             `json:"rows"`
}

// Row is one thing measured; the first line is the engine under test.
type Row struct {
	Name  string `json:"name"`
	Size  string `json:"size"`
	Unit  string `json:"unit"` // of rates
	Lines []Line `json:"lines"`
}

// Line is how one contender did.
type Line struct {
	Contender string  `json:"contender"`
	Samples   int     `json:"samples,omitempty"`
	Median    float64 `json:"median_seconds,omitempty"`
	Least     float64 `json:"least_seconds,omitempty"`
	Most      float64 `json:"most_seconds,omitempty"`
	Rate      float64 `json:"per_second,omitempty"`
	GFLOPS    float64 `json:"gflops,omitempty"` // 0 where operations are not the point
	// OfPeak is the median, over samples, of GFLOPS over the float32 multiply-add rate of
	// all processors around the sample; AbovePeak counts samples above it.
	OfPeak    float64 `json:"of_peak,omitempty"`
	AbovePeak int     `json:"above_peak,omitempty"`
	// ReadGBs is how many GB/s are read; 0 where reading is not what bounds. OfReading is
	// the median, over samples, of that over the rate at which all processors read as
	// large an array around the sample.
	ReadGBs   float64 `json:"read_gb_per_second,omitempty"`
	OfReading float64 `json:"of_reading,omitempty"`
	// Ratio is how many times as fast the engine under test is; 0 for itself.
	Ratio float64 `json:"ratio,omitempty"`
	// Reason is why there is nothing above.
	Reason string `json:"reason,omitempty"`
}

// Print writes the table.
func (r Report) Print(w io.Writer) error {
	if r.Short {
		fmt.Fprintln(w, "short: these times say nothing")
	}
	fmt.Fprintf(w, "%s, %s, %d processors, %s, peak %.1f GFLOPS together\n\n", r.Date, r.Machine, r.Processors, r.SIMD, r.PeakGFLOPS)
	above := false
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "what\tsize\twho\tsamples\tmedian\tleast to most\trate\tGFLOPS\tof peak\tGB/s\tof reading\tloopitr is")
	for _, row := range r.Rows {
		for i, l := range row.Lines {
			name, size := row.Name, row.Size
			if i > 0 {
				name, size = "", ""
			}
			above = above || l.AbovePeak > 0
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", name, size, l.Contender, strings.Join(l.cells(row.Unit), "\t"))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if above {
		fmt.Fprintf(w, "above the peak: unreliable, unless by wider instructions than %s or with numbers shorter than float32\n", r.SIMD)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Versions)) {
		fmt.Fprintf(w, "%s: %s\n", name, r.Versions[name])
	}
	return nil
}

func (l Line) cells(unit string) []string {
	if l.Reason != "" {
		return []string{"skipped: " + strings.ReplaceAll(l.Reason, "\n", "; ")}
	}
	cells := []string{
		strconv.Itoa(l.Samples), span(l.Median), span(l.Least) + " to " + span(l.Most), fmt.Sprintf("%.4g %s/s", l.Rate, unit), "", "", "", "", "",
	}
	if l.GFLOPS > 0 {
		cells[4], cells[5] = fmt.Sprintf("%.1f", l.GFLOPS), fmt.Sprintf("%.2f", l.OfPeak)
	}
	if l.AbovePeak > 0 {
		cells[5] += fmt.Sprintf(" (%d of %d above)", l.AbovePeak, l.Samples)
	}
	if l.ReadGBs > 0 {
		cells[6], cells[7] = fmt.Sprintf("%.1f", l.ReadGBs), fmt.Sprintf("%.2f", l.OfReading)
	}
	if l.Ratio > 0 {
		cells[8] = fmt.Sprintf("%.2fx", l.Ratio)
	}
	return cells
}

// span is a time with three digits.
func span(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	unit := time.Nanosecond
	for unit < d/1000 {
		unit *= 10
	}
	return d.Round(unit).String()
}
