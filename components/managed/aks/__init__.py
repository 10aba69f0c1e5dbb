"""AKS: Azure Kubernetes Service, part by part in the order in which `cluster.py` puts them together."""
