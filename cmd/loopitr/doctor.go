package main

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/internal/simd"
	"github.com/loopitr/loopitr/internal/terminal"
	"github.com/spf13/cobra"
)

// diagnosis is what doctor finds, as JSON.
type diagnosis struct {
	Version    string       `json:"version"`
	Machine    string       `json:"machine"`
	Processors int          `json:"processors"`
	Engines    []engineTest `json:"engines"`
	Chosen     string       `json:"chosen"`
	SIMD       string       `json:"simd"`
	Levels     []string     `json:"simd_available"`
	// BFloat16 is how products=bf16 computes: native or emulated.
	BFloat16 string `json:"bf16_products"`
	// PeakGFLOPS is the measured float32 multiply-add rate of one core.
	PeakGFLOPS float64 `json:"peak_gflops_per_core"`
	Preview    string  `json:"preview"`
}

// How products=bf16 computes.
const (
	native   = "native"
	emulated = "emulated"
)

// engineTest is whether an engine opens here.
type engineTest struct {
	Name        string `json:"name"`
	Works       bool   `json:"works"`
	Description string `json:"description"`

	err error
}

// The peak is the best of several takes: other work on the machine lowers some.
const (
	peakTakes = 10
	peakTime  = 25 * time.Millisecond
)

func measuredPeak() float64 {
	peak := 0.0
	for range peakTakes {
		peak = max(peak, simd.Peak(peakTime))
	}
	return peak
}

func newDoctor(g *global, std streams) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this binary can do here: engines, instructions, previews",
		Long: `doctor opens every engine that this binary has, names the instructions that the cpu
engine uses ($LOOPITR_SIMD forces generic, avx2, avx512 or amx), measures what one core
can do at best, and says whether this terminal is known to show pictures. Products of
--engine cpu:products=bf16 are native where the processor has AMX-BF16 (some four times
as fast as float32) or AVX512-BF16; elsewhere, and where LOOPITR_SIMD forces a lower
level, they are emulated: the operands are rounded alike, and it is slower than float32.`,
		Example: `  loopitr doctor
  loopitr doctor --engine cpu --json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return runDoctor(g, std, asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the findings as JSON")
	return c
}

func runDoctor(g *global, std streams, asJSON bool) error {
	d := diagnosis{
		Version: versionText(), Machine: runtime.GOOS + "/" + runtime.GOARCH, Processors: runtime.GOMAXPROCS(0),
		SIMD: simd.Active().String(), PeakGFLOPS: measuredPeak(), Preview: string(terminal.Off),
		BFloat16: emulated,
	}
	if simd.NativeBFloat16() {
		d.BFloat16 = native
	}
	for _, l := range simd.Available() {
		d.Levels = append(d.Levels, l.String())
	}
	for _, name := range engine.Names() {
		d.Engines = append(d.Engines, tryEngine(name))
	}
	chosen := tryEngine(g.engine)
	d.Chosen = chosen.Description
	preview := previewFlags{mode: autoPreview}
	d.Preview = string(preview.canvas(std.out).Protocol)
	var err error
	if asJSON {
		err = printJSON(std.out, d)
	} else {
		err = d.print(std.out)
	}
	if err == nil {
		err = simd.Honoured()
	}
	if err == nil {
		err = chosen.err
	}
	return err
}

func tryEngine(name string) engineTest {
	e, err := engine.Open(name)
	if err != nil {
		return engineTest{name, false, err.Error(), err}
	}
	defer e.Close()
	return engineTest{name, true, e.Name() + ": " + e.Description(), nil}
}

func (d diagnosis) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "version\t%s\n", d.Version)
	fmt.Fprintf(t, "machine\t%s, %d processors\n", d.Machine, d.Processors)
	fmt.Fprintf(t, "instructions\t%s (of %s), %.1f GFLOPS a core measured now\n", d.SIMD, strings.Join(d.Levels, ", "), d.PeakGFLOPS)
	bf16 := "native, by AVX512-BF16"
	switch {
	case d.BFloat16 == emulated:
		bf16 = "emulated, slower than float32: native needs AMX-BF16 or AVX512-BF16, and LOOPITR_SIMD unset, amx or avx512"
	case d.SIMD == simd.AMX.String():
		bf16 = "native, by AMX-BF16"
	}
	fmt.Fprintf(t, "products=bf16\t%s\n", bf16)
	for _, e := range d.Engines {
		state := "works"
		if !e.Works {
			state = "does not work"
		}
		fmt.Fprintf(t, "engine %s\t%s: %s\n", e.Name, state, e.Description)
	}
	fmt.Fprintf(t, "chosen engine\t%s\n", d.Chosen)
	fmt.Fprintf(t, "previews here\t%s\n", d.Preview)
	return t.Flush()
}
