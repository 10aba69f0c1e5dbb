//go:build tools

// Package provisioner locks what the storage provisioner is built from; nothing here is compiled.
package provisioner

import _ "github.com/rancher/local-path-provisioner"
