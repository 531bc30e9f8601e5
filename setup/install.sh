# shellcheck shell=bash disable=SC2154,SC2016,SC1091 # prefix, state, logs: set by setup/runtimes, which sources this
# Installing the embedded set of runtimes on a bare Debian machine, and trying it.

log=$logs/install.log
apptainer_root=$prefix/apptainer

groups=( # one line a purpose: if the whole cannot be had, each is tried alone
	"docker.io iptables"
	"rootlesskit uidmap slirp4netns iproute2" # what a docker engine of an ordinary user needs
	"podman runc uidmap fuse-overlayfs slirp4netns"
	"charliecloud"
	"squashfs-tools squashfuse"
	"mmdebstrap umoci skopeo" # the evaluation image is built with these
	"patchelf uidmap containernetworking-plugins ca-certificates" # what Apptainer needs around it
)

announce() {
	cat <<-EOF
		  1. Debian packages: ${groups[*]}
		     (and gcc, libc6-dev, make where missing)
		  2. Apptainer of Debian sid, unpacked with its own libc under $apptainer_root (this system's
		     libc stays as it is), the command at /usr/local/bin/apptainer
		  3. the measuring user '$(measuring_user)': made if missing, with subordinate ids, in group docker
		     (which amounts to root on this machine), and a storage.conf/containers.conf for its
		     podman if what Debian ships does not run
		  4. /dev/fuse and /dev/net/tun for everybody, / a shared mount, /run/user/<uid>, as on any host
		     with systemd; then dockerd is started, and another one by the measuring user
		     (rootless, its images in that user's home); '$0 stop' ends both
		  Logs: $logs.  RUNTIMES=none in the environment prevents all of it.
	EOF
}

# logged WHAT CMD...: the output goes to the log; on failure its end is shown, addresses left out
# because a mirror's may carry a password.
logged() {
	local what=$1 from=$SECONDS
	shift
	printf '\n=== %s\n' "$what" >>"$log"
	if "$@" >>"$log" 2>&1 </dev/null; then
		say "$what: done ($((SECONDS - from)) s)"
		return 0
	fi
	warn "$what: FAILED. The end of $log:"
	tail -n 8 "$log" | sed -E 's#[a-z+]+://[^/ ]+#<mirror>#g' >&2
	return 1
}

apt_get() { DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 "$@"; }

install_packages() {
	local wanted=() missing=() p g
	for g in "${groups[@]}"; do read -r -a p <<<"$g"; wanted+=("${p[@]}"); done
	has gcc || wanted+=(gcc)
	has make || wanted+=(make)
	compgen -G '/usr/lib/*/libc.a' >/dev/null || wanted+=(libc6-dev) # static libc for the C payload
	# With systemd, rootless podman puts its cgroups under the user's systemd, over the user's bus.
	if systemd_runs; then wanted+=(dbus-user-session); fi
	for p in "${wanted[@]}"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing+=("$p")
	done
	if [ ${#missing[@]} -eq 0 ]; then
		say "Debian packages: all are here"
		return 0
	fi
	logged "apt-get update" apt_get update || warn "going on with the package lists that are here"
	if logged "Debian packages (${#missing[@]})" apt_get install --no-upgrade --no-install-recommends "${missing[@]}"; then
		return 0
	fi
	for g in "${groups[@]}" "gcc libc6-dev make"; do
		read -r -a p <<<"$g"
		logged "alone: $g" apt_get install --no-upgrade --no-install-recommends "${p[@]}" ||
			warn "going on without: $g (mend apt's complaint, then '$0 install' again)"
	done
}

# The machine's own mirror, and nothing of it written down: only this release's Debian entry.
debian_mirror() {
	local code found
	code=$(. /etc/os-release && echo "$VERSION_CODENAME")
	for _ in 1 2; do
		found=$(apt-get indextargets --format '$(LABEL)|$(CODENAME)|$(REPO_URI)' 'Created-By: Packages' |
			awk -F'|' -v c="$code" '$1 == "Debian" && $2 == c { print $3; exit }')
		if [ -n "$found" ]; then echo "$found"; return 0; fi
		apt-get -q update >&2 # it is known from the fetched lists only
	done
	echo "no Debian $code entry among apt's sources" >&2
	return 1
}

# --- Apptainer ------------------------------------------------------------------------------------

# Debian has it in sid only, built for a newer libc than this release's, and that libc must not
# replace the system's.  So both are unpacked under a prefix and the two programs are pointed there.
# RPATH rather than RUNPATH: it also holds for the libraries' own libraries, so that no half of an
# old libc is mixed in.  Integrity: apt's signed lists, with the key ring of this very Debian.
fetch_apptainer() { # DOWNLOAD-DIR PREFIX
	set -euo pipefail
	local tmp=$1 apptainer_root=$2
	local new=$apptainer_root.new mirror lib f debs apt
	mirror=$(debian_mirror)
	chmod 755 "$tmp"
	mkdir -p "$tmp/lists/partial" "$tmp/cache/archives/partial" "$tmp/debs"
	chown _apt "$tmp/debs" 2>/dev/null || true
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" >"$tmp/sid.list"
	apt=(-q -o Dir::Etc::SourceList="$tmp/sid.list" -o Dir::Etc::SourceParts=- -o Dir::Cache="$tmp/cache"
		-o Dir::State::Lists="$tmp/lists" -o Acquire::Languages=none)
	apt-get "${apt[@]}" update
	# libc6 and the other libraries it names, all of the same suite
	debs=$(apt-cache "${apt[@]}" depends apptainer | awk '$1 == "Depends:" && $2 ~ /^lib/ { print $2 }')
	# shellcheck disable=SC2086 # a list of names
	(cd "$tmp/debs" && apt-get "${apt[@]}" download apptainer $debs)
	rm -rf "$new"
	mkdir -p "$new"
	for f in "$tmp"/debs/*.deb; do dpkg-deb -x "$f" "$new"; done
	lib=$(dirname "$(find "$new/usr/lib" -name libc.so.6 | head -n 1)")
	for f in "$new/usr/bin/apptainer" "$(find "$new/usr/lib" -path '*/apptainer/bin/starter')"; do
		patchelf --force-rpath --set-rpath "$apptainer_root${lib#"$new"}" --set-interpreter \
			"$apptainer_root$(find "$lib" -name 'ld-*.so.?' -printf '%p\n' | head -n 1 | sed "s#^$new##")" "$f"
	done
	# Moved from /usr, the command looks for its configuration in usr/etc and its session directory
	# in usr/var; the starter, three levels above itself, in usr/lib/etc and usr/lib/var.
	for f in etc var; do
		ln -sfn "../$f" "$new/usr/$f"
		ln -sfn "../../$f" "$new/usr/lib/$f"
	done
	mkdir -p "$new/var/lib/apptainer/mnt/session"
	chmod -R go+rX "$new"
	chmod 755 "${new%/*}"
	rm -rf "$apptainer_root"
	mv "$new" "$apptainer_root"
	ln -sfn "$apptainer_root/usr/bin/apptainer" /usr/local/bin/apptainer
	# Other distributions' packages bring this name too, and libraries such as spython call no other.
	if ! command -v singularity >/dev/null; then ln -sfn apptainer /usr/local/bin/singularity; fi
	/usr/local/bin/apptainer --version
}

install_apptainer() {
	if has apptainer && apptainer --version >/dev/null 2>&1; then
		say "Apptainer: $(apptainer --version) is here"
		return 0
	fi
	local tmp
	tmp=$(mktemp -d /var/tmp/container-evaluation.XXXXXX)
	# In a shell of its own: inside an || or if, bash would ignore every failure in the function.
	logged "Apptainer of Debian sid" bash -c "$(declare -f debian_mirror fetch_apptainer); fetch_apptainer '$tmp' '$apptainer_root'" ||
		warn "going on without Apptainer"
	rm -rf "$tmp"
}

# --- the measuring user ---------------------------------------------------------------------------

setup_user() {
	local user f next
	user=$(measuring_user)
	if ! id "$user" >/dev/null 2>&1; then
		logged "user $user" useradd --create-home --shell /bin/bash "$user" || return 1
	fi
	for f in uid gid; do # rootless podman maps the ids of an image onto these
		if ! grep -q "^$user:" "/etc/sub$f" 2>/dev/null; then
			next=$(awk -F: '{ e = $2 + $3; if (e > m) m = e } END { print (m > 100000 ? m : 100000) }' \
				"/etc/sub$f" 2>/dev/null || echo 100000)
			logged "subordinate ${f}s of $user" usermod "--add-sub${f}s" "$next-$((next + 65535))" "$user" || true
		fi
	done
	if getent group docker >/dev/null && ! id -nG "$user" | grep -qw docker; then
		logged "$user into group docker" usermod -aG docker "$user" || true
	fi
	echo "$user" >"$state/user"
	say "measuring user: $user"
}

# A directory of the user's with the smallest root file system every runtime accepts: a static
# program, and for ch-run the directories and files it mounts over.  Prints its path.
make_rootfs() {
	local t
	t=$(as_user mktemp -d .container-evaluation-try.XXXXXX)
	t=$(as_user pwd)/$t
	as_user sh -ec "cd '$t'; mkdir -p root/bin root/etc root/dev root/home root/mnt root/opt root/proc \
		root/root root/run root/srv root/sys root/tmp root/usr root/var
		cd root/etc; touch passwd group hosts resolv.conf; cd ../..
		echo 'int main(void) { return 0; }' >try.c; gcc -static -o root/bin/try try.c
		tar -C root -cf root.tar ." >>"$log" 2>&1
	if podman_pause >/dev/null; then touch "$t/had-pause"; fi
	echo "$t"
}

discard() { # what make_rootfs made, and podman's process if the tries brought it
	local pid
	if [ ! -e "$1/had-pause" ] && pid=$(podman_pause); then kill "$pid" || true; fi
	case $1 in */.container-evaluation-try.*) rm -rf --one-file-system "$1" ;; esac
	rm -rf --one-file-system "/run/user/$(id -u "$(measuring_user)")"/try-podman.*
}

# podman with storage of its own in DIR/$podman_try, off the user's: only to find a configuration, because
# a store keeps the driver that it was begun with.  Its runroot must be a short path.
try_podman() { # DIR ARG...
	local d=$1
	shift
	as_user podman --root "$d/$podman_try" \
		--runroot "/run/user/$(id -u "$(measuring_user)")/try-podman.$podman_try" "$@"
}

# What Debian ships is tried first; only if it does not run, or stores by copying whole trees (vfs,
# no fair measure), the least configuration that does is written.  A file that exists is left alone.
configure_podman() { # DIR, from make_rootfs
	local t=$1 conf driver out settled tries x podman_try=0 user
	has podman || return 0
	user=$(measuring_user)
	conf=$(as_user sh -c 'echo "$HOME"')/.config/containers
	write() { # FILE TEXT: written as the user, so that it owns it; no text: removed
		[ -n "$2" ] || { as_user rm -f "$conf/$1"; return 0; }
		printf '# Written by setup/runtimes: what Debian ships did not do here.\n%s\n' "$2" |
			as_user sh -c 'mkdir -p "${1%/*}" && cat >"$1"' sh "$conf/$1"
	}
	attempt() { # CMD...: keeps what it says
		out=$("$@" 2>&1) && return 0
		printf '\n=== podman, with "%s": %s\n' "$x" "$out" >>"$log"
		return 1
	}

	tries=('' $'[storage]\ndriver = "overlay"'
		$'[storage]\ndriver = "overlay"\n[storage.options.overlay]\nmount_program = "/usr/bin/fuse-overlayfs"' '')
	if as_user test -e "$conf/storage.conf"; then tries=(); fi
	settled=
	for x in "${tries[@]}"; do # the last, empty again: vfs is better than nothing
		write storage.conf "$x"
		podman_try=$((podman_try + 1))
		attempt try_podman "$t" import -q "$t/root.tar" try:1 || continue
		driver=$(try_podman "$t" info -f '{{.Store.GraphDriverName}}' 2>>"$log") || continue
		if [ "$driver" != vfs ] || [ "$podman_try" = 4 ]; then settled=1; break; fi
	done
	[ -n "$settled" ] || attempt try_podman "$t" import -q "$t/root.tar" try:1 || true
	driver=$(try_podman "$t" info -f '{{.Store.GraphDriverName}}' 2>>"$log") || driver=unknown

	tries=('' $'[engine]\nruntime = "runc"' $'[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"'
		$'[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\n[containers]\nnetns = "host"')
	settled=
	for x in "${tries[@]}"; do
		if [ -n "$x" ]; then # without it: as it is, also when a file is there
			if [ -z "$settled" ] && as_user test -e "$conf/containers.conf"; then break; fi
			settled=ours
			write containers.conf "$x"
		fi
		if attempt try_podman "$t" run --rm try:1 /bin/try; then settled=runs; break; fi
	done
	if [ "$settled" = ours ]; then write containers.conf ''; fi
	if [ "$settled" != runs ]; then
		warn "podman does not run rootless here: $out (all tries: $log)"
		return 0
	fi
	if [[ $x == *netns* ]]; then warn "podman's own rootless network does not work here: it uses the host's"; fi
	settle_podman_store
	if attempt as_user sh -ec "cd '$t'; $podman_runs"; then
		say "podman runs rootless, $(podman_says); written for it: $(as_user ls -m "$conf" 2>/dev/null || echo nothing)"
	else
		warn "podman does not run in $user's own store: $out"
	fi
}

# What podman says of the very store that is measured: asked as the measuring user, with that user's
# environment, and without a --root.
podman_says() { as_user podman info -f 'storage driver {{.Store.GraphDriverName}}' 2>>"$log"; }

# Runs the static program in the measuring user's own store, from make_rootfs's directory.
podman_runs='podman import -q root.tar container-evaluation-try:1; r=0
	podman run --rm container-evaluation-try:1 /bin/try || r=$?; podman rmi -f container-evaluation-try:1; exit $r'

# A store that was begun with vfs copies the whole image at every start, whatever storage.conf says since.
# It is begun anew where all that is in it was made by an evaluation, and where a new one would be better.
settle_podman_store() {
	local user dir wanted left
	has podman && podman_used && [ "$(podman_says)" = 'storage driver vfs' ] || return 0
	user=$(measuring_user)
	dir=$(as_user mktemp -d .container-evaluation-try.XXXXXX)
	wanted=$(as_user podman --root "$(as_user pwd)/$dir/s" --runroot "/run/user/$(id -u "$user")/try-podman.s" \
		info -f '{{.Store.GraphDriverName}}' 2>>"$log") || wanted=vfs
	as_user rm -rf --one-file-system "$dir" "/run/user/$(id -u "$user")/try-podman.s"
	if [ "$wanted" = vfs ]; then
		warn "podman stores by copying whole images (vfs) here: its figures are not what a centre's podman does"
		return 0
	fi
	left=$(podman_others | head -n 3 | paste -sd ' ') || left=unknown
	if [ -n "$left" ]; then
		warn "podman's store of $user was begun with vfs, which copies the whole image at every start, and holds
	what is not ours ($left). It stays. To have it measured as a centre runs it ($wanted), remove
	all that is in it, as $user: podman system reset"
		return 0
	fi
	say "podman's store of $user was begun with vfs and holds nothing but an evaluation's: it is begun anew with $wanted"
	logged "podman system reset of $user" as_user podman system reset --force || true
	[ "$(podman_says)" = "storage driver $wanted" ] || warn "podman's store of $user is still not $wanted: see $log"
}

# Names of what is in the measuring user's store and was not made by an evaluation.
podman_others() {
	local all
	all=$(as_user podman ps --all --external --format '{{.Names}}' && as_user podman pod ps --format 'pod {{.Name}}' &&
		as_user podman volume ls --format 'volume {{.Name}}' && as_user podman secret ls --format 'secret {{.Name}}' &&
		as_user podman network ls --format 'network {{.Name}}' &&
		as_user podman images --all --format '{{.Repository}}:{{.Tag}}') 2>>"$log" || { echo "what podman does not tell"; return 0; }
	grep -vE '^$|^network podman$|^container-evaluation-|^([^/ ]+/)?container-evaluation(-try)?[/:]' <<<"$all" || true
}

# Runs the static program in every runtime as the measuring user; says what works, never fails.
check() {
	is_root || { warn "check needs root (it runs as the measuring user)"; return 1; }
	local t
	mkdir -p "$logs"
	t=$(make_rootfs) || { warn "no static program could be built: see $log"; return 0; }
	one() { # NAME COMMAND: a shell command run in the directory
		local out from
		has "${1%% *}" || return 0
		from=$(date +%s%N)
		if out=$(as_user sh -ec "cd '$t'; $2" 2>&1); then
			say "check: $1 runs as $(measuring_user) ($((($(date +%s%N) - from) / 1000000)) ms)"
		else
			warn "check: $1 does NOT run as $(measuring_user): $(tail -n 1 <<<"$out")"
		fi
	}
	one docker 'docker import root.tar container-evaluation-try:1; r=0
	 docker run --rm container-evaluation-try:1 /bin/try || r=$?; docker rmi -f container-evaluation-try:1; exit $r'
	if rootless_answers; then
		one 'docker (rootless)' 'd="docker --host unix://$XDG_RUNTIME_DIR/docker.sock"
		 $d import root.tar container-evaluation-try:1; r=0
		 $d run --rm container-evaluation-try:1 /bin/try || r=$?; $d rmi -f container-evaluation-try:1; exit $r'
	fi
	one podman "$podman_runs"
	if has podman && podman_used; then say "check: podman of $(measuring_user) has the $(podman_says)"; fi
	one ch-run 'ch-run root -- /bin/try'
	one apptainer 'apptainer build try.sif root && apptainer exec root /bin/try && apptainer exec try.sif /bin/try'
	discard "$t"
}

install_set() {
	local t from=$SECONDS
	is_root || { warn "installing needs root"; return 1; }
	has apt-get || { warn "not a Debian machine: nothing can be installed"; return 1; }
	mkdir -p "$state" "$run" "$logs" "$prefix"
	echo begun >"$state/embedded-set" # a broken-off install is then taken up again by ensure
	install_packages
	install_apptainer
	setup_user || { warn "without a measuring user nothing can be measured: see $log"; return 1; }
	prepare_host
	if t=$(make_rootfs); then
		configure_podman "$t"
		discard "$t"
	else
		warn "no static program could be built, podman was not tried: see $log"
	fi
	echo complete >"$state/embedded-set"
	say "installed in $((SECONDS - from)) s; '$0 start' starts the docker engine"
}
