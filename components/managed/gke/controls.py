"""What a GKE cluster is hardened by: the items of the CIS GKE Benchmark 1.9 that a setting can answer, and more."""

from components.managed.controls import Control, at_least, is_off, is_set

CLUSTER, POOL = "Cluster", "NodePool"

AUTOPILOT = "enableAutopilot"
"""https://cloud.google.com/kubernetes-engine/docs/concepts/autopilot-security."""

CONTROLS = (
    # The benchmark looks for such bindings inside the cluster; the switches let none come.
    Control(
        "CIS GKE 4.1.9",
        "no role is bound to callers without a name",
        CLUSTER,
        "rbacBindingConfig.enableInsecureBindingSystemUnauthenticated",
        False,
    ),
    Control(
        "CIS GKE 4.1.10",
        "no role is bound to everybody with a Google account",
        CLUSTER,
        "rbacBindingConfig.enableInsecureBindingSystemAuthenticated",
        False,
    ),
    Control("CIS GKE 5.2.1", "nodes run as an account of their own", POOL, "nodeConfig.serviceAccount", is_set),
    Control(
        "CIS GKE 5.2.2",
        "pods have identities of their own",
        CLUSTER,
        "workloadIdentityConfig",
        is_set,
        built_in=AUTOPILOT,
    ),
    Control(
        "CIS GKE 5.3.1", "Secrets are encrypted with a key of yours", CLUSTER, "databaseEncryption.state", "ENCRYPTED"
    ),
    Control(
        "CIS GKE 5.4.1",
        "pods never see the node's credentials",
        POOL,
        "nodeConfig.workloadMetadataConfig.mode",
        "GKE_METADATA",
    ),
    Control("CIS GKE 5.5.1", "nodes run Google's container system", POOL, "nodeConfig.imageType", "COS_CONTAINERD"),
    Control("CIS GKE 5.5.2", "broken nodes are repaired", POOL, "management.autoRepair", True),
    Control("CIS GKE 5.5.3", "nodes follow the control plane", POOL, "management.autoUpgrade", True),
    Control("CIS GKE 5.5.4", "fixes arrive by themselves", CLUSTER, "releaseChannel.channel", is_set),
    Control("CIS GKE 5.5.5", "nodes are shielded", CLUSTER, "enableShieldedNodes", True, built_in=AUTOPILOT),
    Control(
        "CIS GKE 5.5.6",
        "a node's boot is watched",
        POOL,
        "nodeConfig.shieldedInstanceConfig.enableIntegrityMonitoring",
        True,
    ),
    Control(
        "CIS GKE 5.5.7",
        "a node boots signed software only",
        POOL,
        "nodeConfig.shieldedInstanceConfig.enableSecureBoot",
        True,
    ),
    Control(
        "CIS GKE 5.6.1",
        "traffic between pods of a node is seen",
        CLUSTER,
        "enableIntranodeVisibility",
        True,
        built_in=AUTOPILOT,
    ),
    Control("CIS GKE 5.6.1", "the network's flows are logged", "Subnetwork", "logConfig", is_set),
    Control("CIS GKE 5.6.2", "pods have addresses of the VPC", CLUSTER, "networkingMode", "VPC_NATIVE"),
    Control(
        "CIS GKE 5.6.3",
        "other customers' machines do not reach the API",
        CLUSTER,
        "masterAuthorizedNetworksConfig.gcpPublicCidrsAccessEnabled",
        is_off,
    ),
    Control(
        "CIS GKE 5.6.4", "the API has no public address", CLUSTER, "privateClusterConfig.enablePrivateEndpoint", True
    ),
    Control(
        "CIS GKE 5.6.5", "nodes have no public addresses", CLUSTER, "privateClusterConfig.enablePrivateNodes", True
    ),
    Control(
        "CIS GKE 5.7.1",
        "logs are kept",
        CLUSTER,
        "loggingConfig.enableComponents",
        at_least("SYSTEM_COMPONENTS", "WORKLOADS"),
    ),
    Control(
        "CIS GKE 5.8.1",
        "nobody gets in with a client certificate",
        CLUSTER,
        "masterAuth.clientCertificateConfig.issueClientCertificate",
        False,
    ),
    Control("CIS GKE 5.8.2", "groups are known to RBAC", CLUSTER, "authenticatorGroupsConfig.securityGroup", is_set),
    Control("CIS GKE 5.8.3", "there is no older authorization beside RBAC", CLUSTER, "enableLegacyAbac", is_off),
    Control("CIS GKE 5.10.2", "no alpha feature is on", CLUSTER, "enableKubernetesAlpha", is_off),
    Control("CIS GKE 5.10.4", "Google looks out for weak workloads", CLUSTER, "securityPostureConfig.mode", "BASIC"),
    Control("Slipway GKE 1", "the cluster cannot be deleted by mistake", CLUSTER, "deletionProtection", True),
    Control(
        "Slipway GKE 2",
        "a caller without a name sees health checks only",
        CLUSTER,
        "anonymousAuthenticationConfig.mode",
        "LIMITED",
    ),
    # What was Slipway GKE 3 is CIS GKE 4.1.10: no number is given twice, since waivers name it.
    Control(
        "Slipway GKE 4",
        "network policies are enforced",
        CLUSTER,
        "datapathProvider",
        "ADVANCED_DATAPATH",
        built_in=AUTOPILOT,
    ),
    Control(
        "Slipway GKE 5",
        "the kubelet has no open port",
        POOL,
        "nodeConfig.kubeletConfig.insecureKubeletReadonlyPortEnabled",
        "FALSE",
    ),
)
