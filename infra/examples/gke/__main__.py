"""GPU nodes in an existing GKE cluster, and an account that GitHub's jobs deploy with, without any key."""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp

config = pulumi.Config()
project = gcp.config.project or pulumi.Config("gcp").require("project")
repository = config.require("repository")

# One GPU a node: model servers ask for whole ones. No node stands while nobody asks for one.
pool = gcp.container.NodePool(
    "gpu",
    cluster=config.require("cluster"),
    location=config.require("location"),
    autoscaling=gcp.container.NodePoolAutoscalingArgs(
        min_node_count=0, max_node_count=config.require_int("most")
    ),
    management=gcp.container.NodePoolManagementArgs(auto_repair=True, auto_upgrade=True),
    # A new node beside an old one would be a GPU more than there may be.
    upgrade_settings=gcp.container.NodePoolUpgradeSettingsArgs(max_surge=0, max_unavailable=1),
    node_config=gcp.container.NodePoolNodeConfigArgs(
        machine_type=config.require("machine"),
        spot=config.require_bool("spot"),
        disk_size_gb=200,  # of the images of model servers
        guest_accelerators=[
            gcp.container.NodePoolNodeConfigGuestAcceleratorArgs(
                type=config.require("accelerator"),
                count=1,
                gpu_driver_installation_config=(
                    gcp.container.NodePoolNodeConfigGuestAcceleratorGpuDriverInstallationConfigArgs(
                        gpu_driver_version="LATEST"
                    )
                ),
            )
        ],
        taints=[
            gcp.container.NodePoolNodeConfigTaintArgs(
                key="nvidia.com/gpu", value="present", effect="NO_SCHEDULE"
            )
        ],
        oauth_scopes=["https://www.googleapis.com/auth/cloud-platform"],
        shielded_instance_config=gcp.container.NodePoolNodeConfigShieldedInstanceConfigArgs(
            enable_secure_boot=True, enable_integrity_monitoring=True
        ),
        workload_metadata_config=gcp.container.NodePoolNodeConfigWorkloadMetadataConfigArgs(
            mode="GKE_METADATA"
        ),
    ),
)

identities = gcp.iam.WorkloadIdentityPool("github", workload_identity_pool_id="github")
github = gcp.iam.WorkloadIdentityPoolProvider(
    "github",
    workload_identity_pool_id=identities.workload_identity_pool_id,
    workload_identity_pool_provider_id="github",
    oidc=gcp.iam.WorkloadIdentityPoolProviderOidcArgs(
        issuer_uri="https://token.actions.githubusercontent.com"
    ),
    attribute_mapping={"google.subject": "assertion.sub"},
    attribute_condition=f"assertion.repository == '{repository}'",
)
deployer = gcp.serviceaccount.Account("deployer", account_id="tetrad-deployer")
for environment in ("staging", "production"):
    # The subject of a job that has an environment: what protects the environment protects the account.
    subject = f"repo:{repository}:environment:{environment}"
    gcp.serviceaccount.IAMMember(
        f"deployer-{environment}",
        service_account_id=deployer.name,
        role="roles/iam.workloadIdentityUser",
        member=pulumi.Output.concat(
            "principal://iam.googleapis.com/", identities.name, "/subject/", subject
        ),
    )
# It may find the cluster; what it may do there is said by roles of the cluster.
gcp.projects.IAMMember(
    "deployer-reaches-clusters",
    project=project,
    role="roles/container.clusterViewer",
    member=deployer.member,
)

pulumi.export("node_pool", pool.name)
pulumi.export("workload_identity_provider", github.name)
pulumi.export("deployer", deployer.email)
