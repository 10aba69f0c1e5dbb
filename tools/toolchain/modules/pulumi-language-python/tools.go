//go:build tools

// Package host locks what the Python language host is built from; nothing here is compiled.
package host

import _ "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python"
