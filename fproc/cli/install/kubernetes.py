"""The objects for Kubernetes: a Deployment for `--watch`, and a CronJob with `--drain` to use instead."""

from __future__ import annotations

import os
from typing import Any

from fproc import __version__
from fproc.cli.install.containers import CONTAINER_USER, SECRETS, STOP_SECONDS, mounts, watch_arguments
from fproc.cli.install.installation import Installation
from fproc.cli.install.yaml import to_yaml
from fproc.cli.serving.tokens import CREDENTIAL

NAME = "fproc"
LABELS = {"app": NAME}


def kubernetes_text(installation: Installation) -> str:
    """Return a claim, a Deployment with its Service, and a suspended CronJob."""
    objects = (_claim(), _deployment(installation), _service(installation), _cron_job(installation))
    folder = os.path.dirname(installation.config_file)
    config = f"\n#   kubectl create configmap {NAME} --from-file={folder}" if folder else ""
    return "\n---\n".join(
        [_HEAD.format(name=NAME, credential=CREDENTIAL, config=config), *map(to_yaml, objects)]
    )


def _claim() -> dict[str, Any]:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": NAME}, "spec": spec}


def _deployment(installation: Installation) -> dict[str, Any]:
    port = installation.config.dashboard.port
    scheme = "HTTPS" if installation.config.dashboard.tls_cert else "HTTP"
    probe = {"port": port, "scheme": scheme}
    container = {
        **_container(installation, watch_arguments(installation)),
        "env": [
            {"name": "FPROC_HOST", "value": "0.0.0.0"},  # noqa: S104 - needs a token
            {"name": "CREDENTIALS_DIRECTORY", "value": SECRETS},
        ],
        "ports": [{"containerPort": port}],
        "startupProbe": {"httpGet": {"path": "/livez", **probe}, "periodSeconds": 1, "failureThreshold": 60},
        "livenessProbe": {"httpGet": {"path": "/livez", **probe}, "periodSeconds": 15, "timeoutSeconds": 5},
        "readinessProbe": {"httpGet": {"path": "/readyz", **probe}, "periodSeconds": 10, "timeoutSeconds": 5},
    }
    container["volumeMounts"] = [
        *container["volumeMounts"],
        {"name": "token", "mountPath": SECRETS, "readOnly": True},
    ]
    pod = _pod(installation, container)
    pod["volumes"] = [*pod["volumes"], {"name": "token", "secret": {"secretName": NAME}}]
    spec = {
        "replicas": 1,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": LABELS},
        "template": {"metadata": {"labels": LABELS}, "spec": pod},
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": NAME}, "spec": spec}


def _service(installation: Installation) -> dict[str, Any]:
    spec = {"selector": LABELS, "ports": [{"port": installation.config.dashboard.port}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": NAME}, "spec": spec}


def _cron_job(installation: Installation) -> dict[str, Any]:
    container = _container(installation, [*watch_arguments(installation), "--drain"])
    pod = {**_pod(installation, container), "restartPolicy": "Never"}
    spec = {
        "schedule": "*/5 * * * *",
        "suspend": True,
        "concurrencyPolicy": "Forbid",
        "jobTemplate": {"spec": {"backoffLimit": 0, "template": {"spec": pod}}},
    }
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": f"{NAME}-drain"}, "spec": spec}


def _container(installation: Installation, arguments: list[str]) -> dict[str, Any]:
    return {
        "name": NAME,
        "image": f"{NAME}:{__version__}",
        "args": arguments,
        "volumeMounts": [
            {"name": "data", "mountPath": path, "subPath": path.strip("/").replace("/", "-")}
            if is_written
            else {"name": "config", "mountPath": path, "readOnly": True}
            for path, is_written in mounts(installation)
        ],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}},
    }


def _pod(installation: Installation, container: dict[str, Any]) -> dict[str, Any]:
    volumes: list[dict[str, Any]] = [{"name": "data", "persistentVolumeClaim": {"claimName": NAME}}]
    if not all(is_written for _, is_written in mounts(installation)):
        volumes.append({"name": "config", "configMap": {"name": NAME}})
    return {
        "terminationGracePeriodSeconds": STOP_SECONDS,
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": CONTAINER_USER,
            "runAsGroup": CONTAINER_USER,
            "fsGroup": CONTAINER_USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": volumes,
    }


_HEAD = """\
# fproc for Kubernetes: a Deployment, and a suspended CronJob to use in its place. Before `kubectl apply`:
#   kubectl create secret generic {name} --from-literal={credential}="$(openssl rand -hex 16)"{config}
# Several replicas may share the folder if the claim is ReadWriteMany. For the CronJob, set the Deployment's
# replicas to 0, and `suspend` to false."""
