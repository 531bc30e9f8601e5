# shellcheck shell=bash disable=SC2034,SC2154 # suite: the world's; repository, home, root: of common.sh
# What the worlds with Debian 13 share: its engines, its two ordinary users, and the wheels of the project's lock.
# To be sourced after common.sh; a world adds to packages and tree_options.
packages=systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,sudo,procps,iproute2,iptables,ca-certificates,\
docker.io,docker-cli,rootlesskit,uidmap,slirp4netns,podman,crun,runc,passt,netavark,aardvark-dns,apptainer,\
squashfuse,fuse3,charliecloud,squashfs-tools,bubblewrap,python3-venv,git,make,gcc,libc6-dev
clone=/home/ada/container-evaluation

# Apptainer is in sid alone, and installs in trixie as it is.
sources() {
	local from
	from=$(mirror)
	printf '%s\n' "deb $from $suite main"
	if [ "$suite" != sid ]; then printf '%s\n' "deb $from sid main"; fi
}

# shellcheck disable=SC2016 # the hooks' own variables
tree_options=(
	--setup-hook='mkdir -p "$1/etc/apt/preferences.d"
		printf "Package: *\nPin: release n=sid\nPin-Priority: 1\n\nPackage: apptainer\nPin: release n=sid\nPin-Priority: 500\n" \
			>"$1/etc/apt/preferences.d/sid"'
	--customize-hook='for user in ada bob; do
			chroot "$1" useradd --create-home --shell /bin/bash "$user" # with subordinate ids, as the package sets it
			mkdir -p "$1/var/lib/systemd/linger" && touch "$1/var/lib/systemd/linger/$user"
		done
		chroot "$1" usermod --append --groups docker ada'
	# What dockerd-rootless-setuptool.sh writes.
	--customize-hook='cat >"$1/etc/systemd/user/docker.service" <<-EOF
			[Unit]
			Description=Rootless Docker
			ConditionUser=ada
			[Service]
			Environment=PATH=/usr/sbin:/sbin:/usr/bin:/bin
			ExecStart=/usr/share/docker.io/contrib/dockerd-rootless.sh
			Type=notify
			NotifyAccess=all
			Delegate=yes
			KillMode=mixed
			Restart=no
			[Install]
			WantedBy=default.target
		EOF
		chroot "$1" systemctl --global enable docker.service'
)

# The wheels of the project's lock for the tree's Python, from a machine with network as docs/sites.md says.
wheels() {
	local python=$repository/.venv/bin/python digest folder
	[ -x "$python" ] || python=python3
	digest=$(sha256sum <"$repository/requirements.lock")
	folder=$home/wheels-${digest:0:12}
	if [ ! -d "$folder" ]; then
		need_network
		say "downloading the wheels" >&2
		rm -rf "$home"/wheels-*
		"$python" -m pip download -qqq --disable-pip-version-check --require-hashes --only-binary=:all: \
			--python-version "$(cd "$root/usr/bin" && ls -d python3.?? | sed 's/python//')" \
			--requirement "$repository/requirements.lock" --dest "$folder.new"
		mv "$folder.new" "$folder"
	fi
	echo "$folder"
}

bring_wheels() {
	local folder
	folder=$(wheels) # a failure of its own ends this
	cp -rl "$folder" "$root$clone/wheels"
	chroot "$root" chown -R ada:ada "$clone"
}
