//go:build tools

// Package k3d locks what k3d is built from; nothing here is compiled.
package k3d

import _ "github.com/k3d-io/k3d/v5"
