//go:build tools

// Package kind locks what kind is built from; nothing here is compiled.
package kind

import _ "sigs.k8s.io/kind"
