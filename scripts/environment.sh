# Sourced by the other scripts: finds a Python, brings the environment up to date, sets `root` and `venv`.
#
# The environment is .venv beside the project. ENGINE_PYTHON names the Python to use, by name or path; each version has
# an environment of its own then, .venv-3.13 or the like. ENGINE_VENV names another folder in either case.
# It is touched (and the network asked) only when pyproject.toml, config/constraints.txt or the Python has changed: see
# environment.py. Written for bash 3.2, which macOS has.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
venv="${ENGINE_VENV:-$root/.venv}"

# A name may be there and still not run (a version manager's shim), or lack the modules that make an environment (Debian
# packs them apart).
fits() {
  "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null &&
    "$1" -c 'import ensurepip, venv' 2>/dev/null
}

# Prints the Python that was asked for, else the first that fits.
find_python() {
  local name
  if [ -n "${ENGINE_PYTHON-}" ]; then
    if fits "$ENGINE_PYTHON"; then
      echo "$ENGINE_PYTHON"
      return
    fi
    echo "${0##*/}: ENGINE_PYTHON: $ENGINE_PYTHON is no Python 3.11, 3.12 or 3.13 with its venv module" >&2
    return 1
  fi
  for name in python3.11 python3.12 python3.13 python3 python; do
    if fits "$name"; then
      echo "$name"
      return
    fi
  done
  {
    echo "${0##*/}: no suitable Python: install Python 3.11, 3.12 or 3.13 with its venv module"
    echo "  (Debian and Ubuntu: apt install python3-venv; macOS: brew install python@3.11)"
  } >&2
  return 1
}

# ensure_environment EXTRAS: EXTRAS is "" for what a user needs, "dev" for what a developer needs as well.
ensure_environment() {
  local python
  python="$(find_python)" || exit 1
  if [ -n "${ENGINE_PYTHON-}" ]; then
    venv="${ENGINE_VENV:-$root/.venv-$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')}"
  fi
  "$python" "$root/scripts/environment.py" "$venv" "$1" || exit 1
  # Settings come from the environment: the scripts' own variables are none.
  unset ENGINE_VENV ENGINE_PYTHON
}
