package train

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/dataset"
	"github.com/loopitr/loopitr/internal/durable"
	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/network"
	"github.com/loopitr/loopitr/pixels"
)

// A frozen vision tower says the same of a picture at every visit, so it is asked
// once: its tokens are kept in the run's folder, in token files of cacheRows
// pictures each, which are the steps that a killed run does not repeat.
const (
	cacheFolder = "tokens"
	cacheRows   = 512
	// encodeRows is how many pictures are encoded at a time.
	encodeRows = 16
	// fingerprintKey is where a token file says whose tokens it holds.
	fingerprintKey = "fingerprint"
)

// cached tells whether steps take the vision tower's tokens instead of pictures.
func (c Config) cached() bool { return c.frozen("vision/") }

// cache are the tokens of the records of one split.
type cache struct {
	files []*dataset.TokenFile // cacheRows records each, the last one fewer
	dims  []int                // P, D
}

func (c *cache) tokens(record int, to []float32) error {
	return c.files[record/cacheRows].Read(record%cacheRows, to)
}

func (c *cache) close() error {
	var err error
	for _, f := range c.files {
		if closed := f.Close(); err == nil {
			err = closed
		}
	}
	return err
}

// encoder makes tokens of a split's pictures.
type encoder struct {
	run         *run
	pictures    *pictures
	program     *engine.Program
	fingerprint string
	dims        []int
}

// cacheTokens gives the splits the tokens of their pictures, from the run's folder
// as far as it holds them.
func (r *run) cacheTokens(ctx context.Context, splits map[string]*pictures) (err error) {
	v := r.Config.Network.Vision
	e := &encoder{run: r, dims: []int{v.PictureTokens(), v.Width}}
	if e.fingerprint, err = r.visionFingerprint(); err != nil {
		return err
	}
	folder := filepath.Join(r.folder.state, cacheFolder)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if err := durable.RemoveUnfinished(folder, ""); err != nil {
		return err
	}
	defer func() {
		if e.program != nil {
			_ = e.program.Close() // only read from
		}
	}()
	for split, p := range splits {
		e.pictures = p
		c := &cache{dims: e.dims}
		for first := 0; first < len(p.records); first += cacheRows {
			f, err := e.file(ctx, split, first)
			if err != nil {
				_ = c.close() // only read from
				return fmt.Errorf("encode pictures once: %w", err)
			}
			c.files = append(c.files, f)
		}
		p.cache = c
		p.decoded.Clear()
	}
	return nil
}

// visionFingerprint identifies what the frozen tower makes of a picture.
func (r *run) visionFingerprint() (string, error) {
	sum := sha256.New()
	about, err := json.Marshal([]any{r.Config.Network.Vision, r.Config.Pixels, r.Engine.Name()})
	if err != nil {
		return "", err
	}
	sum.Write(about)
	for _, name := range r.visionWeights() {
		values, err := r.state.Read(name)
		if err != nil {
			return "", err
		}
		io.WriteString(sum, name)
		if err := safetensors.FromFloat32(name, safetensors.F32, nil, values[0].Floats()).Write(sum); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func (r *run) visionWeights() []string {
	var names []string
	for _, name := range r.Config.kept() {
		if (Config{Freeze: []string{"vision"}}).frozen(name) {
			names = append(names, name)
		}
	}
	return names
}

// file opens the token file of the records from first on, and makes it if it is
// not there, damaged or another tower's.
func (e *encoder) file(ctx context.Context, split string, first int) (*dataset.TokenFile, error) {
	records := e.pictures.records[first:min(first+cacheRows, len(e.pictures.records))]
	ids := make([]string, len(records))
	for i, record := range records {
		ids[i] = record.ID
	}
	path := filepath.Join(e.run.folder.state, cacheFolder, fmt.Sprintf("%s-%05d.safetensors", split, first/cacheRows))
	fingerprint := fmt.Sprintf("%s %s", e.fingerprint, recordsDigest(records))
	if holds(path, fingerprint) {
		return dataset.OpenTokens(path)
	}
	made := make([]float32, encodeRows*size(e.dims))
	err := dataset.WriteTokens(path, dataset.TokenWriter{
		IDs: ids, Count: e.dims[0], Width: e.dims[1], DType: safetensors.F32,
		Metadata: map[string]string{fingerprintKey: fingerprint},
		Row: func(i int, to []float32) error {
			if i%encodeRows == 0 {
				e.run.Observe(Progress{Stage: "encode pictures once for " + split, Done: first + i, Total: len(e.pictures.records)})
				if err := e.encode(ctx, first+i, min(encodeRows, len(ids)-i), made); err != nil {
					return err
				}
			}
			copy(to, row(made, int64(i%encodeRows), encodeRows))
			return nil
		},
	})
	if err != nil {
		return nil, err
	}
	return dataset.OpenTokens(path)
}

// holds tells whether a token file is whole and of that fingerprint.
func holds(path, fingerprint string) bool {
	f, err := safetensors.Open(path)
	if err != nil {
		return false
	}
	found := f.Metadata()[fingerprintKey]
	return f.Close() == nil && found == fingerprint
}

// encode makes the tokens of count records.
func (e *encoder) encode(ctx context.Context, first, count int, to []float32) error {
	c := e.run.Config
	input := e.pictures.shape()
	dims := append([]int{encodeRows}, input...)
	if e.program == nil {
		var err error
		e.program, err = e.run.state.Compile(engine.Step{
			Name: "encode pictures", Reads: e.run.visionWeights(), Inputs: []engine.Spec{engine.FloatInput("pictures", dims...)},
			Build: func(weights map[string]*graph.Node, in []*graph.Node) (map[string]*graph.Node, []*graph.Node) {
				return nil, []*graph.Node{c.net(weights, nil).Vision(in[0])}
			},
		})
		if err != nil {
			return err
		}
	}
	values := make([]float32, size(dims))
	for i := range count {
		picture, err := e.pictures.prepared(first + i)
		if err != nil {
			return err
		}
		if into := row(values, int64(i), encodeRows); c.Network.Vision.Input == network.Tokens {
			copy(into, picture.Tokens.Values)
		} else {
			pixels.Normalise(into, picture.Pixels, c.Pixels)
		}
	}
	out, err := e.program.Run(ctx, engine.Floats(values, dims...))
	if err == nil {
		copy(to, out[0].Floats())
	}
	return err
}

// frozenEncoder is a model over pictures whose tokens are known.
type frozenEncoder struct {
	loopitr.Encoder
	project *engine.Program // encodeRows at a time
	dims    []int
}

// newFrozenEncoder gives a model's encoder pictures' tokens; prefix is what stands
// before the names of its weights.
func (r *run) newFrozenEncoder(model loopitr.Encoder, prefix string) (*frozenEncoder, error) {
	v := r.Config.Network.Vision
	f := &frozenEncoder{Encoder: model, dims: []int{encodeRows, v.PictureTokens(), v.Width}}
	names := []string{"project/image/weight", "project/image/bias"}
	var reads []string
	for _, name := range names {
		reads = append(reads, prefix+name)
	}
	var err error
	f.project, err = r.state.Compile(engine.Step{
		Name: "project pictures", Reads: reads, Inputs: []engine.Spec{engine.FloatInput("tokens", f.dims...)},
		Build: func(held map[string]*graph.Node, in []*graph.Node) (map[string]*graph.Node, []*graph.Node) {
			weights := network.Weights{}
			for i, name := range names {
				weights[name] = held[reads[i]]
			}
			return nil, []*graph.Node{r.Config.net(weights, nil).ProjectImage(in[0])}
		},
	})
	return f, err
}

// EncodeImages takes pictures that are tokens of the frozen tower.
func (f *frozenEncoder) EncodeImages(ctx context.Context, pictures []loopitr.Picture) ([]loopitr.Encoding, error) {
	encodings := make([]loopitr.Encoding, len(pictures))
	for first := 0; first < len(pictures); first += encodeRows {
		values := make([]float32, size(f.dims))
		count := min(encodeRows, len(pictures)-first)
		for i := range count {
			copy(row(values, int64(i), encodeRows), pictures[first+i].Tokens.Values)
		}
		out, err := f.project.Run(ctx, engine.Floats(values, f.dims...))
		if err != nil {
			return nil, err
		}
		for i := range count {
			encodings[first+i] = loopitr.Encoding{Vector: row(out[0].Floats(), int64(i), encodeRows), States: pictures[first+i].Tokens}
		}
	}
	return encodings, nil
}
