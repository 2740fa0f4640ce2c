//go:build linux && amd64

// Command amx runs a program on a processor without AMX and emulates those of its
// instructions that internal/simd uses: it traces the program and does what each would have
// done where the processor refuses it. run.sh runs tests by it.
//
//	amx PROGRAM [ARGUMENT...]
//
// Its exit code is the program's, 3 if that is 0 and nothing was emulated, and 4 where amx fails.
// Tile registers are each thread's own. Processes that the program starts run without it.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: amx PROGRAM [ARGUMENT...]")
		os.Exit(2)
	}
	runtime.LockOSThread() // the kernel knows the tracer by its thread
	code, emulated, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "amx:", err)
		os.Exit(4)
	}
	fmt.Fprintf(os.Stderr, "amx: %d instructions emulated\n", emulated)
	if code == 0 && emulated == 0 {
		code = 3
	}
	os.Exit(code)
}

// tracer follows all threads of one process.
type tracer struct {
	process  int
	threads  map[int]*tiles
	emulated int
}

// run returns the program's exit code and how many instructions were emulated.
func run(command []string) (code, emulated int, err error) {
	process, err := os.StartProcess(command[0], command, &os.ProcAttr{
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}, Sys: &unix.SysProcAttr{Ptrace: true},
	})
	if err != nil {
		return 0, 0, fmt.Errorf("start: %w", err)
	}
	t := tracer{process: process.Pid, threads: map[int]*tiles{}}
	var status unix.WaitStatus
	if _, err := unix.Wait4(t.process, &status, 0, nil); err != nil {
		return 0, 0, fmt.Errorf("wait for the start: %w", err)
	}
	if err := unix.PtraceSetOptions(t.process, unix.PTRACE_O_TRACECLONE|unix.PTRACE_O_EXITKILL); err != nil {
		return 0, 0, fmt.Errorf("trace threads: %w", err)
	}
	for thread, signal := t.process, 0; ; {
		if err := unix.PtraceCont(thread, signal); err != nil && !errors.Is(err, unix.ESRCH) {
			return 0, 0, fmt.Errorf("go on: %w", err)
		}
		for {
			thread, err = unix.Wait4(-1, &status, unix.WALL, nil)
			if err != nil && !errors.Is(err, unix.EINTR) {
				return 0, 0, fmt.Errorf("wait: %w", err)
			}
			if err == nil && status.Stopped() {
				break
			}
			if err == nil {
				delete(t.threads, thread) // its number may come again
			}
			if thread == t.process && status.Exited() {
				return status.ExitStatus(), t.emulated, nil
			}
			if thread == t.process && status.Signaled() {
				return 0, 0, fmt.Errorf("ended by %v", status.Signal())
			}
		}
		if signal, err = t.stopped(thread, status); err != nil {
			return 0, 0, err
		}
	}
}

// stopped handles a stop and returns the signal that the thread is to have.
func (t *tracer) stopped(thread int, status unix.WaitStatus) (int, error) {
	state, known := t.threads[thread]
	if !known {
		state = &tiles{}
		t.threads[thread] = state
	}
	switch signal := status.StopSignal(); {
	case signal == unix.SIGTRAP, signal == unix.SIGSTOP && !known: // a thread begins another, or begins
		return 0, nil
	case signal != unix.SIGILL:
		return int(signal), nil
	}
	err := t.emulate(thread, state)
	if errors.Is(err, unix.ESRCH) { // another thread ended the program meanwhile
		err = nil
	}
	return 0, err
}

// emulate does the instruction that the thread stopped at and those of AMX right after it.
func (t *tracer) emulate(thread int, state *tiles) error {
	var r unix.PtraceRegs
	if err := unix.PtraceGetRegs(thread, &r); err != nil {
		return fmt.Errorf("read registers: %w", err)
	}
	general := [16]uint64{r.Rax, r.Rcx, r.Rdx, r.Rbx, r.Rsp, r.Rbp, r.Rsi, r.Rdi, r.R8, r.R9, r.R10, r.R11, r.R12, r.R13, r.R14, r.R15}
	m := memoryOf(t.process)
	for first := true; ; first = false {
		var code [6]byte
		if err := m.read(r.Rip, code[:]); err != nil {
			return err
		}
		i, err := decode(code[:], &general)
		if err != nil && first {
			return fmt.Errorf("at %#x: %w", r.Rip, err)
		}
		if err != nil {
			break
		}
		if err := state.execute(i, m); err != nil {
			return fmt.Errorf("at %#x: %w", r.Rip, err)
		}
		r.Rip += uint64(i.size)
		t.emulated++
	}
	if err := unix.PtraceSetRegs(thread, &r); err != nil {
		return fmt.Errorf("write registers: %w", err)
	}
	return nil
}

// memoryOf is the memory of a process.
type memoryOf int

func (p memoryOf) read(at uint64, into []byte) error {
	return p.move(at, into, unix.ProcessVMReadv, "read")
}

func (p memoryOf) write(at uint64, from []byte) error {
	return p.move(at, from, unix.ProcessVMWritev, "write")
}

func (p memoryOf) move(at uint64, local []byte, call func(int, []unix.Iovec, []unix.RemoteIovec, uint) (int, error), what string) error {
	if len(local) == 0 {
		return nil
	}
	here := unix.Iovec{Base: &local[0]}
	here.SetLen(len(local))
	n, err := call(int(p), []unix.Iovec{here}, []unix.RemoteIovec{{Base: uintptr(at), Len: len(local)}}, 0)
	if err != nil {
		return fmt.Errorf("%s %d bytes at %#x: %w", what, len(local), at, err)
	}
	if n != len(local) {
		return fmt.Errorf("%s %d bytes at %#x: only %d are there", what, len(local), at, n)
	}
	return nil
}
