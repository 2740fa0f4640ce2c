package loopitr_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strings"
	"testing"
)

// Every row of docs/paper.md names tests, and functions that are declared.
// TestDocsNameTestsThatExist looks for the tests.
func TestPaperMapsEveryRowToFunctionAndTest(t *testing.T) {
	declared := declarations(t)
	page, err := os.ReadFile("docs/paper.md")
	if err != nil {
		t.Fatal(err)
	}
	quoted := regexp.MustCompile("`([^`]+)`")
	named := regexp.MustCompile("`(?:Test|Fuzz)\\w+[^`]*`|the same|the first")
	rows, inTable := 0, false
	for _, line := range strings.Split(string(page), "\n") {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		switch {
		case !strings.HasPrefix(line, "|"):
			inTable = false
			continue
		case !inTable: // the heading
			inTable = true
			continue
		case strings.HasPrefix(line, "|--"):
			continue
		case len(cells) < 3:
			t.Errorf("%q has %d cells", line, len(cells))
			continue
		}
		rows++
		what, functions, tests := cells[0], cells[len(cells)-2], cells[len(cells)-1]
		if !named.MatchString(tests) {
			t.Errorf("%q names no test", what)
		}
		for _, f := range quoted.FindAllStringSubmatch(functions, -1) {
			name := f[1][strings.LastIndex(f[1], ".")+1:]
			if _, err := os.Stat(f[1]); err != nil && !declared[name] {
				t.Errorf("%q names %s, which is not declared", what, f[1])
			}
		}
	}
	if rows < 50 {
		t.Errorf("only %d rows", rows)
	}
}

// A source that cites a page of docs names a section that is there.
func TestSourcesCiteSectionsThatExist(t *testing.T) {
	page, err := os.ReadFile("docs/paper.md")
	if err != nil {
		t.Fatal(err)
	}
	cited := regexp.MustCompile(`paper\.md[ ,]*(?:// )?("[^"]+"|[0-9]|sections?)`)
	found := 0
	eachSource(t, func(path string, content []byte) {
		text := strings.ReplaceAll(string(content), "\n// ", " ")
		for _, c := range cited.FindAllStringSubmatch(text, -1) {
			found++
			if !strings.Contains(string(page), "\n## "+strings.Trim(c[1], `"`)+"\n") {
				t.Errorf("%s cites %s, which docs/paper.md has no section of", path, c[0])
			}
		}
	})
	if found < 4 {
		t.Errorf("found %d citations", found)
	}
}

// declarations are the names of all functions, types, values and fields.
func declarations(t *testing.T) map[string]bool {
	t.Helper()
	declared := map[string]bool{}
	eachSource(t, func(path string, content []byte) {
		file, err := parser.ParseFile(token.NewFileSet(), path, content, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				declared[n.Name.Name] = true
			case *ast.TypeSpec:
				declared[n.Name.Name] = true
			case *ast.ValueSpec:
				for _, name := range n.Names {
					declared[name.Name] = true
				}
			case *ast.Field:
				for _, name := range n.Names {
					declared[name.Name] = true
				}
			}
			return true
		})
	})
	return declared
}
