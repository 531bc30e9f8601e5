# shellcheck shell=sh
# Sourced by whatever starts our Python from a shell: setup/venv, .venv/bin/evaluation, every batch job.
#
# A software view (module load, a conda or Spack environment, an LCG setup.sh) redirects every Python, pip and
# Jupyter below it.  Ours has all that it needs in its own environment, so what redirects it is forgotten.  What
# only says where packages come from, or what an index trusts, stays: a site's mirror is needed.
for name in $(env | sed -n -e 's/^\(PYTHON[A-Z0-9]\{1,\}\)=.*/\1/p' -e 's/^\(PIP_[A-Z_]*\)=.*/\1/p' \
	-e 's/^\(JUPYTER_[A-Z_]*\)=.*/\1/p' -e 's/^\(IPYTHONDIR\)=.*/\1/p'); do
	case $name in
	PYTHONDONTWRITEBYTECODE | PYTHONPYCACHEPREFIX | PYTHONUNBUFFERED) ;;
	PIP_INDEX_URL | PIP_EXTRA_INDEX_URL | PIP_FIND_LINKS | PIP_NO_INDEX | PIP_TRUSTED_HOST | PIP_PROXY) ;;
	PIP_CERT | PIP_CLIENT_CERT | PIP_KEYRING_PROVIDER | PIP_CONFIG_FILE | PIP_CACHE_DIR | PIP_NO_CACHE_DIR) ;;
	PIP_TIMEOUT | PIP_DEFAULT_TIMEOUT | PIP_RETRIES) ;;
	JUPYTER_RUNTIME_DIR) ;;
	*) unset "$name" ;;
	esac
done
unset name
export PYTHONNOUSERSITE=1 JUPYTER_PREFER_ENV_PATH=1
