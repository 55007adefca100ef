"""Drives a fake of Compute Engine with Google's own client, signing in with Google's own authentication."""

import json
import os
import sys
import uuid

from google.auth.exceptions import RefreshError
from google.oauth2 import service_account
from googleapiclient import discovery
from googleapiclient.errors import HttpError

url = sys.argv[1]
SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
PROJECT = "spunto-fake"
ZONE = "us-central1-a"


def client(key):
    # Google's client goes where the key says; ours does not.
    info = {**json.loads(key), "token_uri": url + "/token"}
    credentials = service_account.Credentials.from_service_account_info(info, scopes=SCOPES)
    options = {"api_endpoint": url + "/compute/v1/"}
    return discovery.build("compute", "v1", credentials=credentials, client_options=options, static_discovery=True)


def refused(status, reason, call):
    try:
        call.execute()
    except HttpError as error:
        content = json.loads(error.content)["error"]
        assert error.status_code == status and content["errors"][0]["reason"] == reason, error.content
        assert content["message"] and content["code"] == status
        return content
    raise AssertionError(f"{status} {reason} was expected")


compute = client(os.environ["GOOGLE_KEY"])
try:
    client(os.environ["GOOGLE_STRANGER"]).projects().get(project=PROJECT).execute()
    raise AssertionError("a deleted key was taken")
except RefreshError as error:
    assert "Invalid JWT Signature" in str(error), error

# What can be had.
assert compute.projects().get(project=PROJECT).execute()["name"] == PROJECT
zones = compute.zones().list(project=PROJECT).execute()["items"]
assert {zone["name"]: zone["status"] for zone in zones}["us-east1-a"] == "DOWN"
assert compute.regions().list(project=PROJECT).execute()["items"][0]["quotas"]
kinds = []
request = compute.machineTypes().list(project=PROJECT, zone=ZONE, maxResults=3)
while request is not None:
    page = request.execute()
    kinds += page["items"]
    request = compute.machineTypes().list_next(request, page)
assert [kind["name"] for kind in kinds] == ["e2-medium", "e2-small", "n4-standard-2", "t2a-standard-1"]
assert all(isinstance(kind["guestCpus"], int) for kind in kinds)
image = compute.images().getFromFamily(project="debian-cloud", family="debian-12").execute()
assert image["name"].startswith("debian-12-bookworm")
refused(404, "notFound", compute.images().getFromFamily(project="debian-cloud", family="debian-1"))
refused(404, "notFound", compute.projects().get(project="another"))


def body(name, labels=None, kind="e2-medium", zone=ZONE, family="debian-12"):
    return {
        "name": name,
        "machineType": f"zones/{zone}/machineTypes/{kind}",
        "labels": labels or {},
        "disks": [
            {
                "boot": True,
                "autoDelete": True,
                "initializeParams": {"sourceImage": f"projects/debian-cloud/global/images/family/{family}", "diskSizeGb": "20", "labels": labels or {}},
            }
        ],
        "networkInterfaces": [{"network": "global/networks/default", "accessConfigs": [{"type": "ONE_TO_ONE_NAT"}]}],
        "metadata": {"items": [{"key": "startup-script", "value": "#!/bin/sh\n"}]},
    }


def insert(name, request=None, zone=ZONE, **more):
    return compute.instances().insert(project=PROJECT, zone=zone, body=body(name, zone=zone, **more), requestId=request)


def done(operation, zone=ZONE):
    for _ in range(1000):
        operation = compute.zoneOperations().wait(project=PROJECT, zone=zone, operation=operation["name"]).execute()
        if operation["status"] == "DONE":
            assert "error" not in operation, operation
            return operation
    raise AssertionError("an operation that does not end")


# An instance's life.
request = str(uuid.uuid4())
operation = insert("n-1", request, labels={"owner": "a", "node": "1"}).execute()
assert operation["kind"] == "compute#operation" and operation["operationType"] == "insert"
assert operation["clientOperationId"] == request and operation["targetLink"].endswith("/instances/n-1")
assert done(operation)["progress"] == 100
assert insert("n-1", request).execute()["name"] == operation["name"], "the same request gives the same operation"
found = compute.zoneOperations().list(project=PROJECT, zone=ZONE, filter=f'clientOperationId = "{request}"').execute()
assert [each["name"] for each in found["items"]] == [operation["name"]]
instance = compute.instances().get(project=PROJECT, zone=ZONE, instance="n-1").execute()
assert instance["status"] == "RUNNING" and instance["labels"] == {"owner": "a", "node": "1"}
assert instance["networkInterfaces"][0]["accessConfigs"][0]["natIP"]
assert "serviceAccounts" not in instance
assert compute.disks().get(project=PROJECT, zone=ZONE, disk="n-1").execute()["users"] == [instance["selfLink"]]

# Labels, zones and pages.
for number in range(2, 8):
    zone = ZONE if number % 2 else "europe-west3-a"
    done(insert(f"n-{number}", zone=zone, labels={"owner": "b" if number % 2 else "a", "node": str(number)}).execute(), zone)


def everywhere(list_, key, **more):
    names, request = [], list_.aggregatedList(project=PROJECT, **more)
    while request is not None:
        page = request.execute()
        for scope in page["items"].values():
            assert key in scope or scope["warning"]["code"] == "NO_RESULTS_ON_PAGE", scope
            names += [each["name"] for each in scope.get(key, [])]
        request = list_.aggregatedList_next(request, page)
    return sorted(names)


assert everywhere(compute.instances(), "instances", maxResults=2) == [f"n-{number}" for number in range(1, 8)]
assert everywhere(compute.instances(), "instances", filter='(labels.owner = "a") (labels.node = "4")') == ["n-4"]
assert everywhere(compute.instances(), "instances", filter="labels.owner=b AND labels.node=3") == ["n-3"]
assert everywhere(compute.disks(), "disks", filter='labels.owner = "a"') == ["n-1", "n-2", "n-4", "n-6"]

# Refusals.
assert "IN_USE_ADDRESSES" in refused(403, "quotaExceeded", insert("n-8"))["message"]
compute.instances().delete(project=PROJECT, zone=ZONE, instance="n-7").execute()
refused(409, "alreadyExists", insert("n-1"))
assert "Unknown zone" in refused(400, "invalid", insert("x", zone="mars-north1-a"))["message"]
assert "machineTypes/e2-nothing" in refused(404, "notFound", insert("x", kind="e2-nothing"))["message"]
assert "images/family/debian-1" in refused(404, "notFound", insert("x", family="debian-1"))["message"]
refused(400, "invalid", insert("Upper_Case"))
refused(400, "invalid", insert("x", labels={"Upper": "x"}))
refused(400, "invalid", insert("x", request="no-uuid"))
refused(400, "invalid", compute.instances().aggregatedList(project=PROJECT, filter="((("))
refused(404, "notFound", compute.instances().get(project=PROJECT, zone=ZONE, instance="nobody"))
refused(400, "resourceInUseByAnotherResource", compute.disks().delete(project=PROJECT, zone=ZONE, disk="n-1"))
done(insert("n-7", labels={"owner": "b"}).execute())

# The end: what came along goes, too.
for number in range(1, 8):
    zone = ZONE if number % 2 else "europe-west3-a"
    operation = compute.instances().delete(project=PROJECT, zone=zone, instance=f"n-{number}").execute()
    assert done(operation, zone)["operationType"] == "delete"
    refused(404, "notFound", compute.instances().get(project=PROJECT, zone=zone, instance=f"n-{number}"))
assert everywhere(compute.instances(), "instances") == [] and everywhere(compute.disks(), "disks") == []
print("all as it should be")
