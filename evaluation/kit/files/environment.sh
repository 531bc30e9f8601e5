# shellcheck shell=sh
# Sourced by the kit's `evaluate` and by the command that a batch job starts: what is written stays below the
# kit's folder, which is $kit.
# shellcheck disable=SC2154 # kit is set by whoever sources this
. "$kit/project/setup/isolated.sh"
state=$kit/state
# Where root lets another user measure, that user works here too.
mode=700
if [ "$(id -u)" -eq 0 ]; then mode=1777; fi
for folder in "$state" "$state/tmp" "$state/cache"; do
	[ -d "$folder" ] || mkdir -m "$mode" "$folder" 2>/dev/null || {
		printf 'evaluate: %s cannot be written to: unpack the kit where you may write\n' "$kit" >&2
		exit 1
	}
done
unset folder mode
export EVALUATION_KIT="$kit"
export EVALUATION_CACHE="${EVALUATION_CACHE:-$state/cache}"
export TMPDIR="${TMPDIR:-$state/tmp}"
export IPYTHONDIR="$state/ipython" JUPYTER_CONFIG_DIR="$state/jupyter/config"
export JUPYTER_DATA_DIR="$state/jupyter/data" JUPYTER_RUNTIME_DIR="$state/jupyter/runtime"

# Where a site keeps its accounts in a directory, the kit's own C library may not be able to ask for them: its names
# are hidden in archives all the same, and the user has a home.
# shellcheck disable=SC2046 # each group is a word
EVALUATION_ACCOUNT=$( (getent passwd "$(id -u)"; getent group $(id -G)) 2>/dev/null) || true
export EVALUATION_ACCOUNT

# A system with less than GNU's tools gets the kit's before its own; any other only those that it lacks.
if env --chdir=/ true 2>/dev/null; then PATH=$PATH:$kit/tools; else PATH=$kit/tools:$PATH; fi
export PATH
