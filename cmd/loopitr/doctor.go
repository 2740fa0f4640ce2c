package main

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/loopitr/loopitr/internal/engine"
	"github.com/spf13/cobra"
)

func newDoctor(g *global, std streams) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Say which engines this binary has and whether they work here",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			fmt.Fprintf(std.out, "machine\t%s/%s, %d processors\n", runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))
			fmt.Fprintf(std.out, "engines in this binary\t%s\n", strings.Join(engine.Names(), ", "))
			e, err := engine.Open(g.engine)
			if err != nil {
				return err
			}
			defer e.Close()
			_, err = fmt.Fprintf(std.out, "chosen engine\t%s: %s\n", e.Name(), e.Description())
			return err
		},
	}
}
