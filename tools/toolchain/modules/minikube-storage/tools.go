//go:build tools

// Package minikube locks what minikube's storage provisioner is built from; nothing here is compiled.
package minikube

import _ "k8s.io/minikube/cmd/storage-provisioner"
