"""What a GKE cluster is hardened by: the items of the CIS GKE Benchmark 1.9 that a setting can answer."""

from components.managed.controls import Control, at_least, is_off, is_set

AUTOPILOT = "enableAutopilot"
"""https://cloud.google.com/kubernetes-engine/docs/concepts/autopilot-security."""

CONTROLS = (
    Control("CIS GKE 5.2.1", "nodes run as an account of their own", "NodePool", "nodeConfig.serviceAccount", is_set),
    Control(
        "CIS GKE 5.2.2",
        "pods have identities of their own",
        "Cluster",
        "workloadIdentityConfig",
        is_set,
        built_in=AUTOPILOT,
    ),
    Control(
        "CIS GKE 5.3.1", "Secrets are encrypted with a key of yours", "Cluster", "databaseEncryption.state", "ENCRYPTED"
    ),
    Control(
        "CIS GKE 5.4.1",
        "pods never see the node's credentials",
        "NodePool",
        "nodeConfig.workloadMetadataConfig.mode",
        "GKE_METADATA",
    ),
    Control(
        "CIS GKE 5.5.1", "nodes run Google's container system", "NodePool", "nodeConfig.imageType", "COS_CONTAINERD"
    ),
    Control("CIS GKE 5.5.2", "broken nodes are repaired", "NodePool", "management.autoRepair", True),
    Control("CIS GKE 5.5.3", "nodes follow the control plane", "NodePool", "management.autoUpgrade", True),
    Control("CIS GKE 5.5.4", "fixes arrive by themselves", "Cluster", "releaseChannel.channel", is_set),
    Control("CIS GKE 5.5.5", "nodes are shielded", "Cluster", "enableShieldedNodes", True, built_in=AUTOPILOT),
    Control(
        "CIS GKE 5.5.6",
        "a node's boot is watched",
        "NodePool",
        "nodeConfig.shieldedInstanceConfig.enableIntegrityMonitoring",
        True,
    ),
    Control(
        "CIS GKE 5.5.7",
        "a node boots signed software only",
        "NodePool",
        "nodeConfig.shieldedInstanceConfig.enableSecureBoot",
        True,
    ),
    Control(
        "CIS GKE 5.6.1",
        "traffic between pods of a node is seen",
        "Cluster",
        "enableIntranodeVisibility",
        True,
        built_in=AUTOPILOT,
    ),
    Control("CIS GKE 5.6.1", "the network's flows are logged", "Subnetwork", "logConfig", is_set),
    Control("CIS GKE 5.6.2", "pods have addresses of the VPC", "Cluster", "networkingMode", "VPC_NATIVE"),
    Control(
        "CIS GKE 5.6.3",
        "other customers' machines do not reach the API",
        "Cluster",
        "masterAuthorizedNetworksConfig.gcpPublicCidrsAccessEnabled",
        is_off,
    ),
    Control(
        "CIS GKE 5.6.4", "the API has no public address", "Cluster", "privateClusterConfig.enablePrivateEndpoint", True
    ),
    Control(
        "CIS GKE 5.6.5", "nodes have no public addresses", "Cluster", "privateClusterConfig.enablePrivateNodes", True
    ),
    Control(
        "CIS GKE 5.7.1",
        "logs are kept",
        "Cluster",
        "loggingConfig.enableComponents",
        at_least("SYSTEM_COMPONENTS", "WORKLOADS"),
    ),
    Control(
        "CIS GKE 5.8.1",
        "nobody gets in with a client certificate",
        "Cluster",
        "masterAuth.clientCertificateConfig.issueClientCertificate",
        False,
    ),
    Control("CIS GKE 5.8.2", "groups are known to RBAC", "Cluster", "authenticatorGroupsConfig.securityGroup", is_set),
    Control("CIS GKE 5.8.3", "there is no older authorization beside RBAC", "Cluster", "enableLegacyAbac", is_off),
    Control("CIS GKE 5.10.2", "no alpha feature is on", "Cluster", "enableKubernetesAlpha", is_off),
    Control("CIS GKE 5.10.4", "Google looks out for weak workloads", "Cluster", "securityPostureConfig.mode", "BASIC"),
    Control("Slipway GKE 1", "the cluster cannot be deleted by mistake", "Cluster", "deletionProtection", True),
    Control(
        "Slipway GKE 2",
        "a caller without a name sees health checks only",
        "Cluster",
        "anonymousAuthenticationConfig.mode",
        "LIMITED",
    ),
    Control(
        "Slipway GKE 3",
        "no role is bound to everybody",
        "Cluster",
        "rbacBindingConfig.enableInsecureBindingSystemAuthenticated",
        False,
    ),
    Control(
        "Slipway GKE 4",
        "network policies are enforced",
        "Cluster",
        "datapathProvider",
        "ADVANCED_DATAPATH",
        built_in=AUTOPILOT,
    ),
    Control(
        "Slipway GKE 5",
        "the kubelet has no open port",
        "NodePool",
        "nodeConfig.kubeletConfig.insecureKubeletReadonlyPortEnabled",
        "FALSE",
    ),
)
