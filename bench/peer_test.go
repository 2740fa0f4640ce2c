package bench_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/loopitr/loopitr/bench"
)

// fakeVariable makes this program a peer: what kind of one.
const fakeVariable = "LOOPITR_BENCH_TEST_PEER"

// fakeSeconds is what one run of a fake peer takes.
const fakeSeconds = 0.25

// boastedSeconds is what a run takes that nobody can do in that time.
const boastedSeconds = 1e-8

// actAsPeer answers as peers/peer.py does.
func actAsPeer(kind, name string) {
	if name != "torch" && name != "faiss" && name != "pillow" {
		os.Exit(1)
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		answer := "{}"
		switch {
		case kind == "dying":
			os.Exit(1)
		case kind == "missing":
			answer = fmt.Sprintf(`{"missing": "No module named '%s'"}`, name)
		case kind == "failing":
			answer = `{"error": "out of wits"}`
		case kind == "babbling":
			answer = "hello"
		case strings.Contains(in.Text(), `"times":1}`):
			seconds := fakeSeconds
			if kind == "boasting" {
				seconds = boastedSeconds
			}
			answer = fmt.Sprintf(`{"seconds": %v}`, seconds)
		}
		fmt.Println(answer)
	}
}

// pythonVariable names an interpreter that has the peers' modules.
const pythonVariable = "LOOPITR_TEST_PYTHON"

func TestPeersInPython(t *testing.T) {
	python := os.Getenv(pythonVariable)
	if python == "" {
		t.Skipf("needs Python with torch, faiss or PIL: set %s", pythonVariable)
	}
	for needs, peer := range map[string]string{
		"import torch; torch.nn.functional.scaled_dot_product_attention": "torch", "import faiss": "faiss", "import PIL": "pillow",
	} {
		if out, err := exec.Command(python, "-c", needs).CombinedOutput(); err != nil {
			t.Logf("%s is left out: %s", peer, out)
			continue
		}
		c := bench.Default()
		c.Short, c.Python, c.Peers = true, python, []string{peer}
		measured := 0
		r := run(t, c)
		if r.Versions[peer] == "" {
			t.Errorf("%s does not say what it is", peer)
		}
		for _, row := range r.Rows {
			for _, l := range row.Lines[1:] {
				measured++
				if l.Reason != "" || l.Median <= 0 {
					t.Errorf("%s %s: %+v", row.Name, row.Size, l)
				}
			}
		}
		if measured == 0 {
			t.Errorf("%s does no row", peer)
		}
	}
}
