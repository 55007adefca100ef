"""Drives a fake of Hetzner Cloud with Hetzner's own client."""

import os
import sys

from hcloud import APIException, Client
from hcloud.images import Image
from hcloud.locations import Location
from hcloud.server_types import ServerType
from hcloud.servers import ServerCreatePublicNetwork

url = sys.argv[1] + "/v1"


def client(token):
    return Client(token=token, api_endpoint=url, poll_interval=0.01)


def refused(code, call):
    try:
        call()
    except APIException as error:
        assert error.code == code, error
        assert error.message and error.correlation_id, error
        return error
    raise AssertionError(f"{code} was expected")


cloud = client(os.environ["HETZNER_TOKEN"])

# What can be had.
assert [location.name for location in cloud.locations.get_all()] == ["fsn1", "nbg1", "hel1", "hil"]
kinds = {kind.name: kind for kind in cloud.server_types.get_all()}
assert kinds["cx23"].architecture == "x86" and kinds["cax11"].architecture == "arm"
assert kinds["cx23"].prices[0]["price_hourly"]["gross"] == "0.005619"
assert {there.location.name: there.available for there in kinds["ccx13"].locations} == {"fsn1": False, "hil": True}
assert cloud.server_types.get_by_name("cpx11").cores == 2
images = cloud.images.get_all(type="system", architecture="arm")
assert sorted(image.name for image in images) == ["debian-12", "ubuntu-24.04"], images


def order(name, kind="cx23", location="fsn1", image="debian-12", labels=None, **more):
    return cloud.servers.create(
        name=name,
        server_type=ServerType(name=kind),
        image=Image(name=image),
        location=Location(name=location),
        labels=labels or {},
        public_net=ServerCreatePublicNetwork(enable_ipv4=True, enable_ipv6=True),
        **more,
    )


# A server's life.
made = order("n-1", labels={"owner": "a", "node": "1"}, user_data="#cloud-config\n")
assert made.action.status == "running" or made.action.status == "success"
assert made.root_password and made.server.public_net.ipv4.ip and made.server.public_net.primary_ipv4.id
made.action.wait_until_finished()
for action in made.next_actions:
    action.wait_until_finished()
server = cloud.servers.get_by_id(made.server.id)
assert server.status == "running" and server.location.name == "fsn1" and server.labels["node"] == "1"
assert server.created.year >= 2026
assert {action.command for action in server.get_actions()} == {"create_server", "start_server"}
assert cloud.servers.get_by_name("n-1").id == server.id
assert len(cloud.primary_ips.get_all()) == 2

# Labels and pages.
for number in range(2, 61):
    order(f"n-{number}", labels={"owner": "b" if number % 2 else "a", "node": str(number)})
assert len(cloud.servers.get_all()) == 60
assert len(cloud.servers.get_all(label_selector="owner=a")) == 31
assert len(cloud.servers.get_all(label_selector="owner==a,node!=1")) == 30
assert [found.name for found in cloud.servers.get_all(label_selector="node in (7,8)")] == ["n-7", "n-8"]
assert cloud.servers.get_all(label_selector="nobody") == []
assert cloud.servers.get_all(label_selector="owner,!nobody", name="n-3")[0].name == "n-3"
result = cloud.servers.get_list(per_page=500, page=2)
assert len(result.servers) == 10 and result.meta.pagination.total_entries == 60 and result.meta.pagination.next_page is None

# Refusals.
refused("unauthorized", lambda: client("nonsense").locations.get_all())
assert refused("token_readonly", lambda: client(os.environ["HETZNER_READ_ONLY"]).servers.delete(server))
assert client(os.environ["HETZNER_READ_ONLY"]).servers.get_by_id(server.id).name == "n-1"
refused("uniqueness_error", lambda: order("n-1"))
limit = refused("resource_limit_exceeded", lambda: order("n-61"))
assert limit.details["limits"][0]["name"] == "server_limit"
gone = cloud.servers.get_by_name("n-60")
gone.delete().wait_until_finished()
assert refused("invalid_input", lambda: order("x", location="ash")).details["fields"][0]["name"] == "location"
assert refused("invalid_input", lambda: order("x", kind="cx1")).details["fields"][0]["name"] == "server_type"
assert refused("invalid_input", lambda: order("x", image="plan9")).details["fields"][0]["name"] == "image"
refused("invalid_input", lambda: order("under_score"))
refused("invalid_input", lambda: order("x", user_data="x" * 33_000))
refused("invalid_input", lambda: order("x", kind="cx23", location="hil"))
refused("resource_unavailable", lambda: order("x", kind="ccx13", location="fsn1"))
refused("not_found", lambda: cloud.servers.get_by_id(gone.id))
refused("deprecated_api_endpoint", lambda: cloud._client.request(method="GET", url="/datacenters"))
order("n-60", labels={"owner": "a"})

# The end: what came along goes, too.
for server in cloud.servers.get_all():
    server.delete().wait_until_finished()
assert cloud.servers.get_all() == [] and cloud.primary_ips.get_all() == []
print("all as it should be")
