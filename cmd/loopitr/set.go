package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/loopitr/loopitr"
)

// applySettings sets fields of a configuration struct named by their JSON keys,
// joined by dots: "loss.distill.objective=listwise". The value is JSON, or a bare
// word for strings and durations, or such words joined by commas for lists. An unknown key is an error that lists the known
// ones.
func applySettings(config any, settings []string) error {
	for _, setting := range settings {
		key, value, ok := strings.Cut(setting, "=")
		if !ok {
			return fmt.Errorf("set %q: want key=value: %w", setting, loopitr.ErrInvalid)
		}
		field, found := lookupSetting(reflect.ValueOf(config).Elem(), key)
		if !found {
			known := listSettings(reflect.TypeOf(config).Elem(), "")
			slices.Sort(known)
			return fmt.Errorf("set %q: no such key: known keys are %s: %w", key, strings.Join(known, ", "), loopitr.ErrInvalid)
		}
		if err := setField(field, value); err != nil {
			return fmt.Errorf("set %s=%q: %w: %w", key, value, err, loopitr.ErrInvalid)
		}
	}
	return nil
}

func setField(field reflect.Value, value string) error {
	if err := json.Unmarshal([]byte(value), field.Addr().Interface()); err == nil {
		return nil
	}
	var bare any = value
	if field.Kind() == reflect.Slice {
		bare = strings.Split(value, ",")
	}
	quoted, err := json.Marshal(bare)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(quoted, field.Addr().Interface()); err != nil {
		return fmt.Errorf("want %s", field.Type())
	}
	return nil
}

func lookupSetting(v reflect.Value, key string) (reflect.Value, bool) {
	name, rest, nested := strings.Cut(key, ".")
	for i := range v.NumField() {
		if jsonName(v.Type().Field(i)) != name {
			continue
		}
		field := v.Field(i)
		if !nested {
			return field, !hasKeys(field.Type())
		}
		if !hasKeys(field.Type()) {
			return reflect.Value{}, false
		}
		return lookupSetting(field, rest)
	}
	return reflect.Value{}, false
}

func listSettings(t reflect.Type, prefix string) []string {
	var keys []string
	for i := range t.NumField() {
		name := jsonName(t.Field(i))
		switch {
		case name == "":
		case hasKeys(t.Field(i).Type):
			keys = append(keys, listSettings(t.Field(i).Type, prefix+name+".")...)
		default:
			keys = append(keys, prefix+name)
		}
	}
	return keys
}

// hasKeys tells a struct of settings from a value that only is one inside Go.
func hasKeys(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	_, marshals := reflect.New(t).Interface().(json.Unmarshaler)
	return !marshals
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if !f.IsExported() || name == "-" {
		return ""
	}
	return name
}
