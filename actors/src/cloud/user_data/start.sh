#!/bin/sh
# Makes this machine a node of a Spunto control plane. Runs at every boot, and may run again at any time: it does what is missing.
set -u
umask 077
export LC_ALL=C PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
api_url='@API_URL@'
agent_image='@AGENT_IMAGE@'
state=/var/lib/spunto
mkdir -p "$state"

# Read from files, so that no list of processes shows them. The token is dead once the agent has used it.
cat >"$state/header" <<'END'
Authorization: Bearer @ENROLMENT_TOKEN@
END
cat >"$state/agent.env" <<'END'
@ENROLMENT_VARIABLE@=@ENROLMENT_TOKEN@
API_URL=@API_URL@
END

# Tells the control plane; that it can't be told is no reason to stop.
report() {
	command -v curl >/dev/null 2>&1 || return 0
	curl --silent --show-error --fail --max-time 10 --retry 2 --output /dev/null --header "@$state/header" \
		--header 'Content-Type: application/json' --data "$1" "$api_url@PROGRESS_PATH@" 2>"$state/report.err" || true
}

stage() {
	echo "spunto: $1"
	report "{\"stage\":\"$1\"}"
}

fail() {
	why="$(printf '%s' "$1" | tr -c '[:alnum:] .,:;()/_=+-' ' ' | tr -s ' ' | cut -c 1-400)"
	echo "spunto: failed: $why" >&2
	report "{\"stage\":\"failed\",\"message\":\"$why\"}"
	exit 1
}

# Does something until it succeeds, at most eight times, waiting longer each time.
persist() {
	try=1
	until "$@" >"$state/last.log" 2>&1; do
		[ "$try" -lt 8 ] || return 1
		sleep $((try * 5))
		try=$((try + 1))
	done
}

last_words() { tail -n 3 "$state/last.log"; }

# Containers don't reach the cloud's metadata service (TCP port 80; names are still resolved), the host does. By policy routing, which
# works beside every firewall; before Docker starts, as it may start containers by itself.
write_guard() {
	mkdir -p /usr/local/sbin /etc/systemd/system /etc/systemd/networkd.conf.d
	cat >/usr/local/sbin/spunto-guard <<'END'
#!/bin/sh
add() {
	said="$(ip "$@" 2>&1)" && return 0
	case "$said" in *"File exists"*) return 0 ;; esac
	echo "$said" >&2
	exit 1
}
for address in 169.254.169.254 169.254.42.42; do
	add -4 rule add pref 90 to "$address" iif lo lookup main
	add -4 rule add pref 91 to "$address" ipproto tcp dport 80 prohibit
done
[ -e /proc/sys/net/ipv6 ] || exit 0
for address in fd00:ec2::254 fd20:ce::254; do
	add -6 rule add pref 90 to "$address" iif lo lookup main
	add -6 rule add pref 91 to "$address" ipproto tcp dport 80 prohibit
done
END
	chmod 700 /usr/local/sbin/spunto-guard
	# It would take away rules that it did not make.
	cat >/etc/systemd/networkd.conf.d/spunto.conf <<'END'
[Network]
ManageForeignRoutingPolicyRules=no
END
	cat >/etc/systemd/system/spunto-guard.service <<'END'
[Unit]
Description=Keeps containers from the metadata service
After=systemd-networkd.service
Before=docker.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/spunto-guard
[Install]
WantedBy=multi-user.target
RequiredBy=docker.service
END
	chmod 644 /etc/systemd/networkd.conf.d/spunto.conf /etc/systemd/system/spunto-guard.service
	chmod 755 /etc/systemd/networkd.conf.d
	if [ -d /run/systemd/system ]; then systemctl daemon-reload && systemctl --quiet enable spunto-guard.service; fi
}

# Other things install at the first boot, too: their locks are waited for, and what they left half done is finished.
packages() {
	set -- -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Dpkg::Options::=--force-confold
	export DEBIAN_FRONTEND=noninteractive
	dpkg --configure -a || true
	apt-get "$@" update && apt-get "$@" install --yes --no-install-recommends docker.io iptables iproute2 curl ca-certificates
}

start_docker() {
	if [ -d /run/systemd/system ]; then systemctl enable --now docker || return 1; fi
	docker info
}

fetch() { docker image inspect "$agent_image" || docker pull "$agent_image"; }

run_agent() {
	if docker container inspect spunto-agent; then
		docker start spunto-agent
		return
	fi
	docker run --detach --name spunto-agent --restart unless-stopped --env-file "$state/agent.env" \
		--volume /var/run/docker.sock:/var/run/docker.sock --volume spunto-agent:/state "$agent_image"
}

if ! command -v docker >/dev/null 2>&1 || ! command -v ip >/dev/null 2>&1; then
	stage installing_docker
	command -v apt-get >/dev/null 2>&1 || fail "this system has no apt-get; choose an image of Debian or Ubuntu"
	# The guard's unit is there before Docker, so that Docker does not start without it.
	write_guard
	persist packages || fail "Docker could not be installed: $(last_words)"
fi
write_guard
/usr/local/sbin/spunto-guard 2>"$state/last.log" || fail "the metadata service could not be closed to containers: $(last_words)"
persist start_docker || fail "Docker does not start: $(last_words)"
if ! docker container inspect spunto-agent >/dev/null 2>&1; then
	stage pulling_agent
	persist fetch || fail "the agent's image $agent_image could not be fetched: $(last_words)"
fi
stage starting_agent
persist run_agent || fail "the agent does not start: $(last_words)"
