package main

import (
	"fmt"

	"github.com/loopitr/loopitr/index/sqlite"
)

// tokenStore is a flag: how an index keeps image tokens.
type tokenStore sqlite.Tokens

var tokenStores = map[string]tokenStore{
	"off": tokenStore(sqlite.NoTokens), "false": tokenStore(sqlite.NoTokens),
	"int8": tokenStore(sqlite.Int8Tokens), "true": tokenStore(sqlite.Int8Tokens),
	"float16": tokenStore(sqlite.Float16Tokens),
}

// String writes the flag as Set reads it.
func (s *tokenStore) String() string {
	switch sqlite.Tokens(*s) {
	case sqlite.Int8Tokens:
		return "int8"
	case sqlite.Float16Tokens:
		return "float16"
	}
	return "off"
}

// Set reads "int8", "float16" or "off"; true and false mean the first and the last.
func (s *tokenStore) Set(text string) error {
	v, ok := tokenStores[text]
	if !ok {
		return fmt.Errorf("%q is not int8, float16 or off", text)
	}
	*s = v
	return nil
}

// Type names the flag's value in the help.
func (s *tokenStore) Type() string { return "int8|float16|off" }
