// Lets a test look into the editor: runs code with `vscode` in scope, asked for over HTTP on loopback. What a user does goes
// through the keyboard and the mouse instead.

const fs = require("node:fs");
const http = require("node:http");
const vscode = require("vscode");

const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor;

exports.activate = () => {
  const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }
    try {
      const { code, argument } = JSON.parse(Buffer.concat(chunks).toString());
      const result = await new AsyncFunction("vscode", "argument", code)(vscode, argument);
      response.end(JSON.stringify({ result: result ?? null }));
    } catch (error) {
      response.end(JSON.stringify({ error: String(error?.stack ?? error) }));
    }
  });
  server.listen(0, "127.0.0.1", () => {
    // Renamed into place, so that nobody reads half a number.
    const file = process.env.EZROUTER_TEST_DRIVER;
    fs.writeFileSync(`${file}.new`, String(server.address().port));
    fs.renameSync(`${file}.new`, file);
  });
};
