"""deploy/kubernetes without a cluster: by the schemas of Kubernetes, and what it says of us is so.

What only a cluster can show, that it schedules and serves, is not tested; the commands and settings of the
same processes run for tests/integration/test_compose.py.
"""

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import click
import kubernetes_validate
import pytest
import yaml

from processors.cli.main import cli
from processors.engine.state import rocksdb
from processors.settings import Settings, variable
from processors.settings.gateway import GATEWAY_PORT
from processors.settings.part import file_variable, is_secret
from tests.docs.blocks import BLOCKS
from tests.sink.test_limits import ORCHESTRATORS_GRACE_S

ROOT: Final = Path(__file__).parents[2]
HERE: Final = ROOT / "deploy" / "kubernetes"
OLDEST, NEWEST = "1.30", "1.37"
SECRETS: Final = "/run/secrets/leadstream/"
WORKLOADS: Final = ("StatefulSet", "Deployment", "Job")
_BASE_BYTES: Final = 512 << 20
"""More than a process takes besides what RocksDB has in memory."""
Document = dict[str, Any]


def documents() -> Iterator[Document]:
    """As kustomize lists them."""
    for name in KUSTOMIZATION["resources"]:
        yield from yaml.safe_load_all((HERE / name).read_text())


KUSTOMIZATION: Final = yaml.safe_load((HERE / "kustomization.yaml").read_text())
ALL: Final = list(documents())
SHARED: Final[dict[str, str]] = next(one["data"] for one in ALL if one["kind"] == "ConfigMap")
COMPOSE: Final = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
DOCKERFILE: Final = (ROOT / "deploy" / "docker" / "Dockerfile").read_text()


class Run(NamedTuple):
    """A container. ``workload``: the document it is in; ``pod``: its template's."""

    workload: Document
    pod: Document
    container: Document

    @property
    def environment(self) -> dict[str, str]:
        """As the process has it; what Kubernetes fills in is some word."""
        own = {one["name"]: one.get("value", "worker-0") for one in self.container.get("env", ())}
        return {**SHARED, **own}

    @property
    def mounts(self) -> dict[str, str]:
        return {one["mountPath"]: one["name"] for one in self.container["volumeMounts"]}


def runs() -> Iterator[Run]:
    for one in ALL:
        if one["kind"] in WORKLOADS:
            pod = one["spec"]["template"]["spec"]
            for container in (*pod.get("initContainers", ()), *pod["containers"]):
                yield Run(one, pod, container)


RUNS: Final = {run.container["name"]: run for run in runs()}
PROCESSES: Final = {name: run for name, run in RUNS.items() if run.workload["kind"] != "Job"}
EACH: Final = pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
EACH_PROCESS: Final = pytest.mark.parametrize("run", PROCESSES.values(), ids=PROCESSES)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("document", ALL, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_by_the_schemas(document: Document, version: str) -> None:
    kubernetes_validate.validate(document, version, strict=True)


def test_the_schemas_refuse_what_is_none() -> None:
    wrong = copy.deepcopy(RUNS["worker"].workload)
    wrong["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="livenesProbe"):
        kubernetes_validate.validate(wrong, NEWEST, strict=True)


def test_every_file_is_a_resource() -> None:
    assert {path.name for path in HERE.glob("*.yaml")} == {"kustomization.yaml", *KUSTOMIZATION["resources"]}


def test_what_compose_runs_runs_here() -> None:
    ours = [one["command"] for one in COMPOSE.values() if one["image"].startswith("leadstream")]
    assert {tuple(run.container["args"]) for run in RUNS.values()} == set(map(tuple, ours))


@EACH
def test_the_image_is_that_of_compose(run: Run) -> None:
    assert run.container["image"] == COMPOSE["sink"]["image"]
    name, _, tag = run.container["image"].partition(":")
    assert KUSTOMIZATION["images"] == [{"name": name, "newTag": tag}]


@EACH
def test_its_command_is_one(run: Run) -> None:
    """Its options, too."""
    command: click.Command = cli
    words = list(run.container["args"])
    while words and isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words[0])
        assert found is not None, words
        command, words = found, words[1:]
    assert set(words) <= {option for one in command.params for option in one.opts}
    assert not isinstance(command, click.Group)


def settings_of(environment: dict[str, str]) -> Settings:
    """Each variable is one, and together they are right. Secrets are in files."""
    fields = {variable(name): name for name in Settings.model_fields}
    files = {file_variable(name): name for name, info in Settings.model_fields.items() if is_secret(info)}
    assert environment.keys() <= fields.keys() | files.keys()
    secrets = {name: path for name, path in environment.items() if name in files}
    assert all(path.startswith(SECRETS) for path in secrets.values()), "they are mounted there"
    said = {fields[name]: value for name, value in environment.items() if name not in files}
    return Settings.model_validate({**said, **{files[name]: "secret" for name in secrets}})


@EACH
def test_its_environment_is_what_settings_are_read_from(run: Run) -> None:
    read = settings_of(run.environment)
    assert read.metrics_port == int(COMPOSE["worker-0"]["environment"]["LEADSTREAM_METRICS_PORT"])
    assert run.mounts[SECRETS.rstrip("/")] == "secrets"
    assert run.container["envFrom"] == [{"configMapRef": {"name": "leadstream"}}]


@EACH
def test_it_may_do_next_to_nothing(run: Run) -> None:
    user = re.search(r"useradd .*--uid (\d+)", DOCKERFILE)
    assert user is not None
    assert run.pod["securityContext"]["runAsUser"] == int(user[1])
    assert run.pod["securityContext"]["runAsNonRoot"]
    own = run.container["securityContext"]
    assert own["readOnlyRootFilesystem"]
    assert not own["allowPrivilegeEscalation"]
    assert own["capabilities"] == {"drop": ["ALL"]}
    account = next(one for one in ALL if one["kind"] == "ServiceAccount")
    assert run.pod["serviceAccountName"] == account["metadata"]["name"]
    assert account["automountServiceAccountToken"] is False


@EACH
def test_what_it_mounts_is_there(run: Run) -> None:
    claims = run.workload["spec"].get("volumeClaimTemplates", ())
    volumes = {one["name"] for one in run.pod["volumes"]} | {one["metadata"]["name"] for one in claims}
    assert set(run.mounts.values()) <= volumes
    assert "/tmp" in run.mounts, "the rest of its disk cannot be written"  # noqa: S108
    assert run.container["resources"]["requests"].keys() == {"cpu", "memory"}
    assert run.container["resources"]["limits"].keys() == {"memory"}


@EACH
def test_nothing_of_kubernetes_is_taken_for_a_setting(run: Run) -> None:
    """A Service may be called so that its variables are ours."""
    assert run.pod["enableServiceLinks"] is False


@pytest.mark.parametrize("name", ["worker", "rewards"])
def test_state_outlives_its_pod(name: str) -> None:
    run = RUNS[name]
    directory = re.search(r"LEADSTREAM_DATA_DIR=(\S+)", DOCKERFILE)
    assert directory is not None
    assert run.mounts[directory[1]] == run.workload["spec"]["volumeClaimTemplates"][0]["metadata"]["name"]


@pytest.mark.parametrize("name", ["worker", "rewards", "sink"])
def test_a_process_has_the_name_of_its_pod(name: str) -> None:
    run = RUNS[name]
    assert run.workload["kind"] == "StatefulSet", "names of other pods change"
    named = {one["name"]: one["valueFrom"] for one in run.container["env"] if "valueFrom" in one}
    assert named == {"LEADSTREAM_INSTANCE_ID": {"fieldRef": {"fieldPath": "metadata.name"}}}


@EACH_PROCESS
def test_it_is_asked_where_it_answers(run: Run) -> None:
    ports = {one["name"]: one["containerPort"] for one in run.container["ports"]}
    assert ports["metrics"] == int(SHARED["LEADSTREAM_METRICS_PORT"])
    assert ports.get("http", GATEWAY_PORT) == GATEWAY_PORT
    for probe, path in (("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
        assert run.container[probe]["httpGet"] == {"path": path, "port": "metrics"}
    assert run.pod["terminationGracePeriodSeconds"] == ORCHESTRATORS_GRACE_S + told_after_s(run)


def test_a_gateway_goes_on_until_nobody_is_sent_to_it() -> None:
    assert told_after_s(RUNS["gateway"]) > 0


def told_after_s(run: Run) -> int:
    """So long after its end is decided, which its Service hears at once."""
    hook = run.container.get("lifecycle")
    return 0 if hook is None else int(hook["preStop"]["sleep"]["seconds"])


@pytest.mark.parametrize("name", ["worker", "rewards"])
def test_one_that_is_left_alone_has_memory_for_all_partitions(name: str) -> None:
    limit = RUNS[name].container["resources"]["limits"]["memory"]
    stores = 2 * int(SHARED["LEADSTREAM_PARTITIONS"])
    memtables = stores * 2 * rocksdb._WRITE_BUFFER
    assert int(limit.removesuffix("Gi")) << 30 > _BASE_BYTES + 2 * rocksdb._BLOCK_CACHE + memtables


@EACH_PROCESS
def test_its_pods_are_found_by_their_labels(run: Run) -> None:
    labels = run.workload["spec"]["template"]["metadata"]["labels"]
    assert run.workload["spec"]["selector"]["matchLabels"] == labels
    name = run.workload["metadata"]["name"]
    of_name = {one["kind"]: one["spec"] for one in ALL if one["metadata"]["name"] == name}
    assert of_name["PodDisruptionBudget"]["selector"]["matchLabels"] == labels
    assert of_name["PodDisruptionBudget"]["maxUnavailable"] < run.workload["spec"]["replicas"]
    assert of_name["Service"]["selector"] == labels
    assert run.workload["spec"].get("serviceName", name) == name
    (spread,) = run.pod["topologySpreadConstraints"]
    assert spread["labelSelector"]["matchLabels"] == labels
    ports = {one["name"] for one in run.container["ports"]}
    assert {one["targetPort"] for one in of_name["Service"]["ports"]} <= ports


def test_the_overlay_of_the_page_says_what_there_is() -> None:
    """And is right with what it leaves as it is."""
    (block,) = (one for one in BLOCKS if one.page == "docs/kubernetes.md" and "FILE" in one.text)
    overlay = yaml.safe_load(block.text.split("<<'FILE'\n")[1].rpartition("FILE")[0])
    assert (ROOT / "production" / overlay["resources"][0]).resolve() == HERE
    assert [one["name"] for one in overlay["images"]] == [one["name"] for one in KUSTOMIZATION["images"]]
    assert {one["name"] for one in overlay["replicas"]} <= {
        run.workload["metadata"]["name"] for run in RUNS.values()
    }
    patch = yaml.safe_load(overlay["patches"][0]["patch"])
    assert (patch["kind"], patch["metadata"]["name"]) == ("ConfigMap", "leadstream")
    read = settings_of({**SHARED, **patch["data"]})
    assert read.kafka_security_protocol == "SASL_SSL"


def test_every_worker_has_partitions() -> None:
    for name in ("worker", "rewards"):
        assert RUNS[name].workload["spec"]["replicas"] <= int(SHARED["LEADSTREAM_PARTITIONS"])
    assert int(SHARED["LEADSTREAM_REPLICATION"]) == 3, "docs/guarantees.md asks for it in production"
