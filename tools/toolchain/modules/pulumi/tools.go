//go:build tools

// Package pulumi locks what the Pulumi CLI is built from; nothing here is compiled.
package pulumi

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
