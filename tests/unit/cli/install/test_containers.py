"""What `--print compose` and `kubernetes` print, as the programs that read YAML see it."""

from __future__ import annotations

from typing import Any

import yaml

from fproc.cli.arguments.parser import command_parser
from fproc.cli.install.containers import CONTAINER_USER
from fproc.cli.install.kinds import install_text
from tests.unit.cli.install.test_installation import installation

HARD = {"watch_dir": "/srv/a $HOME: b", "results_dir": "/mnt/results"}


def compose(**config: Any) -> dict[str, Any]:
    file = yaml.safe_load(install_text("compose", installation(**config)))
    assert set(file) == {"services", "secrets"}
    service: dict[str, Any] = file["services"]["fproc"]
    return service


def objects(**config: Any) -> dict[str, dict[str, Any]]:
    loaded = yaml.safe_load_all(install_text("kubernetes", installation(**config)))
    return {one["kind"]: one for one in loaded if one}


def test_compose_mounts_what_is_read_read_only_and_what_is_written_under_the_same_path() -> None:
    volumes = compose(config_file="/etc/fproc/pipeline.json", **HARD)["volumes"]
    assert [(one["source"], one["target"], one["read_only"]) for one in volumes] == [
        ("/etc/fproc", "/etc/fproc", True),
        ("/srv/a $$HOME: b", "/srv/a $$HOME: b", False),
        ("/mnt/results", "/mnt/results", False),
    ]


def test_compose_runs_the_configuration_with_its_options_and_its_token_as_a_secret() -> None:
    service = compose(config_file="/etc/fproc/pipeline.json", dashboard={"port": 9000})
    assert service["command"] == ["--watch", "--config", "/etc/fproc/pipeline.json"]
    assert service["ports"] == ["127.0.0.1:9000:9000"]
    assert service["secrets"] == ["fproc-token"]
    assert service["environment"] == {"FPROC_HOST": "0.0.0.0", "CREDENTIALS_DIRECTORY": "/run/secrets"}


def test_compose_asks_for_the_health_of_the_very_folder_that_it_watches() -> None:
    service = compose(config_file="/etc/fproc/pipeline.json", **HARD)
    kind, program, *arguments = service["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "fproc")
    asked = command_parser().parse_args([word.replace("$$", "$") for word in arguments])
    assert (asked.status, asked.config, asked.watch_dir) == (
        True,
        "/etc/fproc/pipeline.json",
        HARD["watch_dir"],
    )
    assert "--config" not in compose()["healthcheck"]["test"]


def test_a_container_can_write_nothing_but_its_folders_and_has_no_rights() -> None:
    service = compose()
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["user"] == f"{CONTAINER_USER}:{CONTAINER_USER}"
    for kind in ("Deployment", "CronJob"):
        pod = pod_of(objects()[kind])
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"]) == (True, 10001)
        assert pod["terminationGracePeriodSeconds"] >= 30


def pod_of(value: dict[str, Any]) -> dict[str, Any]:
    spec = value["spec"] if value["kind"] == "Deployment" else value["spec"]["jobTemplate"]["spec"]
    pod: dict[str, Any] = spec["template"]["spec"]
    return pod


def test_kubernetes_has_probes_of_the_dashboard_and_a_job_that_drains_instead() -> None:
    found = objects(dashboard={"port": 9000})
    assert set(found) == {"PersistentVolumeClaim", "Deployment", "Service", "CronJob"}
    (container,) = pod_of(found["Deployment"])["containers"]
    for name, path in (
        ("livenessProbe", "/livez"),
        ("readinessProbe", "/readyz"),
        ("startupProbe", "/livez"),
    ):
        assert container[name]["httpGet"] == {"path": path, "port": 9000, "scheme": "HTTP"}
    job = found["CronJob"]
    assert (job["spec"]["concurrencyPolicy"], job["spec"]["suspend"]) == ("Forbid", True)
    (drain,) = pod_of(job)["containers"]
    assert drain["args"] == [*container["args"], "--drain"]
    assert "env" not in drain


def test_kubernetes_mounts_each_volume_that_it_declares_and_no_other() -> None:
    for config_file in ("", "/etc/fproc/pipeline.json"):
        for value in objects(config_file=config_file, **HARD).values():
            if value["kind"] in {"Deployment", "CronJob"}:
                pod = pod_of(value)
                mounted = {mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
                assert mounted == {volume["name"] for volume in pod["volumes"]}
                assert ("config" in mounted) == bool(config_file)
                paths = [mount.get("subPath") for mount in pod["containers"][0]["volumeMounts"]]
                assert len({path for path in paths if path}) == 2
