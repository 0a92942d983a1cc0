# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# Debian packages of any suite and architecture, fetched and unpacked without installing them; nothing of the system
# is changed. Sourced by bash scripts under `set -eu`; each function ends the script when it fails.

# Where this system gets the main archive from: of the first of its own sources that is Debian's.
debian_mirror() {
	apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(ORIGIN) $(LABEL)' 'Created-By: Packages' |
		awk '$3 == "Debian" && $4 == "Debian" && $2 !~ /-/ && !found++ { print $1 }
		END { exit !found }' || { echo 'this system has no source of Debian packages' >&2; return 1; }
}

# A folder in which apt keeps a state of its own, in which no package is installed, and knows the packages of SUITE.
# A mirror may be a snapshot, whose suites count as expired by and by.
debian_open() { # FOLDER SUITE [ARCH]
	local apt mirror
	rm -rf "$1"
	mkdir -p "$1"
	apt=$(readlink -f "$1")
	mirror=$(debian_mirror)
	mkdir -p "$apt"/{lists,archives}/partial "$apt"/etc/{apt.conf.d,preferences.d,sources.list.d}
	: >"$apt/status"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $2 main" >"$apt/etc/sources.list"
	cat >"$apt/apt.conf" <<-END
		APT::Architecture "${3:-$(dpkg --print-architecture)}";
		APT::Architectures { "${3:-$(dpkg --print-architecture)}"; };
		Dir::Etc "$apt/etc";
		Dir::State "$apt";
		Dir::State::status "$apt/status";
		Dir::Cache "$apt";
		APT::Install-Recommends "false";
		APT::Sandbox::User "root";
		Acquire::Check-Valid-Until "false";
		Acquire::Languages "none";
		Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
	END
	debian_apt "$apt" apt-get update -qq
}

# Runs one of apt's programs on that state.
debian_apt() { # FOLDER COMMAND..
	local apt=$1
	shift
	APT_CONFIG=$(readlink -f "$apt")/apt.conf "$@"
}

# Fetches PACKAGES and all that they depend on into FOLDER/archives.
debian_fetch() { # FOLDER PACKAGES..
	local apt=$1
	shift
	debian_apt "$apt" apt-get install -qq -y --download-only "$@" >/dev/null
}

# Unpacks into one tree under /usr, in which packages of the time before that fit too. Nothing is configured.
debian_unpack() { # ROOT DEB..
	local root=$1 part
	shift
	for part in bin sbin lib lib64; do
		mkdir -p "$root/usr/$part"
		ln -sfn "usr/$part" "$root/$part"
	done
	for part; do
		dpkg-deb --fsys-tarfile "$part" | tar -x -C "$root" --no-same-owner --keep-directory-symlink
	done
}
