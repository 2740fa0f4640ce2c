// Command emoji makes the data set that ships in demo/emoji: the concepts that
// three artists drew (Noto, Twemoji, Fluent 3D), 64 pixels wide, as WebDataset
// shards with CLDR's names and keywords as captions. Noto and Twemoji are the
// training split; the Fluent pictures are split by concept into validation and
// test, so that both measure on an artist the network never saw.
//
// It runs `npm pack` for the packages listed in packages.go and writes the same
// bytes every time:
//
//	go run ./scripts/emoji -out demo/emoji
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	out := flag.String("out", "demo/emoji", "folder to write the shards to")
	cache := flag.String("packages", "", "folder that keeps the npm packages (default: a temporary one)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *out, *cache); err != nil {
		fmt.Fprintln(os.Stderr, "emoji:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out, cache string) error {
	if cache == "" {
		dir, err := os.MkdirTemp("", "emoji")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		cache = dir
	}
	files, err := fetch(ctx, cache)
	if err != nil {
		return err
	}
	concepts, err := readConcepts(files)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	for _, shard := range shards(concepts) {
		if err := shard.write(out); err != nil {
			return fmt.Errorf("write %s: %w", shard.name, err)
		}
	}
	for _, language := range languages {
		if err := writeCaptions(out, language, concepts, files); err != nil {
			return fmt.Errorf("write captions in %s: %w", language, err)
		}
	}
	fmt.Printf("%d concepts, 3 artists, %d languages in %s\n", len(concepts), len(languages)+1, out)
	return nil
}
