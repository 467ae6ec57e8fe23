// A language client that knows nothing of this server: what any extension that starts servers does.

const { LanguageClient } = require("vscode-languageclient/node");

let client;

exports.activate = async () => {
  const run = { command: process.env.EZROUTER_TEST_SERVER, args: ["--stdio"] };
  client = new LanguageClient("plain", "plain", run, { documentSelector: [{ scheme: "file" }] });
  await client.start();
};

exports.deactivate = () => client?.stop();
