// npm ws as a peer of `cargo xtask bench fanout`: `GET /sub/1,2` subscribes, `POST /pub/2` is a change.
import { createServer } from "node:http";
import { createRequire } from "node:module";

// Its package is not below this file.
const { WebSocketServer } = createRequire(process.cwd() + "/")("ws");
const watchers = new Map();
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, clientTracking: false });

const server = createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const text = Buffer.concat(parts);
    for (const socket of watchers.get(request.url.slice("/pub/".length)) ?? []) {
      socket.send(text, { binary: false });
    }
    response.writeHead(204).end();
  });
});

server.on("upgrade", (request, stream, head) => {
  stream.setNoDelay(true);
  sockets.handleUpgrade(request, stream, head, (socket) => {
    for (const person of request.url.slice("/sub/".length).split(",")) {
      if (!watchers.has(person)) watchers.set(person, []);
      watchers.get(person).push(socket);
    }
  });
});

server.keepAliveTimeout = 0;
server.maxRequestsPerSocket = 0;
server.listen(Number(process.argv[2]), "0.0.0.0", 4096);
