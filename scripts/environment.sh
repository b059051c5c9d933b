# Sourced by the other scripts: finds a Python, brings the environment up to date, sets `root` and `venv`.
#
# The environment is .venv beside the project, or the folder that ENGINE_VENV names. It is touched (and the network
# asked) only when pyproject.toml, config/constraints.txt or the Python has changed: see environment.py.
# Written for bash 3.2, which macOS has.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
venv="${ENGINE_VENV:-$root/.venv}"

# Prints the first Python that fits. A name may be there and still not run (a version manager's shim), or lack the
# modules that make an environment (Debian packs them apart).
find_python() {
  local name
  for name in python3.11 python3.12 python3.13 python3 python; do
    if "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null &&
      "$name" -c 'import ensurepip, venv' 2>/dev/null; then
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
  "$python" "$root/scripts/environment.py" "$venv" "$1" || exit 1
  # Settings come from the environment: the scripts' own variable is none.
  unset ENGINE_VENV
}
