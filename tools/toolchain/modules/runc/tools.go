//go:build tools

// Package runc locks what runc is built from; nothing here is compiled.
package runc

import _ "github.com/opencontainers/runc"
