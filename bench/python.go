package bench

import (
	"bufio"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/internal/durable"
)

// blasThreads is what the environment may replace. OpenBLAS's threads and PyTorch's
// get in each other's way in training; one of its threads halves plain products.
const blasThreads = "OPENBLAS_NUM_THREADS=1"

//go:embed peers/*.py
var scripts embed.FS

// python is a peer's process: it reads one request a line, as JSON, and answers
// each with one line. One goroutine at a time.
type python struct {
	command *exec.Cmd
	folder  string
	to      io.WriteCloser
	from    *bufio.Reader
	errors  strings.Builder
}

// request prepares a row's work, or runs what was prepared.
type request struct {
	Row   string         `json:"row,omitempty"`
	Sizes map[string]any `json:"sizes,omitempty"`
	Times int            `json:"times,omitempty"`
}

type answer struct {
	Seconds float64 `json:"seconds"`
	Missing string  `json:"missing"` // a module that is not there
	Error   string  `json:"error"`
	Version string  `json:"version"` // of what does the work, with a row's preparation
}

// python starts the peer's process at its first use.
func (s *session) python(ctx context.Context, peer string) (*python, error) {
	if p := s.pythons[peer]; p != nil {
		return p, nil
	}
	p, err := startPython(ctx, s.Python, peer, s.threads)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, loopitr.ErrUnavailable)
	}
	s.pythons[peer] = p
	return p, nil
}

func startPython(ctx context.Context, interpreter, peer string, threads int) (_ *python, err error) {
	p := &python{}
	if p.folder, err = os.MkdirTemp("", "loopitr-bench-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(p.folder))
		}
	}()
	files, err := scripts.ReadDir("peers")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		content, err := scripts.ReadFile("peers/" + f.Name())
		if err != nil {
			return nil, err
		}
		if err := durable.WriteBytes(filepath.Join(p.folder, f.Name()), content); err != nil {
			return nil, err
		}
	}
	p.command = exec.CommandContext(ctx, interpreter, "-B", filepath.Join(p.folder, "peer.py"), peer)
	p.command.Env = append([]string{blasThreads}, append(p.command.Environ(), "OMP_NUM_THREADS="+strconv.Itoa(threads))...)
	p.command.Stderr = &p.errors
	if p.to, err = p.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.from = bufio.NewReader(out)
	return p, p.command.Start()
}

// ask sends one request and waits for its answer.
func (p *python) ask(r request) (answer, error) {
	var a answer
	err := json.NewEncoder(p.to).Encode(r)
	if err == nil {
		var line []byte
		if line, err = p.from.ReadBytes('\n'); err == nil {
			err = json.Unmarshal(line, &a)
		}
	}
	switch {
	case err != nil:
		return a, fmt.Errorf("python: %w %s", err, lastLine(p.errors.String()))
	case a.Missing != "":
		return a, fmt.Errorf("python: %s: %w", a.Missing, loopitr.ErrUnavailable)
	case a.Error != "":
		return a, fmt.Errorf("python: %s", a.Error)
	}
	return a, nil
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// close ends the process: it ends at the end of its input.
func (p *python) close() error {
	err := p.to.Close()
	_ = p.command.Wait() // how it ended is of no interest
	return errors.Join(err, os.RemoveAll(p.folder))
}

// foreign is work of a peer's process.
type foreign struct{ python *python }

func (f foreign) run(ctx context.Context, times int) (time.Duration, error) {
	a, err := f.python.ask(request{Times: times})
	return time.Duration(a.Seconds * float64(time.Second)), err
}

// close lets the peer forget what it prepared.
func (f foreign) close() error {
	_, err := f.python.ask(request{Row: "nothing"})
	return err
}

// peer offers a row to a Python peer, if it is asked for.
func (s *session) peer(name, row string, sizes map[string]any) []offer {
	if !s.wants(name) {
		return nil
	}
	return []offer{{name: name, open: func(ctx context.Context) (work, error) {
		p, err := s.python(ctx, name)
		if err != nil {
			return nil, err
		}
		sizes["threads"] = s.threads
		a, err := p.ask(request{Row: row, Sizes: sizes})
		if err != nil {
			return nil, err
		}
		s.versions[name] = a.Version
		return foreign{p}, nil
	}}}
}
