package train_test

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/loopitr/loopitr/loss"
	"github.com/loopitr/loopitr/network"
	"github.com/loopitr/loopitr/train"
)

func TestDrillTakesTheStepsOfEveryRecipe(t *testing.T) {
	e := openEngine(t)
	masked := loss.Default()
	masked.MaskedTokens.Weight = 1
	for name, change := range map[string]func(*train.Config){
		"whole":   func(*train.Config) {},
		"chunks":  func(c *train.Config) { c.Chunk = 2 },
		"frozen":  func(c *train.Config) { c.Freeze = []string{"vision"} },
		"tokens":  func(c *train.Config) { c.Network = c.Network.WithTokens(3, 5) },
		"patches": func(c *train.Config) { c.Patches = train.Patches{Drop: 0.5, Steps: 10} },
		"masked":  func(c *train.Config) { c.Loss, c.Network.Text.MaskedModeling = masked, true },
	} {
		c := train.Default(network.Nano())
		c.Batch, c.Steps = 4, 1
		change(&c)
		d, err := train.NewDrill(e, c, 8)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var losses [2]float32
		for i := range losses {
			if losses[i], err = d.Step(t.Context()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if losses[0] == losses[1] || losses[0] <= 0 {
			t.Errorf("%s: losses are %v: the steps change nothing", name, losses)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	c := train.Default(network.Nano())
	if _, err := train.NewDrill(e, c, 8); err == nil {
		t.Error("a recipe without an end is taken")
	}
}

// memoryVariable asks for the test of Base's memory; it takes minutes.
const memoryVariable = "LOOPITR_TEST_MEMORY"

func TestBaseTrainsWithin16GiB(t *testing.T) {
	if os.Getenv(memoryVariable) == "" || runtime.GOOS != "linux" {
		t.Skipf("takes minutes, and Linux to say how much memory was held: set %s", memoryVariable)
	}
	net := network.Base()
	net.Vision.ImageSize = 224
	c := train.Default(net)
	c.Batch, c.Steps = 8, 1
	d, err := train.NewDrill(openEngine(t), c, 24)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for range 2 {
		if _, err := d.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	peak := peakMemory(t)
	t.Logf("at most %.2f GiB of memory were resident", float64(peak)/(1<<30))
	if peak > 16<<30 {
		t.Errorf("%d bytes", peak)
	}
}

// peakMemory is the most memory that was ever resident, in bytes.
func peakMemory(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kilobytes, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")))
			if err != nil {
				t.Fatal(err)
			}
			return kilobytes << 10
		}
	}
	t.Fatal("the kernel does not say")
	return 0
}
