package simd_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loopitr/loopitr/internal/simd"
)

func TestLevelNames(t *testing.T) {
	for level, want := range map[simd.Level]string{simd.Generic: "generic", simd.AVX2: "avx2", simd.AVX512: "avx512", simd.AMX: "amx", 9: "Level(9)"} {
		if got := level.String(); got != want {
			t.Errorf("level %d is %q, want %q", int(level), got, want)
		}
	}
}

func TestUseSwitchesAndSwitchesBack(t *testing.T) {
	before := simd.Active()
	for _, l := range simd.Available() {
		restore := simd.Use(l)
		if simd.Active() != l {
			t.Errorf("active is %v, want %v", simd.Active(), l)
		}
		restore()
	}
	if simd.Active() != before {
		t.Errorf("active is %v, was %v", simd.Active(), before)
	}
}

func TestHonouredNamesTheLevelThatRuns(t *testing.T) {
	t.Setenv(simd.Variable, "")
	if err := simd.Honoured(); err != nil {
		t.Error(err)
	}
	t.Setenv(simd.Variable, simd.Active().String())
	if err := simd.Honoured(); err != nil {
		t.Error(err)
	}
	t.Setenv(simd.Variable, "mmx")
	if err := simd.Honoured(); err == nil || !strings.Contains(err.Error(), simd.Active().String()) {
		t.Errorf("error = %v", err)
	}
}

// The variable is read once at start, so each value needs a process.
func TestVariableForcesALevel(t *testing.T) {
	if os.Getenv("SIMD_TEST_CHILD") != "" {
		if got := simd.Active().String(); got != os.Getenv(simd.Variable) {
			t.Fatalf("active is %s", got)
		}
		return
	}
	for _, l := range simd.Available() {
		command := exec.Command(os.Args[0], "-test.run=^TestVariableForcesALevel$")
		command.Env = append(os.Environ(), "SIMD_TEST_CHILD=1", simd.Variable+"="+l.String())
		out, err := command.CombinedOutput()
		if errors.Is(err, syscall.ENOEXEC) {
			t.Skip("this program runs in an emulator that starts no others: ", err)
		}
		if err != nil {
			t.Errorf("%v: %v\n%s", l, err, out)
		}
	}
}

func TestGeneratorReproducesTheCommittedFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the generator")
	}
	dir := t.TempDir()
	generator := filepath.Join(dir, "generator.exe")
	if out, err := exec.Command("go", "build", "-o", generator, "./gen").CombinedOutput(); err != nil {
		t.Skipf("the generator cannot be built here: %v\n%s", err, out)
	}
	command := exec.Command(generator)
	command.Dir = dir
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	made, err := filepath.Glob(filepath.Join(dir, "*_*"))
	if err != nil || len(made) == 0 {
		t.Fatalf("made %v: %v", made, err)
	}
	for _, path := range made {
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Base(path))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is not what the generator makes", filepath.Base(path))
		}
	}
}

func TestKernelsAllocateNothingInTheSteadyState(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		p := simd.Product{A: simd.Dense(normal(1, 50*60), 50, 60), B: simd.Dense(normal(2, 60*70), 60, 70), C: simd.Dense(make([]float32, 50*70), 50, 70)}
		a := attentionCase{t: 20, s: 30, d: 8, dv: 8, mask: true}.make()
		g := simd.AttentionGradient{Attention: a, DO: strided(7, 20, 8, 0), DQ: strided(8, 20, 8, 0), DK: strided(9, 30, 8, 0), DV: strided(9, 30, 8, 0)}
		x, y, mask := normal(1, 100), make([]float32, 100), make([]bool, 100)
		var w simd.Workspace
		if n := testing.AllocsPerRun(5, func() {
			p.Run(&w)
			a.Run(&w, 0, 20)
			g.Run(&w)
			simd.CompareScalar(mask, simd.Less, x, 0)
			simd.Exp(y, x)
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}
