//go:build tools

// Package crictl locks what crictl is built from; nothing here is compiled.
package crictl

import _ "sigs.k8s.io/cri-tools/cmd/crictl"
