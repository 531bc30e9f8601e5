# shellcheck shell=bash disable=SC2154 # name, suite, packages, clone, hierarchies and fuse_mode: the world's
# What every world shares: how its tree is made and kept, how it is begun, entered, and ended with nothing left.
# A world sets what it is (name, suite, packages, clone: where this repository's goes, empty for none, hierarchies: all
# or unified, fuse_mode), sources this, defines the functions that are its own (sources: apt's, for the tree; furnish:
# the last touches to $root; begin: what process 1 becomes; own_COMMAND: further commands), and calls `main "$@"`.
set -euo pipefail

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
repository=$(git -C "$here" rev-parse --show-toplevel)
home=${EVALUATION_WORLDS:-/var/cache/container-evaluation-worlds}/$name
root=$home/root   # this start's system, removed by stop
state=$home/state # pids of this start, removed by stop
tree_options=()   # further ones of mmdebstrap's
offline=

say() { printf '%s: %s\n' "$name" "$*"; }
fail() {
	say "$*" >&2
	exit 1
}
lacking() { # what this machine would have to have: 69, so that a test can be skipped with the reason
	say "$*" >&2
	exit 69
}

# A pid alone may be somebody else's by now; with the start time it is the process that was meant.
began() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
running() { # NAME: prints the pid, while that process lives
	local pid start
	if [ ! -e "$state/$1" ] || ! read -r pid start <"$state/$1"; then return 1; fi
	[ -n "$start" ] && [ "$(began "$pid")" = "$start" ] && echo "$pid"
}
note() { echo "$2 $(began "$2")" >"$state/$1"; }

# The control groups of this world, below those of whoever asks: one folder in every hierarchy that it has.
groups() {
	local controllers path where
	while IFS=: read -r _ controllers path; do
		if [ -z "$controllers" ]; then
			where=$(findmnt -no TARGET -t cgroup2 | head -n 1)
		elif [ "$hierarchies" = all ]; then
			where=/sys/fs/cgroup/${controllers#name=}
		else
			continue
		fi
		if [ -d "$where" ]; then echo "${where%/}${path%/}/$name"; fi
	done </proc/self/cgroup
}

# The control groups stand below those of `start`, which may be others than those of whoever asks now.
enter_groups() {
	local group
	while read -r group; do echo "$BASHPID" >"$group/cgroup.procs"; done <"$state/groups"
}

members() { find "$1" -name cgroup.procs -exec cat {} + 2>/dev/null; }

# The tree is kept under the digest of all that it is made of.
tree() {
	local digest
	digest=$({ declare -p suite packages tree_options && declare -f sources; } | sha256sum)
	echo "$home/tree-${digest:0:12}.tar"
}

build() {
	local new options=()
	new=$(tree)
	if [ -e "$new" ]; then
		say "the tree is here: $new"
		return 0
	fi
	command -v mmdebstrap >/dev/null || lacking "mmdebstrap is missing: apt-get install mmdebstrap"
	need_network
	mkdir -p "$home"
	rm -f "$home"/tree-*.tar
	say "building the tree (a minute or two)"
	# A frozen mirror's lists are old: a machine that allows that for its own says so, and only then.
	mapfile -t options < <(apt-config dump Acquire::Check-Valid-Until)
	# The certificates that this machine trusts, as they are.
	# shellcheck disable=SC2016 # $1 is the tree, for mmdebstrap
	sources | mmdebstrap --quiet --variant=minbase --include="$packages" "${options[@]/#/--aptopt=}" \
		--setup-hook='mkdir -p "$1/usr/local/share" && cp -rT /usr/local/share/ca-certificates "$1/usr/local/share/ca-certificates"' \
		"${tree_options[@]}" "$suite" "${new%.tar}.new.tar" -
	mv "${new%.tar}.new.tar" "$new"
	say "built: $(du -h "$new" | cut -f1)"
}

# This machine's own Debian mirror, as the set-up finds it; what else the set-up's file wants is not set here.
# shellcheck disable=SC1091
mirror() { (set +u && . "$repository/setup/install.sh" && debian_mirror); }

need_network() { # asked of the mirror, by apt's own client
	local from there
	there=$(mktemp)
	if ! from=$(mirror 2>/dev/null) ||
		! /usr/lib/apt/apt-helper download-file "${from%/}/dists/$suite/InRelease" "$there" >/dev/null 2>&1; then
		rm -f "$there"
		lacking "no network, or no $suite any more: Debian's mirror does not answer"
	fi
	rm -f "$there"
}

mount_groups() {
	local controllers where
	if [ "$hierarchies" = unified ]; then
		mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
		return
	fi
	mount -t tmpfs -o mode=755 cgroups "$root/sys/fs/cgroup"
	while IFS=: read -r _ controllers _; do
		where=$root/sys/fs/cgroup/${controllers#name=}
		if [ -n "$controllers" ]; then
			mkdir -p "$where"
			mount -t cgroup -o "${controllers/#name=/none,name=}" cgroup "$where"
		else
			mkdir -p "$where/unified"
			mount -t cgroup2 cgroup2 "$where/unified"
		fi
	done </proc/self/cgroup
}

# In new namespaces: the new root, the kernel's file systems in it, and a /dev with nodes of its own, never the host's.
mount_root() { # FURTHER DEVICE:MAJOR:MINOR:MODE...
	local where device major minor mode
	mount --make-rprivate /
	mount --bind "$root" "$root"
	mount -t proc proc "$root/proc"
	mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
	mount -t tmpfs -o mode=755,nosuid dev "$root/dev"
	for device in null:1:3:666 zero:1:5:666 full:1:7:666 random:1:8:666 urandom:1:9:666 tty:5:0:666 "$@"; do
		IFS=: read -r where major minor mode <<<"$device"
		mkdir -p "$(dirname "$root/dev/$where")"
		mknod -m "$mode" "$root/dev/$where" c "$major" "$minor"
	done
	mkdir "$root/dev/pts" "$root/dev/shm"
	mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts "$root/dev/pts"
	mount -t tmpfs -o mode=1777,nosuid,nodev shm "$root/dev/shm"
	ln -s pts/ptmx "$root/dev/ptmx"
	ln -s /proc/self/fd "$root/dev/fd"
	for device in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${device%:*}" "$root/dev/${device#*:}"; done
}

# In the new namespaces, as their process 1; the new root is mounted and becomes the root.
become_init() {
	local pid
	read -r pid _ </proc/self/stat # /proc is still the host's
	note init "$pid"
	hostname "$name"
	mount_root fuse:10:229:"$fuse_mode" net/tun:10:200:"$fuse_mode"
	mount_groups
	mount -t tmpfs -o mode=755,nosuid,nodev run "$root/run"
	mkdir -p "$root/run/lock" "$root/.host"
	cd "$root"
	pivot_root . .host
	hash -r # its programs may lie elsewhere than the host's
	umount -l /.host
	rmdir /.host
	mount --make-rshared / # as systemd does where it finds no container
	begin </dev/null
}

# The network in user mode: neither a rule nor a setting of the host's changes.
join_network() { # PID
	command -v slirp4netns >/dev/null || lacking "slirp4netns is missing: apt-get install slirp4netns"
	setsid slirp4netns --configure --mtu=65520 --disable-host-loopback "$1" tap0 </dev/null >>"$state/log" 2>&1 &
	note network $!
	for _ in $(seq 100); do
		if nsenter --target "$1" --net ip -o addr show tap0 2>/dev/null | grep -q 'inet '; then break; fi
		sleep 0.1
	done
}

# A network that leads nowhere: an address and a route, as on a node behind a closed gateway.
be_alone() { # PID
	nsenter --target "$1" --net sh -ec '
		ip link add lan0 type veth peer name gateway0
		ip link set gateway0 up
		ip addr add 192.0.2.2/24 dev lan0
		ip link set lan0 up
		ip route add default via 192.0.2.1'
}

# The system's files, new: the tree, a clone of the project, and what the world adds.
lay() {
	[ "$(id -u)" -eq 0 ] || lacking "a world needs root"
	if running init >/dev/null; then fail "it runs already: '$0 stop' ends it"; fi
	build
	stop >/dev/null
	mkdir -p "$root" "$state"
	tar -C "$root" -xf "$(tree)" --numeric-owner
	: >"$root/etc/resolv.conf"
	if [ -z "$offline" ]; then echo "nameserver 10.0.2.3" >"$root/etc/resolv.conf"; fi # slirp4netns passes questions on
	printf '127.0.0.1 localhost %s\n::1 localhost\n' "$name" >"$root/etc/hosts"
	echo "$name" >"$root/etc/hostname"
	if [ -e /etc/pip.conf ]; then cp /etc/pip.conf "$root/etc/pip.conf"; fi
	if [ -n "$clone" ]; then
		git clone --quiet --no-hardlinks "$repository" "$root$clone"
		git -C "$root$clone" remote remove origin
	fi
	furnish
}

start() {
	local group pid
	case ${1:-} in
		'') ;;
		--offline) offline=1 ;;
		*) fail "start knows --offline alone, not $1" ;;
	esac
	lay
	groups >"$state/groups"
	while read -r group; do
		mkdir "$group"
		if [ -e "$group/cpuset.cpus" ]; then
			for f in cpuset.cpus cpuset.mems; do cat "${group%/*}/$f" >"$group/$f"; done
		fi
	done <"$state/groups"
	(
		enter_groups
		exec setsid unshare --mount --pid --uts --ipc --net --cgroup --fork "$0" become_init
	) </dev/null >"$state/log" 2>&1 &
	for _ in $(seq 100); do
		if pid=$(running init) && [ "$(cat "/proc/$pid/root/etc/hostname" 2>/dev/null)" = "$name" ]; then break; fi
		sleep 0.1
	done
	if ! pid=$(running init) || ! nsenter --target "$pid" --net ip link set lo up; then
		cat "$state/log" >&2
		stop >/dev/null
		fail "it does not come up"
	fi
	if [ -z "$offline" ]; then join_network "$pid"; else be_alone "$pid"; fi
	settle
	say "runs; ${clone:+the clone is $clone, }the log of the start $state/log"
}

settle() { :; } # a world that needs more until it is up says so

inside() { # COMMAND...: as root of the world, with no environment but what is given
	local pid
	pid=$(running init) || fail "it does not run: '$0 start'"
	(
		enter_groups
		exec nsenter --target "$pid" --mount --pid --uts --ipc --net --cgroup env -i "$@"
	)
}

run() {
	inside -C "${clone:-/}" HOME=/root USER=root LOGNAME=root LANG=C.UTF-8 TERM=dumb \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

# A login, as a terminal or sshd begins one; where pam_systemd is, in a session with a runtime folder and a bus.
own_login() { # USER COMMAND...
	local user=$1
	shift
	# shellcheck disable=SC2016 # the inner shell's
	inside TERM=dumb LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		su --login --command='cd container-evaluation 2>/dev/null; exec "$@"' -- "$user" sh "$@"
}

stop() {
	local pid group
	if pid=$(running init); then
		kill -KILL "$pid" # process 1: the kernel ends all others of the world with it
	fi
	if pid=$(running network); then kill "$pid" 2>/dev/null || true; fi
	if [ -e "$state/groups" ]; then
		while read -r group; do
			for _ in $(seq 300); do # what is in its groups is the world's, also where it did not come up
				while read -r pid; do kill -KILL "$pid" 2>/dev/null || true; done < <(members "$group")
				find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null || true
				if [ ! -d "$group" ]; then break; fi
				sleep 0.1 # what was killed ends when it gets a processor
			done
			if [ -d "$group" ]; then say "the control group $group could not be removed" >&2; fi
		done <"$state/groups"
	fi
	rm -rf --one-file-system "$root" "$state"
	say "stopped: nothing of it is left but $(tree)"
}

main() {
	local command=${1:-help}
	case $command in
		build | start | stop | run | become_init) "$@" ;; # become_init: what start calls in the new namespaces
		path) echo "$root" ;;
		*)
			if [ "$(type -t "own_$command")" = function ]; then
				shift && "own_$command" "$@"
				return
			fi
			usage
			[ "$command" = help ]
			;;
	esac
}

usage() {
	cat <<-EOF
		usage: $0 build|start [--offline]|run COMMAND...|login USER COMMAND...|path|stop
		  build  make the tree once, with this machine's own apt settings: $(tree)
		  start  begin the world; --offline: without network. A clone of this repository's HEAD in it: ${clone:-none}
		  run    run a command in it, in the clone, as root with a login's environment
		  login  run a command as one of its users, in the clone where it is theirs
		  path   print where its files are seen from outside
		  stop   end everything in it and remove it; only the tree stays${further_usage:-}
	EOF
}
