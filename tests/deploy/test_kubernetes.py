"""Manifests for Kubernetes are YAML that the API and the Dask operator take, whatever the values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from specanom.deploy import Call, Kubernetes, Sizes
from specanom.errors import ArgumentError
from specanom.run.process import JOB

VARIABLE = "SPECANOM_WAIT_FOR_WORKERS"

GOLDEN = Path(__file__).parent / "golden"
IMAGE = "registry.org/astro/specanom:0.1"
FULL = Kubernetes(IMAGE, "survey", workers=20, gpus=2, storage=800, storage_class="cephfs", restarts=5,
                  sizes=Sizes(1_200_000, 3800))
CALL = Call("/data/run 1", "sdss", "/data/sdss", parameters=("top=500",))


def manifests(kubernetes: Kubernetes, call: Call = CALL) -> dict[str, dict[str, Any]]:
    return {one["kind"]: one for text in kubernetes(call).files.values() for one in yaml.safe_load_all(text)}


def worker_of(manifest: dict[str, Any]) -> dict[str, Any]:
    return manifest["spec"]["worker"]["spec"]["containers"][0]


@pytest.mark.parametrize("name", ["volume.yaml", "specanom.yaml"])
def test_the_manifests_are_as_they_were(name: str) -> None:
    assert FULL(CALL).files[name] == (GOLDEN / f"{name}.golden").read_text(encoding="utf-8")


def test_what_is_deleted_to_begin_again_is_not_the_data() -> None:
    kinds = [one["kind"] for one in yaml.safe_load_all(FULL(CALL).files["specanom.yaml"])]
    assert kinds == ["DaskCluster", "DaskWorkerGroup", "Job"]


def test_each_has_what_its_kind_must_have() -> None:
    made = manifests(FULL)
    assert {kind: one["apiVersion"] for kind, one in made.items()} == {
        "PersistentVolumeClaim": "v1", "DaskCluster": "kubernetes.dask.org/v1",
        "DaskWorkerGroup": "kubernetes.dask.org/v1", "Job": "batch/v1"}
    assert {one["metadata"]["name"] for one in made.values()} == {"survey-data", "survey", "survey-gpu", "survey-run"}
    cluster = made["DaskCluster"]["spec"]
    assert set(cluster) == {"scheduler", "worker"}
    assert set(cluster["scheduler"]) == {"spec", "service"}
    assert set(cluster["worker"]) == set(made["DaskWorkerGroup"]["spec"]["worker"]) == {"replicas", "spec"}
    assert made["DaskWorkerGroup"]["spec"]["cluster"] == made["DaskCluster"]["metadata"]["name"]
    assert cluster["scheduler"]["service"]["selector"] == {"dask.org/cluster-name": "survey",
                                                           "dask.org/component": "scheduler"}
    ports = {one["name"]: one["containerPort"] for one in cluster["scheduler"]["spec"]["containers"][0]["ports"]}
    for one in cluster["scheduler"]["service"]["ports"]:
        assert ports[one["targetPort"]] == one["port"]


def test_workers_say_what_they_have() -> None:
    made = manifests(FULL)
    cpu, gpu = worker_of(made["DaskCluster"]), worker_of(made["DaskWorkerGroup"])
    assert cpu["args"][:4] == gpu["args"][:4] == ["dask", "worker", "--name", "$(DASK_WORKER_NAME)"]
    assert cpu["args"][cpu["args"].index("--resources") + 1] == "CPU=1"
    assert gpu["args"][gpu["args"].index("--resources") + 1] == "GPU=1"
    assert gpu["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert "nvidia.com/gpu" not in cpu["resources"]["limits"]
    assert all(isinstance(word, str) for one in (cpu, gpu) for word in one["args"])
    # The operator makes a Deployment of each, which takes no other policy than to start again.
    assert "restartPolicy" not in made["DaskCluster"]["spec"]["worker"]["spec"]


def test_every_volume_that_is_mounted_is_there() -> None:
    for pod in (manifests(FULL)["DaskCluster"]["spec"]["worker"]["spec"],
                manifests(FULL)["DaskWorkerGroup"]["spec"]["worker"]["spec"],
                manifests(FULL)["Job"]["spec"]["template"]["spec"]):
        volumes = {one["name"] for one in pod["volumes"]}
        assert {one["name"] for one in pod["containers"][0]["volumeMounts"]} == volumes
        assert {"name": "data", "persistentVolumeClaim": {"claimName": "survey-data"}} in pod["volumes"]


def test_the_run_waits_for_its_workers_and_is_started_again() -> None:
    job = manifests(FULL)["Job"]["spec"]
    pod = job["template"]["spec"]
    address = "tcp://survey-scheduler:8786"
    assert pod["containers"][0]["command"] == ["specanom", *CALL.words(f"dask:{address}")]
    assert pod["initContainers"][0]["command"][3:] == [address, "--workers", "2", "--gpus", "1"]
    assert (pod["restartPolicy"], job["backoffLimit"]) == ("Never", 5)
    fail = job["podFailurePolicy"]["rules"][1]
    assert fail["onExitCodes"] == {"containerName": pod["containers"][0]["name"], "operator": "In", "values": [2, 3]}


def test_a_pod_says_what_job_it_belongs_to_and_takes_no_lock_away() -> None:
    job = manifests(FULL)["Job"]["spec"]
    assert job["podReplacementPolicy"] == "Failed"
    (uid,) = [one for one in job["template"]["spec"]["containers"][0]["env"] if one["name"] == JOB]
    assert uid["valueFrom"]["fieldRef"] == {"fieldPath": "metadata.labels['batch.kubernetes.io/controller-uid']"}
    assert {"name": VARIABLE, "value": "86400"} in job["template"]["spec"]["containers"][0]["env"]
    assert not any(".lock" in text for text in FULL(CALL).files.values())


@pytest.mark.parametrize("name", ["null", "true", "on", "y", "no"])
def test_a_name_that_yaml_has_a_meaning_for_stays_a_name(name: str) -> None:
    made = manifests(Kubernetes(IMAGE, name, gpus=1))
    cluster = made["DaskCluster"]
    assert (cluster["metadata"]["name"], made["DaskWorkerGroup"]["spec"]["cluster"]) == (name, name)
    assert cluster["spec"]["scheduler"]["service"]["selector"]["dask.org/cluster-name"] == name
    assert made["Job"]["metadata"]["name"] == f"{name}-run"


def test_without_gpus_there_is_no_group_for_them() -> None:
    made = manifests(Kubernetes(IMAGE))
    assert "DaskWorkerGroup" not in made
    assert "storageClassName" not in made["PersistentVolumeClaim"]["spec"]


@pytest.mark.parametrize("nasty", ["a b", "'", '"', "{{ 7 }}", "- x", "a: b", "#c", "$(HOME)", "\\n", "ü", "*x", "&x",
                                   "!!python/object:os.system", "---", "😀", "yes", "0x10"])
def test_a_value_is_text_and_nothing_else(nasty: str) -> None:
    call = Call(f"/data/{nasty}", "sdss", f"/data/{nasty}", parameters=(f"target={nasty}",))
    made = manifests(FULL, call)
    assert len(made) == 4
    command = made["Job"]["spec"]["template"]["spec"]["containers"][0]["command"]
    # Kubernetes takes $(NAME) for a variable, and $$(NAME) for the text $(NAME).
    assert [one.replace("$$(", "$(") for one in command] == ["specanom", *call.words("dask:tcp://survey-scheduler:8786")]
    assert not any("$(" in one.replace("$$(", "") for one in command)


@pytest.mark.parametrize("options", [
    {"name": "Survey"}, {"name": "-a"}, {"name": "a" * 41}, {"name": "a\nb"}, {"image": "a b"}, {"image": ""},
    {"image": "x\nkind: Secret"}, {"storage_class": "A"}, {"workers": 0}, {"storage": 1.5}, {"gpus": -1},
    {"gpu_resource": "gpu"}, {"gpu_resource": "a/b\nc"}, {"mount": "data"}, {"mount": "/a\nb"},
    {"mount": "/data/../etc"}])
def test_what_kubernetes_would_not_take_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        Kubernetes(**{"image": IMAGE, **options})


@pytest.mark.parametrize("call", [Call("/elsewhere/run"), Call("/data/run", path="/database"), Call("/data")])
def test_what_is_not_on_the_volume_is_refused(call: Call) -> None:
    with pytest.raises(ArgumentError, match="where the volume is"):
        FULL(call)


def test_a_path_that_leads_out_of_the_volume_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"without \.\."):
        Call("/data/../etc/run")


@pytest.mark.parametrize("image", ["specanom", "specanom:0.1", "host:5000/a/b:V1", "a/b@sha256:" + "0" * 64])
def test_names_of_images_are_taken(image: str) -> None:
    assert worker_of(manifests(Kubernetes(image))["DaskCluster"])["image"] == image
