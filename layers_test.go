package loopitr_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/loopitr/loopitr"

// layers lists, for every package, which packages of ours it may import: the
// drawing of docs/architecture.md as a test. A package that is not listed fails,
// so that a new one is placed on purpose.
var layers = map[string][]string{
	"":                       {},
	"pixels/jpeg":            {""},
	"pixels":                 {"", "pixels/jpeg"},
	"wordpiece":              {""},
	"recall":                 {""},
	"checkpoint/safetensors": {"", "internal/durable"},
	"checkpoint":             {"", "checkpoint/safetensors", "internal/durable"},
	"checkpoint/torch":       {"", "checkpoint/safetensors"},
	"dataset":                {"", "checkpoint/safetensors", "internal/durable"},
	"network":                {""},
	"loss":                   {""},
	"internal/simd":          {},
	"internal/cpu":           {"internal/simd"},
	"internal/engine":        {"", "internal/cpu"},
	"internal/terminal":      {},
	"internal/durable":       {""},
	"demo":                   {},
	"index/indextest":        {""},
	"index/sqlite":           {"", "internal/simd"},
	"infer":                  {"", "checkpoint", "network", "pixels", "wordpiece", "internal/engine"},
	"convert":                {"", "checkpoint", "checkpoint/safetensors", "checkpoint/torch", "infer", "network", "pixels", "wordpiece", "internal/durable"},
	"search":                 {""},
	"eval":                   {"", "dataset", "recall", "search"},
	"train":                  {"", "checkpoint", "checkpoint/safetensors", "dataset", "network", "loss", "pixels", "recall", "wordpiece", "internal/durable", "internal/engine", "infer", "eval"},
	"bench":                  {"", "checkpoint", "index/sqlite", "search", "network", "pixels", "wordpiece", "internal/durable", "internal/engine", "internal/simd", "infer", "train"},
}

// engineUsers are the only packages that may see the compute engine's API.
var engineUsers = map[string]bool{
	"network": true, "loss": true, "train": true, "infer": true,
	"internal/engine": true, "internal/cpu": true, "bench": true,
}

// pure packages describe; they never touch files, the network, flags or logs.
var pure = map[string]bool{"network": true, "loss": true, "recall": true}

type listed struct {
	ImportPath string
	Imports    []string
}

func TestImportsPointDownward(t *testing.T) {
	for _, p := range listPackages(t) {
		from := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		if strings.HasPrefix(from, "cmd/") || strings.HasPrefix(from, "scripts/") {
			continue
		}
		// Generators run beside their package and may import anything below it.
		if strings.HasSuffix(from, "/gen") {
			continue
		}
		allowed, known := layers[from]
		if !known {
			t.Errorf("package %q has no layer: place it in layers", from)
			continue
		}
		for _, imported := range p.Imports {
			checkImport(t, from, imported, allowed)
		}
	}
}

func checkImport(t *testing.T, from, imported string, allowed []string) {
	t.Helper()
	if to, ours := strings.CutPrefix(imported, module); ours {
		to = strings.TrimPrefix(to, "/")
		for _, a := range allowed {
			if a == to {
				return
			}
		}
		t.Errorf("%s imports %s: not downward", from, to)
		return
	}
	external := strings.Contains(strings.SplitN(imported, "/", 2)[0], ".")
	switch {
	case from == "" && external:
		t.Errorf("root imports %s: standard library only", imported)
	case strings.HasPrefix(imported, "github.com/gomlx/") && !engineUsers[from]:
		t.Errorf("%s imports %s: only %v see the engine", from, imported, engineUsers)
	case pure[from] && (imported == "os" || imported == "flag" || imported == "log" || imported == "log/slog" || strings.HasPrefix(imported, "net")):
		t.Errorf("%s imports %s: it describes and never acts", from, imported)
	}
}

func listPackages(t *testing.T) []listed {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("there is no go command here")
	}
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// writers may make files without package durable, as may generators of source code
// in folders called gen: it itself, a model's folder that is swapped as a whole, and
// a log that only grows.
var writers = map[string]bool{
	"internal/durable/file.go": true, "internal/durable/patience.go": true, "checkpoint/disk.go": true, "train/metrics.go": true,
}

// A file that is written in place is half a file after a kill.
func TestFilesAreWrittenByDurable(t *testing.T) {
	calls := regexp.MustCompile(`\bos\.(Create|CreateTemp|WriteFile|OpenFile|Rename)\(`)
	eachSource(t, func(path string, content []byte) {
		if call := calls.Find(content); call != nil && !writers[path] && !strings.Contains(path, "/gen/") {
			t.Errorf("%s calls %s: use durable.WriteFile", path, call[:len(call)-1])
		}
	})
}

// readers may look at the environment. What they read is in docs/environment.md,
// which a test of cmd/loopitr compares with the flags.
var readers = map[string]bool{
	"cmd/loopitr/environment.go": true, "internal/simd/level.go": true, "internal/engine/onnx.go": true, "internal/terminal/line.go": true,
}

func TestEnvironmentIsReadWhereItIsNamed(t *testing.T) {
	page, err := os.ReadFile("docs/environment.md")
	if err != nil {
		t.Fatal(err)
	}
	calls := regexp.MustCompile(`\b(os|syscall)\.(Getenv|LookupEnv|Environ|ExpandEnv)\b`)
	names := regexp.MustCompile(`"([A-Z]+_[A-Z_]+|TERM|TMUX)"`)
	eachSource(t, func(path string, content []byte) {
		call := calls.Find(content)
		if call != nil && !readers[path] {
			t.Errorf("%s uses %s: only %v read the environment", path, call, readers)
		}
		if call == nil && !strings.HasPrefix(path, "internal/terminal/") {
			return
		}
		for _, name := range names.FindAllSubmatch(content, -1) {
			if !strings.HasSuffix(string(name[1]), "_") && !bytes.Contains(page, append([]byte("`"), name[1]...)) {
				t.Errorf("%s reads %s, which docs/environment.md does not name", path, name[1])
			}
		}
	})
}

// Pages that name tests, such as docs/paper.md and docs/hostile.md, are only worth
// something while the tests are there.
func TestDocsNameTestsThatExist(t *testing.T) {
	tests := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark|Example)\w+)\(`)
	scripts, err := filepath.Glob("cmd/loopitr/testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scripts {
		tests[filepath.Base(s)] = true
	}
	eachFile(t, "_test.go", func(_ string, content []byte) {
		for _, f := range declared.FindAllSubmatch(content, -1) {
			tests[string(f[1])] = true
		}
	})
	named := regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark)[A-Z]\w*|\b\w+\.txtar\b`)
	count := 0
	eachFile(t, ".md", func(path string, content []byte) {
		for _, name := range named.FindAll(content, -1) {
			count++
			if !tests[string(name)] {
				t.Errorf("%s names %s, which is no test", path, name)
			}
		}
	})
	if count < 50 {
		t.Errorf("only %d tests are named in the docs", count)
	}
}

// The bars keep a reader's page whole: files of 400 lines, functions of 80, four
// parameters, a comment on each exported name. Generated files are not read by people.
func TestSourcesKeepWithinTheBars(t *testing.T) {
	const lines, body, parameters = 400, 80, 4
	wide := func(path, name string) bool {
		// Methods of the compute engine's interface, and one that calls kernels.
		return strings.HasPrefix(path, "internal/cpu/record_") && ast.IsExported(name) || path == "internal/simd/compare.go" && name == "vector"
	}
	functions := 0
	eachSource(t, func(path string, content []byte) {
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, content, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if ast.IsGenerated(file) {
			return
		}
		if n := bytes.Count(content, []byte("\n")); n > lines {
			t.Errorf("%s has %d lines, more than %d", path, n, lines)
		}
		for _, d := range file.Decls {
			for _, name := range undocumented(d) {
				t.Errorf("%s: %s is exported and not documented", path, name)
			}
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			functions++
			if n := f.Type.Params.NumFields(); n > parameters && !wide(path, f.Name.Name) {
				t.Errorf("%s: %s has %d parameters, more than %d", path, f.Name.Name, n, parameters)
			}
			if n := files.Position(f.End()).Line - files.Position(f.Pos()).Line + 1; n > body {
				t.Errorf("%s: %s has %d lines, more than %d", path, f.Name.Name, n, body)
			}
		}
	})
	if functions < 1000 {
		t.Errorf("only %d functions were looked at", functions)
	}
}

// wellKnown are the methods of interfaces that say themselves what each does: error,
// fmt.Stringer, heap.Interface, io's and database/sql/driver's.
var wellKnown = map[string]bool{
	"Error": true, "String": true, "Len": true, "Less": true, "Swap": true, "Push": true, "Pop": true,
	"Read": true, "ReadAt": true, "Write": true, "Connect": true, "Driver": true,
}

// undocumented lists the exported names that a declaration leaves without a comment.
// One comment is enough for a group of constants or variables.
func undocumented(d ast.Decl) (names []string) {
	missing := func(name *ast.Ident, comments ...*ast.CommentGroup) {
		if name.IsExported() && !slices.ContainsFunc(comments, func(c *ast.CommentGroup) bool { return c.Text() != "" }) {
			names = append(names, name.Name)
		}
	}
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil || !wellKnown[d.Name.Name] {
			missing(d.Name, d.Doc)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				doc := d.Doc
				if d.Lparen.IsValid() {
					doc = s.Doc
				}
				missing(s.Name, doc)
			case *ast.ValueSpec:
				for _, name := range s.Names {
					missing(name, d.Doc, s.Doc, s.Comment)
				}
			}
		}
	}
	return names
}

// eachSource visits the Go files of the product and its scripts; tests aside.
func eachSource(t *testing.T, visit func(path string, content []byte)) {
	t.Helper()
	eachFile(t, ".go", func(path string, content []byte) {
		if !strings.HasSuffix(path, "_test.go") {
			visit(path, content)
		}
	})
}

// eachFile visits the module's files whose names end so.
func eachFile(t *testing.T, end string, visit func(path string, content []byte)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && path != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata") {
			return fs.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(path, end) {
			return nil
		}
		content, err := os.ReadFile(path)
		visit(filepath.ToSlash(path), content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
