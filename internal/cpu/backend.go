package cpu

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/notimplemented"
	"github.com/gomlx/compute/shapes"

	"github.com/loopitr/loopitr/internal/simd"
)

// maxThreads bounds the threads option; more cores than this share badly.
const maxThreads = 256

// options are what the configuration string says.
type options struct {
	threads int
	bf16    bool // round the operands of products to bfloat16
	noPlain bool // compile no product that no kernel computes
}

func parseOptions(config string) (options, error) {
	o := options{threads: runtime.GOMAXPROCS(0)}
	if config == "" {
		return o, nil
	}
	for _, field := range strings.Split(config, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch key {
		case "threads":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 || n > maxThreads {
				return o, fmt.Errorf("open cpu: threads %q: want 1 to %d", value, maxThreads)
			}
			o.threads = n
		case "products":
			switch value {
			case "float32":
				o.bf16 = false
			case "bf16":
				o.bf16 = true
			default:
				return o, fmt.Errorf("open cpu: products %q: want float32 or bf16", value)
			}
		case "plain":
			if value != "refuse" {
				return o, fmt.Errorf("open cpu: plain %q: want refuse", value)
			}
			o.noPlain = true
		default:
			return o, fmt.Errorf("open cpu: unknown option %q: want threads, products or plain", field)
		}
	}
	return o, nil
}

// Backend runs graphs on this machine's processor. It may be used concurrently.
type Backend struct {
	options   options
	memory    *memory
	pool      *pool
	finalized atomic.Bool
	once      sync.Once
}

var _ compute.Backend = (*Backend)(nil)

// New opens the backend. config is empty or a comma-separated list of
// threads=N (default: GOMAXPROCS) and products=float32|bf16 (default float32;
// bf16 rounds the operands of matrix products and accumulates in float32; fused
// attention and products of at most 16 rows stay exact; emulated, and slower
// than float32, where simd.NativeBFloat16 is false). With
// plain=refuse, which is for tests, a product that only the slow plain loop could
// compute is an error of Compile. The backend's goroutines live until Finalize.
func New(config string) (compute.Backend, error) {
	o, err := parseOptions(config)
	if err != nil {
		return nil, err
	}
	return &Backend{options: o, memory: newMemory(o.threads), pool: newPool(o.threads)}, nil
}

// Name returns "cpu".
func (b *Backend) Name() string { return "cpu" }

// String returns the name.
func (b *Backend) String() string { return b.Name() }

// Description says what the backend is, with how many threads it runs and how it
// multiplies.
func (b *Backend) Description() string {
	kind := "float32"
	if b.options.bf16 {
		kind = "emulated bf16"
		if simd.NativeBFloat16() {
			kind = "native bf16"
		}
	}
	return fmt.Sprintf("loopitr's CPU engine: %d threads, %s products", b.options.threads, kind)
}

// NumDevices returns 1.
func (b *Backend) NumDevices() int { return 1 }

// DeviceDescription describes the only device.
func (b *Backend) DeviceDescription(compute.DeviceNum) string { return b.Description() }

// Capabilities lists the operations and dtypes that work.
func (b *Backend) Capabilities() compute.Capabilities { return capabilities() }

// Builder starts a new graph.
func (b *Backend) Builder(name string) compute.Builder {
	builder := &Builder{backend: b, name: name, Builder: notimplemented.Builder{ErrFn: notImplemented}}
	builder.main = builder.newFunction(compute.MainName, nil)
	return builder
}

// Finalize ends the worker goroutines and drops pooled memory. No execution may
// be under way.
func (b *Backend) Finalize() {
	b.once.Do(func() {
		b.finalized.Store(true)
		b.pool.close()
		b.memory.drop()
	})
}

// IsFinalized tells whether Finalize was called.
func (b *Backend) IsFinalized() bool { return b.finalized.Load() }

var errFinalized = errors.New("cpu: backend is finalized")

func (b *Backend) check(device compute.DeviceNum) error {
	if b.finalized.Load() {
		return errFinalized
	}
	if device != 0 {
		return fmt.Errorf("cpu: device %d: there is only device 0", device)
	}
	return nil
}

func notImplemented(op compute.OpType) error {
	return fmt.Errorf("cpu: %s: %w", op, compute.ErrNotImplemented)
}

func unsupported(op compute.OpType, format string, args ...any) error {
	return fmt.Errorf("cpu: %s of %s: %w", op, fmt.Sprintf(format, args...), compute.ErrNotImplemented)
}

// BufferFromFlatData copies flat, a slice of shape's Go type, into a new buffer.
func (b *Backend) BufferFromFlatData(device compute.DeviceNum, flat any, shape shapes.Shape) (compute.Buffer, error) {
	if err := b.check(device); err != nil {
		return nil, err
	}
	buffer, err := b.newBuffer(shape)
	if err != nil {
		return nil, err
	}
	src, err := flatBytes(flat, shape)
	if err != nil {
		return nil, err
	}
	copy(buffer.block.bytes(), src)
	return buffer, nil
}

// HasSharedBuffers returns true: buffers are ordinary Go memory.
func (b *Backend) HasSharedBuffers() bool { return true }

// NewSharedBuffer returns a zeroed buffer and the slice that is its storage.
func (b *Backend) NewSharedBuffer(device compute.DeviceNum, shape shapes.Shape) (compute.Buffer, any, error) {
	if err := b.check(device); err != nil {
		return nil, nil, err
	}
	buffer, err := b.newBuffer(shape)
	if err != nil {
		return nil, nil, err
	}
	clear(buffer.block.bytes())
	flat, err := buffer.Data()
	return buffer, flat, err
}
