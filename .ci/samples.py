"""What the schemas of the samples don't say: samples.py kubernetes|job|compose|monitoring FILE..."""

import json
import re
import sys

import yaml


def kubernetes(*files):
    """Nothing is run again at once, secrets are files, and the number of shares is told once more where it is needed."""
    documents = [document for file in files for document in yaml.safe_load_all(open(file))]
    claims = {document["metadata"]["name"] for document in documents if document["kind"] == "PersistentVolumeClaim"}
    jobs = [document for document in documents if document["kind"] in ("CronJob", "Job")]
    assert len(jobs) == 2
    for document in jobs:
        job = document["spec"].get("jobTemplate", document)["spec"]
        pod = job["template"]["spec"]
        container = pod["containers"][0]
        limit = job.get("backoffLimitPerIndex", job.get("backoffLimit"))
        assert limit == 0 and pod["restartPolicy"] == "Never", document["metadata"]
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)
        assert volumes["state"]["persistentVolumeClaim"]["claimName"] in claims
        assert "secret" in volumes["secrets"]
        environment = {variable["name"]: variable.get("value") for variable in container["env"]}
        if document["kind"] == "Job":
            assert environment["JOB_COMPLETIONS"] == str(job["completions"])


def job(file):
    """Prints the Job's variables and arguments, as `env` takes them after the program's name is put between."""
    container = yaml.safe_load(open(file))["spec"]["template"]["spec"]["containers"][0]
    print(*(f"{variable['name']}={variable['value']}" for variable in container["env"]))
    print(*container["args"])


def compose(file):
    """Prints the service's command."""
    from compose_spec import PyCompose

    text = open(file).read()
    PyCompose.from_yaml(text)
    service = yaml.safe_load(text)["services"]["clean"]
    assert set(service["secrets"]) == set(yaml.safe_load(text)["secrets"])
    print(*service["command"])


def monitoring(metrics, rules, dashboard):
    """Every metric of rules and dashboard is one that the program writes."""
    known = set(re.findall(r"^# TYPE (\w+)", open(metrics).read(), re.M))
    groups = yaml.safe_load(open(rules))["groups"]
    expressions = [rule["expr"] for group in groups for rule in group["rules"]]
    panels = json.load(open(dashboard))["panels"]
    targets = [target["expr"] for panel in panels for target in panel["targets"]]
    assert expressions and targets
    for expression in expressions + targets:
        used = set(re.findall(r"bulk_withdraw_\w+", expression))
        assert used and used <= known, f"{expression}: {used - known} is written by nobody"


{"kubernetes": kubernetes, "job": job, "compose": compose, "monitoring": monitoring}[sys.argv[1]](*sys.argv[2:])
