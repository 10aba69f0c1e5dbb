"""How machines become a cluster: keys made beforehand, cloud-init, kubeadm, and the node as a resource."""
