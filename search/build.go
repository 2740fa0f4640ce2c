package search

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"sync"
	"time"

	"github.com/loopitr/loopitr"
)

// BuildConfig says what Build works with. The first four fields are needed; a
// zero in another means its default.
type BuildConfig struct {
	Folder   fs.FS // such as os.DirFS
	Index    loopitr.Index
	Encoder  loopitr.Encoder
	Preparer loopitr.Preparer

	// Batch is how many pictures are encoded in one call; 32.
	Batch int
	// Readers is how many files are read and decoded at the same time; one a core.
	Readers int
	// CommitItems and CommitEvery bound what a kill can lose; 256 and 2 s.
	CommitItems int
	CommitEvery time.Duration
	// MaxFileBytes is the size beyond which a file is skipped unread; 256 MiB.
	MaxFileBytes int64
	// Exclude are patterns (path.Match) of names or paths to leave out.
	Exclude []string
	// Hidden takes in names that begin with a dot.
	Hidden bool
	// Follow takes in folders that links lead to. Links to files always count.
	Follow bool

	// Shard is the part of the folder that this run looks at: it neither encodes,
	// moves nor removes what lies in another part.
	Shard Shard

	// Progress is called at most every 100 ms and once at the end, Skipped once
	// for each file or folder left out because of an error; both by one goroutine
	// at a time.
	Progress func(Progress)
	Skipped  func(Skip)
}

// Validate names the field that cannot work.
func (c BuildConfig) Validate() error {
	if c.Folder == nil || c.Index == nil || c.Encoder == nil || c.Preparer == nil {
		return fmt.Errorf("build config: folder, index, encoder or preparer is missing: %w", loopitr.ErrInvalid)
	}
	if c.Batch < 0 || c.Readers < 0 || c.CommitItems < 0 || c.CommitEvery < 0 || c.MaxFileBytes < 0 {
		return fmt.Errorf("build config: a number is negative: %w", loopitr.ErrInvalid)
	}
	if err := c.Shard.Validate(); err != nil {
		return fmt.Errorf("build config: %w", err)
	}
	for _, pattern := range c.Exclude {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("build config: exclude %q: %w: %w", pattern, err, loopitr.ErrInvalid)
		}
	}
	return nil
}

// defaultFileBytes is more than any camera writes.
const defaultFileBytes = 256 << 20

func (c BuildConfig) withDefaults() BuildConfig {
	setDefault(&c.Batch, 32)
	setDefault(&c.Readers, runtime.GOMAXPROCS(0))
	setDefault(&c.CommitItems, 256)
	setDefault(&c.CommitEvery, 2*time.Second)
	setDefault(&c.MaxFileBytes, defaultFileBytes)
	if c.Progress == nil {
		c.Progress = func(Progress) {}
	}
	if c.Skipped == nil {
		c.Skipped = func(Skip) {}
	}
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Report counts what Build did. Found is the sum of Unchanged, Encoded, Touched,
// Moved, Duplicates and SkippedFiles.
type Report struct {
	Found      int `json:"found"`      // picture files seen
	Unchanged  int `json:"unchanged"`  // same size and time as stored
	Encoded    int `json:"encoded"`    // new or changed content
	Touched    int `json:"touched"`    // another time, the same content
	Moved      int `json:"moved"`      // content of a file that is gone
	Duplicates int `json:"duplicates"` // content of another file
	// SkippedFiles and SkippedFolders could not be read or are no pictures.
	SkippedFiles   int `json:"skipped_files"`
	SkippedFolders int `json:"skipped_folders"`
	// Removed are items whose files are gone or no longer pictures.
	Removed int `json:"removed"`
}

// Progress is how far Build is. Total counts the picture files in the folder and
// is -1 until they are counted.
type Progress struct {
	Report
	Total int
}

// Skip is a file or folder (path with a slash behind it) that was left out.
type Skip struct {
	Path string
	Err  error
}

// Build makes the index say what is in the folder: it encodes new and changed
// pictures, keeps the encodings of unchanged, moved and duplicate ones and removes
// what is gone. A file that is no picture is skipped and removed from the index;
// one that cannot be read now is skipped and what the index holds of it stays, as
// does all that lies in a folder that cannot be read.
//
// Work is committed as it goes. When ctx ends, what is encoded is committed and
// ctx's error returned; the next Build goes on from there. A rebuilt index is
// published at the end of a whole run over the whole folder only. Memory does not depend on the number
// of pictures, only on the largest folder's names.
//
// It wraps ErrInvalid when the index is of another model, ErrNotFound when there
// is no folder, ErrCorrupt when the encoder returns vectors that are not finite.
func Build(ctx context.Context, c BuildConfig) (Report, error) {
	if err := c.Validate(); err != nil {
		return Report{}, err
	}
	if err := sameModel(c.Index, c.Encoder); err != nil {
		return Report{}, fmt.Errorf("build index: %w", err)
	}
	b := &build{BuildConfig: c.withDefaults(), lastCommit: time.Now()}
	b.total.Store(-1)
	err := b.run(ctx)
	b.progress(true)
	if err != nil {
		return b.report, fmt.Errorf("build index: %w", err)
	}
	return b.report, nil
}

// event is something the walk met, in the order of paths.
type event struct {
	path   string
	stat   fs.FileInfo
	stored bool  // the index holds an item at path
	err    error // why it cannot be looked at
	done   chan loaded
}

// run lets one goroutine walk, several load and this one collect, in the order of
// the walk. The channels' capacity bounds what is decoded ahead.
func (b *build) run(ctx context.Context) error {
	inner, stop := context.WithCancel(ctx)
	var others sync.WaitGroup
	defer others.Wait()
	defer stop()

	toLoad := make(chan event)
	toCollect := make(chan event, b.Batch+b.Readers)
	walked := make(chan error, 1)
	others.Go(func() {
		defer close(toCollect)
		defer close(toLoad)
		walked <- b.compare(inner, toLoad, toCollect)
	})
	for range b.Readers {
		others.Go(func() {
			for e := range toLoad {
				e.done <- b.load(inner, e)
			}
		})
	}
	others.Go(func() { b.count(inner) })

	collected := b.collect(inner, toCollect)
	if ctx.Err() != nil || collected != nil {
		stop()
		for range toCollect { // let the walk see that it is over
		}
		return b.salvage(ctx, collected)
	}
	walk := <-walked
	if err := b.flush(ctx); err != nil {
		return errors.Join(walk, b.salvage(ctx, err))
	}
	if walk != nil {
		return walk
	}
	if b.gone.Load() {
		if err := b.prune(ctx); err != nil {
			return err
		}
	}
	if !b.Shard.whole() { // other parts may not be complete
		return nil
	}
	return b.Index.Publish(ctx)
}

// salvage commits what is encoded, which is paid for, even though ctx has ended.
func (b *build) salvage(ctx context.Context, cause error) error {
	saved, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	return firstError(ctx.Err(), cause, b.commit(saved))
}

// firstError keeps the cause and, if another, what went wrong afterwards.
func firstError(ctxErr, collected, commit error) error {
	if collected != nil && ctxErr != nil && errors.Is(collected, ctxErr) {
		collected = nil
	}
	return errors.Join(ctxErr, collected, commit)
}

// count walks the folder's names alone, so that the total is known early.
func (b *build) count(ctx context.Context) {
	n := 0
	w := b.walker(ctx)
	w.picture = func(string, fs.FileInfo) error { n++; return nil }
	w.failed = func(p string, err error) error {
		if p[len(p)-1] != '/' {
			n++
		}
		return nil
	}
	if w.run() == nil {
		b.total.Store(int64(n))
	}
}

func (b *build) walker(ctx context.Context) *walker {
	return &walker{ctx: ctx, folder: b.Folder, exclude: b.Exclude, shard: b.Shard, hidden: b.Hidden, follow: b.Follow}
}
