package bench_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/bench"
)

func TestMain(m *testing.M) {
	if kind := os.Getenv(fakeVariable); kind != "" {
		actAsPeer(kind, os.Args[len(os.Args)-1])
		return
	}
	goleak.VerifyTestMain(m)
}

// short is a run of tiny sizes with this program in the place of Python.
func short(t *testing.T, kind string) bench.Config {
	t.Helper()
	t.Setenv(fakeVariable, kind)
	c := bench.Default()
	c.Short, c.Python = true, os.Args[0]
	return c
}

func run(t *testing.T, c bench.Config) bench.Report {
	t.Helper()
	r, err := bench.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestShortRunMeasuresEveryRow(t *testing.T) {
	r := run(t, short(t, "willing"))
	var names []string
	for _, row := range r.Rows {
		if !slices.Contains(names, row.Name) {
			names = append(names, row.Name)
		}
		first := row.Lines[0]
		if first.Reason != "" || first.Median <= 0 || first.Rate <= 0 || first.Samples != 1 || first.Ratio != 0 {
			t.Errorf("%s %s: the one under test: %+v", row.Name, row.Size, first)
		}
		contenders := []string{first.Contender}
		for _, l := range row.Lines[1:] {
			contenders = append(contenders, l.Contender)
			if l.Contender == "onnx" && l.Reason != "" { // not every binary has it
				continue
			}
			if l.Reason != "" || l.Median <= 0 || l.Ratio != l.Median/first.Median {
				t.Errorf("%s %s: beside %v: %+v", row.Name, row.Size, first.Median, l)
			}
		}
		want := map[string][]string{"scan": {"loopitr", "faiss"}, "search": {"cpu"}, "decode-resize": {"loopitr", "pillow"}}[row.Name]
		if want == nil {
			want = []string{"cpu", "onnx", "go", "torch"}
		}
		if diff := cmp.Diff(want, contenders); diff != "" {
			t.Errorf("%s %s: %s", row.Name, row.Size, diff)
		}
	}
	if diff := cmp.Diff(bench.Rows(), names); diff != "" {
		t.Error(diff)
	}
	if !r.Short || r.PeakGFLOPS <= 0 || r.Engine != "cpu" || r.Processors < 1 {
		t.Errorf("report %+v", r)
	}
}

func TestRowsThatReadingBoundsSayHowFastTheyRead(t *testing.T) {
	c := short(t, "willing")
	c.Only, c.Peers = []string{"product", "scan", "decode-resize"}, []string{"torch", "faiss", "pillow"}
	bound := map[string]float64{"1x768x3072 NN": 4 * (768 + 768*3072), "200 vectors of 16, 16 queries": 16 * 200 * 16}
	found := 0
	for _, row := range run(t, c).Rows {
		bytes := bound[row.Size]
		if bytes > 0 {
			found++
		}
		for _, l := range row.Lines {
			if l.ReadGBs != bytes/l.Median/1e9 || (l.OfReading > 0) != (bytes > 0) {
				t.Errorf("%s %s: %+v for %v bytes", row.Name, row.Size, l, bytes)
			}
		}
	}
	if found != len(bound) {
		t.Errorf("%d rows are bound by reading, want %d", found, len(bound))
	}
}

func TestSamplesAboveThePeakAreSaid(t *testing.T) {
	c := short(t, "boasting")
	c.Only, c.Peers = []string{"product"}, []string{"torch"}
	lines := run(t, c).Rows[0].Lines
	if lines[1].OfPeak <= 1 {
		t.Errorf("%+v in %v s", lines[1], boastedSeconds)
	}
	for _, l := range lines {
		if l.Samples != 1 || (l.AbovePeak == 1) != (l.OfPeak > 1) {
			t.Errorf("%+v", l)
		}
	}
}

func TestLongSamplesHaveALongPeak(t *testing.T) {
	for sample, want := range map[time.Duration]time.Duration{
		0: 25 * time.Millisecond, 2 * time.Second: 100 * time.Millisecond, time.Hour: 500 * time.Millisecond,
	} {
		if got := bench.GaugeTime(sample); got != want {
			t.Errorf("%v beside %v, want %v", got, sample, want)
		}
	}
}

func TestAPeersFigureIsItsOwn(t *testing.T) {
	c := short(t, "willing")
	c.Only, c.Peers = []string{"product"}, []string{"torch"}
	l := run(t, c).Rows[0].Lines[1]
	const flops = 2 * 192 * 17 * 64 * 65
	if l.Contender != "torch" || l.Median != fakeSeconds || l.Rate != 1/fakeSeconds || l.GFLOPS != flops/fakeSeconds/1e9 || l.OfPeak <= 0 {
		t.Errorf("%+v for runs of %v s", l, fakeSeconds)
	}
}

func TestWhoCannotIsSkippedAndSaid(t *testing.T) {
	for kind, want := range map[string]string{
		"missing": "not here: ", "failing": "out of wits", "dying": "EOF", "babbling": "invalid character", "absent": "not here: ",
	} {
		c := short(t, kind)
		if kind == "absent" {
			c.Python = "/nowhere/python"
		}
		c.Only, c.Peers = []string{"attention", "decode-resize"}, []string{"torch", "pillow"}
		r := run(t, c)
		for _, row := range r.Rows {
			last := row.Lines[len(row.Lines)-1]
			if !strings.Contains(last.Reason, want) || last.Median != 0 || last.Ratio != 0 {
				t.Errorf("%s: %+v, want a reason with %q", kind, last, want)
			}
		}
		var text strings.Builder
		if err := r.Print(&text); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(text.String(), "skipped: "); got != len(r.Rows) {
			t.Errorf("%s: %d lines say skipped, want %d:\n%s", kind, got, len(r.Rows), text.String())
		}
	}
}

func TestPrint(t *testing.T) {
	r := bench.Report{
		Date: "2026-11-25", Machine: "linux/amd64", Processors: 2, SIMD: "avx2", PeakGFLOPS: 200, Versions: map[string]string{"torch": "PyTorch 2"},
		Rows: []bench.Row{{Name: "product", Size: "1x2x3", Unit: "products", Lines: []bench.Line{
			{Contender: "cpu", Samples: 3, Median: 0.5, Least: 0.25, Most: 1, Rate: 2, GFLOPS: 150, OfPeak: 0.7},
			{Contender: "torch", Samples: 1, Median: 1, Least: 1, Most: 1, Rate: 1, GFLOPS: 75, OfPeak: 0.35, ReadGBs: 10, OfReading: 0.5, Ratio: 2},
			{Contender: "go", Samples: 3, Median: 1, Least: 1, Most: 1, Rate: 1, GFLOPS: 225, OfPeak: 1.125, AbovePeak: 2, Ratio: 2},
			{Contender: "onnx", Reason: "not here:\nno library"},
		}}},
	}
	var text strings.Builder
	if err := r.Print(&text); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"2026-11-25, linux/amd64, 2 processors, avx2, peak 200.0 GFLOPS together", "",
		"what size who samples median least to most rate GFLOPS of peak GB/s of reading loopitr is",
		"product 1x2x3 cpu 3 500ms 250ms to 1s 2 products/s 150.0 0.70",
		"torch 1 1s 1s to 1s 1 products/s 75.0 0.35 10.0 0.50 2.00x",
		"go 3 1s 1s to 1s 1 products/s 225.0 1.12 (2 of 3 above) 2.00x",
		"onnx skipped: not here:; no library",
		"above the peak: unreliable, unless by wider instructions than avx2 or with numbers shorter than float32",
		"torch: PyTorch 2",
	}
	var got []string
	for line := range strings.Lines(text.String()) {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRefusals(t *testing.T) {
	for name, change := range map[string]func(*bench.Config){
		"peer":       func(c *bench.Config) { c.Peers = []string{"abacus"} },
		"row":        func(c *bench.Config) { c.Only = []string{"coffee"} },
		"0 rounds":   func(c *bench.Config) { c.Rounds = 0 },
		"within -1s": func(c *bench.Config) { c.Budget = -time.Second },
	} {
		c := bench.Default()
		change(&c)
		if _, err := bench.Run(t.Context(), c); !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	c := bench.Default()
	c.Engine = "abacus"
	if _, err := bench.Run(t.Context(), c); !errors.Is(err, loopitr.ErrUnavailable) {
		t.Errorf("engine: error %v", err)
	}
}
